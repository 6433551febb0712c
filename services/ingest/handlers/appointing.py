"""A municipality's people: registered, appointed to report, given roles, and forgotten.

What other rooms must know leaves in the same transaction: an appointment as ``appointment-changed`` under its own
opaque token, an erasure as ``person-erased``. A change of roles, a lock-out and an erasure revoke the person's tokens,
which every room learns from the published keys within half a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest import secrets
from services.ingest.handlers import appointments
from services.ingest.store import appointments as store
from services.ingest.store import federation, passkeys
from services.ingest.store import people as people_store
from services.ingest.store.appointments import Appointment
from services.runtime.database import Database
from services.runtime.tokens import subject_digest


class UnknownMunicipality(Exception):
    """The municipality is not registered."""


class LastAdministrator(Exception):
    """The municipality would be left without anybody who can let others in."""


class Gone(Exception):
    """There is no such person, organisation or appointment in this municipality."""


class Taken(Exception):
    """The address is somebody else's."""


class NotAppointed(Exception):
    """Nobody without the role of a reporter, and nobody who is locked out, is appointed."""


class Overlapping(Exception):
    """The person would be appointed twice at a time."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the administrator sees them; ``appointment`` is the one that holds now."""

    row: Row[Any]
    appointment: Appointment | None
    appointments: tuple[Appointment, ...] = ()


async def register(
    connection: AsyncConnection,
    kommun: str,
    *,
    name: str,
    email: str,
    roles: Sequence[str],
    organisation: UUID | str,
) -> tuple[UUID, bool]:
    """The same in the caller's transaction, which holds the municipality's lock."""
    municipality = await people_store.municipality(connection, kommun)
    if municipality is None:
        raise UnknownMunicipality(kommun)
    known = await people_store.person_by_email(connection, kommun, email)
    if known is not None:
        return known.person_id, False
    person, client = uuid4(), uuid4()
    owner = await _owner(connection, kommun, organisation)
    await people_store.add_client(
        connection,
        kommun,
        client,
        organisation=owner,
        kind="person",
        name="person",
        source="tips",  # until an appointment holds: ``People.sender``
        invented=municipality.invented,
    )
    await people_store.add_person(
        connection,
        kommun,
        person,
        client_id=client,
        organisation=owner,
        name=name,
        email=email,
        roles=list(roles),
        email_hash=secrets.email_digest(email),
    )
    if "rapportor" in roles:
        await appointments.begin(connection, kommun, person, owner)
    return person, True


async def _owner(connection: AsyncConnection, kommun: str, organisation: UUID | str) -> UUID:
    if isinstance(organisation, str):
        return await people_store.organisation_named(connection, kommun, organisation)
    if organisation not in {o.organisation_id for o in await store.organisations(connection, kommun)}:
        raise Gone
    return organisation


class Appointing:
    """The use cases of those who administer people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(
        self, kommun: str, *, name: str, email: str, roles: Sequence[str], organisation: UUID | str
    ) -> tuple[UUID, bool]:
        """A person, and whether they are new: the same address in a municipality is the same person again.

        ``organisation`` is an id, or a name that becomes a department if it is not there. A reporter is appointed from
        now on. UnknownMunicipality, Gone.
        """
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            return await register(connection, kommun, name=name, email=email, roles=roles, organisation=organisation)

    async def people(self, kommun: str) -> list[Person]:
        """Everybody, the active first."""
        async with self._database.transaction((kommun,)) as connection:
            current = await store.current(connection, kommun, datetime.now(UTC))
            return [Person(row, current.get(row.person_id)) for row in await store.people(connection, kommun)]

    async def person(self, kommun: str, ident: UUID) -> Person:
        """One of them with all appointments; Gone."""
        async with self._database.transaction((kommun,)) as connection:
            row = await store.one(connection, kommun, ident)
            if row is None:
                raise Gone
            current = await store.current(connection, kommun, datetime.now(UTC))
            return Person(row, current.get(ident), tuple(await store.of(connection, kommun, ident)))

    async def change(
        self,
        kommun: str,
        ident: UUID,
        *,
        name: str,
        roles: Sequence[str],
        organisation: UUID,
        active: bool | None = None,
        email: str | None = None,
    ) -> None:
        """Change name, roles, organisation, address, and whether they may come in; None leaves that as it stands.

        Who is locked out, or gets another address, is signed out everywhere. Gone, LastAdministrator, Taken.
        """
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            before = await store.one(connection, kommun, ident)
            if before is None:
                raise Gone
            owner = await _owner(connection, kommun, organisation)
            active = before.active if active is None else active
            if not active or "administrator" not in roles:
                await self._keep_one_administrator(connection, kommun, before)
            await store.change_person(
                connection,
                kommun,
                ident,
                name=name,
                roles=roles,
                organisation=owner,
                active=active,
            )
            if email is not None and email != before.email:
                await self._move_address(connection, kommun, ident, email)
            if not active:
                await store.end_sessions(connection, kommun, ident)
            await self._follow(connection, kommun, before, owner, reports=active and "rapportor" in roles)
            await _revoke(connection, kommun, ident)

    async def _move_address(self, connection: AsyncConnection, kommun: str, ident: UUID, email: str) -> None:
        known = await people_store.person_by_email(connection, kommun, email)
        if known is not None and known.person_id != ident:
            raise Taken
        await store.change_address(connection, kommun, ident, email, secrets.email_digest(email))
        await federation.unlink(connection, kommun, ident)
        await passkeys.forget(connection, kommun, ident)  # whoever had the earlier address may have made one

    async def _follow(
        self, connection: AsyncConnection, kommun: str, before: Row[Any], owner: UUID, *, reports: bool
    ) -> None:
        """Appoint who came to report just now, end it for who does so no longer, and take the rest along."""
        reported = before.active and "rapportor" in before.roles
        if reports and not reported:
            await appointments.begin(connection, kommun, before.person_id, owner)
        elif not reports:
            await appointments.end(connection, kommun, before.person_id)
        elif before.organisation_id != owner:
            await appointments.move(connection, kommun, before.person_id, owner)

    async def _keep_one_administrator(self, connection: AsyncConnection, kommun: str, row: Row[Any]) -> None:
        is_one = row.active and "administrator" in row.roles
        if is_one and not await store.other_administrators(connection, kommun, row.person_id):
            raise LastAdministrator

    async def appoint(
        self,
        kommun: str,
        person: UUID,
        *,
        organisation: UUID,
        areas: Sequence[str],
        since: datetime,
        until: datetime | None,
        trained: bool,
        appointment: UUID | None = None,
    ) -> UUID:
        """Appoint a reporter, or change one of their appointments; its id. Gone, NotAppointed, Overlapping."""
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            row = await store.one(connection, kommun, person)
            if row is None:
                raise Gone
            if not row.active or "rapportor" not in row.roles:
                raise NotAppointed
            owner = await _owner(connection, kommun, organisation)
            known = {a.appointment_id: a for a in await store.of(connection, kommun, person)}
            if appointment is not None and appointment not in known:
                raise Gone
            base = appointments.new(person, owner, since) if appointment is None else known[appointment]
            kept = replace(base, organisation_id=owner, areas=tuple(areas), since=since, until=until, trained=trained)
            if appointments.overlaps(kept, list(known.values())):
                raise Overlapping
            await appointments.keep(connection, kommun, kept)
        return kept.appointment_id

    async def erase(self, kommun: str, ident: UUID) -> None:
        """Forget a person everywhere; what they reported stays, by a token that leads to nobody.

        Gone, LastAdministrator.
        """
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            row = await store.one(connection, kommun, ident)
            if row is None:
                raise Gone
            await self._keep_one_administrator(connection, kommun, row)
            await erase(connection, kommun, ident, row.email)


async def erase(connection: AsyncConnection, kommun: str, ident: UUID, address: str) -> None:
    """Name, contact, logins and the way from tokens to the person go, in every room; safe for somebody who is gone."""
    await appointments.end(connection, kommun, ident)
    await _revoke(connection, kommun, ident)
    await passkeys.forget(connection, kommun, ident)
    await store.delete_person(connection, kommun, ident, secrets.email_digest(address))
    await appointments.tell_erased(connection, kommun, ident)


async def _revoke(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    await store.revoke(connection, subject_digest(kommun, str(ident)), datetime.now(UTC))
