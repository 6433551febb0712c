"""Keys for other organisations' systems: made, listed, ended. Two may live at a time, so that one can be replaced.

A sandbox key is checked like any other, and what it hands in is judged in full, and nothing is stored.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row

from services.ingest import secrets
from services.ingest.handlers.appointing import UnknownMunicipality
from services.ingest.store import appointments, people
from services.ingest.store import keys as store
from services.runtime.database import Database
from services.runtime.tokens import subject_digest

SCOPES = (
    "reports:write",
    "reports:read",
    "counts:read",
    "features:read",
    "context:write",
    "people:write",
    "subscriptions:write",
)
SANDBOX = "sandbox"
"""A scope that takes away: with it nothing is stored."""
MOST_KEYS = 2


class TooManyKeys(Exception):
    """The system has two live keys already: one must end before the next is made."""


class OtherSystem(Exception):
    """The name is a system's of another organisation or kind of source: its reports would be counted as that one's."""

    def __init__(self, source: str, organisation: str) -> None:
        super().__init__(f"{source}, {organisation}")
        self.source, self.organisation = source, organisation


class Keys:
    """The use cases of those who let systems in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        kommun: str,
        *,
        system: str,
        organisation: str,
        source: str,
        scopes: Sequence[str],
        sandbox: bool = False,
        instead: bool = False,
    ) -> tuple[UUID, str]:
        """A new key for a system, registered if it is not yet: its client id and the key, shown only now.

        ``sandbox``: for handing in only, and nothing is stored. ``instead``: the system's other keys end.
        UnknownMunicipality, OtherSystem, TooManyKeys.
        """
        key = secrets.new_key()
        chosen = ["reports:write", SANDBOX] if sandbox else list(scopes)
        async with self._database.transaction((kommun,)) as connection:
            municipality = await people.municipality(connection, kommun)
            if municipality is None:
                raise UnknownMunicipality(kommun)
            owner = await people.organisation_named(connection, kommun, organisation)
            client = await people.system_client(connection, kommun, system)
            if client is not None:
                known = await people.client(connection, kommun, client)
                if known is not None and (known.source, known.organisation_id) != (source, owner):
                    raise OtherSystem(known.source, known.organisation or "")
            else:
                client = uuid4()
                await people.add_client(
                    connection,
                    kommun,
                    client,
                    organisation=owner,
                    kind="system",
                    name=system,
                    source=source,
                    invented=municipality.invented,
                )
            if instead and await store.revoke_all(connection, kommun, client):
                await appointments.revoke(connection, subject_digest(kommun, str(client)), datetime.now(UTC))
            if await store.count(connection, kommun, client, sandbox=sandbox) >= MOST_KEYS:
                raise TooManyKeys
            await people.add_credential(
                connection, secrets.digest(key), kommun=kommun, client_id=client, prefix=key[:8], scopes=chosen
            )
        return client, key

    async def live(self, kommun: str) -> list[Row[Any]]:
        """Every live key, by system."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.live(connection, kommun)

    async def systems(self, kommun: str) -> dict[UUID, str]:
        """Every system that has ever had a key here → its name."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.systems(connection, kommun)

    async def revoke(self, kommun: str, ident: UUID) -> bool:
        """End a key at once, and the tokens that it bought in every room within half a minute; False for none."""
        async with self._database.transaction((kommun,)) as connection:
            client = await store.revoke(connection, kommun, ident)
            if client is not None:
                await appointments.revoke(connection, subject_digest(kommun, str(client)), datetime.now(UTC))
        return client is not None
