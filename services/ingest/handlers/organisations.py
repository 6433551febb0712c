"""The organisations of a municipality: who reports, meets and owns systems."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row

from services.ingest.handlers.appointing import Gone
from services.ingest.store import appointments as store
from services.runtime.database import Database

KINDS = ("department", "public_housing", "private_property", "security", "school", "association", "police")
"""Kinds of organisation that take part (domain reference §1)."""


class Taken(Exception):
    """Another organisation has the name."""


class Organisations:
    """The use cases of those who administer organisations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, kommun: str) -> list[Row[Any]]:
        """The organisations by name."""
        async with self._database.transaction((kommun,)) as connection:
            found = await store.organisations(connection, kommun)
        return sorted(found, key=lambda o: o.name.casefold().translate(_SWEDISH_ORDER))

    async def put(self, kommun: str, *, name: str, kind: str, ident: UUID | None = None) -> UUID:
        """Add an organisation, or change one; its id. Taken when another has the name, Gone when it is not there."""
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            known = {o.organisation_id: o.name.casefold() for o in await store.organisations(connection, kommun)}
            if ident is not None and ident not in known:
                raise Gone
            if name.casefold() in {n for o, n in known.items() if o != ident}:
                raise Taken
            chosen = ident or uuid4()
            await store.put_organisation(connection, kommun, chosen, name, kind)
        return chosen


_SWEDISH_ORDER = {ord("å"): "{", ord("ä"): "|", ord("ö"): "}"}
"""Å, ä and ö come after z, in this order."""
