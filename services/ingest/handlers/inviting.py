"""The first administrator: a link that the console shows, good for a week and once. Nothing has a default password."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.ingest import secrets
from services.ingest.handlers.appointing import Appointing, UnknownMunicipality
from services.ingest.store import appointments as store
from services.ingest.store import people as people_store
from services.runtime.database import Database

INVITATION_DAYS = 7
PATH = "/bli-administrator"


class Inviting:
    """Making and using invitations."""

    def __init__(self, database: Database) -> None:
        self._database, self._appointing = database, Appointing(database)

    async def invite(self, kommun: str) -> str | None:
        """A key that makes its holder the first administrator; None when there is one. UnknownMunicipality."""
        key = secrets.new_session()
        async with self._database.transaction((kommun,)) as connection:
            if await people_store.municipality(connection, kommun) is None:
                raise UnknownMunicipality(kommun)
            if await store.administrators(connection, kommun):
                return None
            expires = datetime.now(UTC) + timedelta(days=INVITATION_DAYS)
            await store.invite(connection, secrets.digest(key), kommun, expires)
        return key

    async def invited(self, key: str) -> Row[Any] | None:
        """The municipality that a live invitation is for."""
        async with self._database.transaction() as connection:
            kommun = await store.invitation(connection, secrets.digest(key))
            return None if kommun is None else await people_store.municipality(connection, kommun)

    async def accept(self, key: str, *, name: str, email: str, organisation: str) -> tuple[str, UUID] | None:
        """Use an invitation up: (municipality, its first administrator); None when it does not hold."""
        async with self._database.transaction() as connection:
            kommun = await store.invitation(connection, secrets.digest(key), use=True)
        if kommun is None:
            return None
        person, new = await self._appointing.register(
            kommun, name=name, email=email, roles=["administrator"], organisation=organisation
        )
        if not new:
            known = (await self._appointing.person(kommun, person)).row
            roles = sorted({*known.roles, "administrator"})
            await self._appointing.change(
                kommun, person, name=known.name, roles=roles, organisation=known.organisation_id, active=True
            )
        return kommun, person
