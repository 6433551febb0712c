"""The first administrator: a link that the console shows, good for a week and once. Nothing has a default password."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import secrets
from services.ingest.handlers import appointments
from services.ingest.handlers.appointing import UnknownMunicipality, register
from services.ingest.store import appointments as store
from services.ingest.store import people as people_store
from services.runtime.database import Database

INVITATION_DAYS = 7
PATH = "/bli-administrator"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who became administrator. A person who was registered before has to log in as always: a link proves nobody."""

    kommun: str
    person: UUID
    new: bool


class Inviting:
    """Making and using invitations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def invite(self, kommun: str, *, replacing: bool = False) -> str | None:
        """A key that makes its holder the first administrator; None when there is one. UnknownMunicipality.

        ``replacing``: one more, for a municipality whose administrators cannot come in any longer.
        """
        key = secrets.new_session()
        async with self._database.transaction((kommun,)) as connection:
            if await people_store.municipality(connection, kommun) is None:
                raise UnknownMunicipality(kommun)
            if not replacing and await store.administrators(connection, kommun):
                return None
            expires = datetime.now(UTC) + timedelta(days=INVITATION_DAYS)
            await store.invite(connection, secrets.digest(key), kommun, expires, replacing=replacing)
        return key

    async def invited(self, key: str) -> Row[Any] | None:
        """The municipality that a live invitation is for."""
        async with self._database.transaction() as connection:
            found = await store.invitation(connection, secrets.digest(key))
        if found is None:
            return None
        async with self._database.transaction((found.kommun,)) as connection:
            if not await _holds(connection, found):
                return None
            return await people_store.municipality(connection, found.kommun)

    async def accept(self, key: str, *, name: str, email: str, organisation: str) -> Accepted | None:
        """Use the municipality's invitations up and make an administrator; None when this one does not hold."""
        digest = secrets.digest(key)
        async with self._database.transaction() as connection:
            found = await store.invitation(connection, digest)
        if found is None:
            return None
        kommun = found.kommun
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            if await store.invitation(connection, digest) is None or not await _holds(connection, found):
                return None
            await store.use_invitations(connection, kommun)
            person, new = await register(
                connection, kommun, name=name, email=email, roles=["administrator"], organisation=organisation
            )
            if not new:
                await store.make_administrator(connection, kommun, person)
                row = await store.one(connection, kommun, person)
                if row is not None and "rapportor" in row.roles:  # who was locked out reports again
                    await appointments.begin(connection, kommun, person, row.organisation_id)
        return Accepted(kommun, person, new)


async def _holds(connection: AsyncConnection, invitation: Row[Any]) -> bool:
    return bool(invitation.replacing or not await store.administrators(connection, invitation.kommun))
