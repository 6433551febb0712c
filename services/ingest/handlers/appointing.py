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

from schemas.appointments import AppointmentChanged, PersonErased
from schemas.envelope import Envelope, derived_id
from schemas.topics import APPOINTMENT_CHANGED, PERSON_ERASED, Topic
from services.ingest import secrets
from services.ingest.handlers.submitting import SOURCE
from services.ingest.store import appointments as store
from services.ingest.store import people as people_store
from services.ingest.store.appointments import Appointment
from services.ingest.store.reports import epoch
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.minting import next_number
from services.runtime.publisher import message, type_of
from services.runtime.tokens import subject_digest

ROLES = ("rapportor", "analytiker", "est_medlem", "kontaktcenter", "registrator", "administrator")
KINDS = ("department", "public_housing", "private_property", "security", "school", "association", "police")
"""Kinds of organisation that take part (domain reference §1)."""


class UnknownMunicipality(Exception):
    """The municipality is not registered."""


class LastAdministrator(Exception):
    """The municipality would be left without anybody who can let others in."""


class Gone(Exception):
    """There is no such person, organisation or appointment in this municipality."""


class Taken(Exception):
    """The name or address is somebody else's."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the administrator sees them; ``appointment`` is the one that holds now."""

    row: Row[Any]
    appointment: Appointment | None
    appointments: tuple[Appointment, ...] = ()


def _source(roles: Sequence[str]) -> str:
    """A contact centre hands in what others tell it; that is counted as tips, apart from trained reporters' reports."""
    return "tips" if "kontaktcenter" in roles and "rapportor" not in roles else "rapportor"


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
            municipality = await people_store.municipality(connection, kommun)
            if municipality is None:
                raise UnknownMunicipality(kommun)
            known = await people_store.person_by_email(connection, kommun, email)
            if known is not None:
                return known.person_id, False
            person, client = uuid4(), uuid4()
            owner = await self._owner(connection, kommun, organisation)
            await people_store.add_client(
                connection,
                kommun,
                client,
                organisation=owner,
                kind="person",
                name="person",
                source=_source(roles),
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
                await self._appoint(connection, kommun, _new(person, owner, datetime.now(UTC)))
        return person, True

    async def _owner(self, connection: AsyncConnection, kommun: str, organisation: UUID | str) -> UUID:
        if isinstance(organisation, str):
            return await people_store.organisation_named(connection, kommun, organisation)
        if organisation not in {o.organisation_id for o in await store.organisations(connection, kommun)}:
            raise Gone
        return organisation

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
        self, kommun: str, ident: UUID, *, name: str, roles: Sequence[str], organisation: UUID, active: bool
    ) -> None:
        """Change name, roles, organisation, and whether they may come in. Gone, LastAdministrator."""
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            before = await store.one(connection, kommun, ident)
            if before is None:
                raise Gone
            owner = await self._owner(connection, kommun, organisation)
            if not active or "administrator" not in roles:
                await self._keep_one_administrator(connection, kommun, before)
            await store.change_person(
                connection, kommun, ident, name=name, roles=roles, organisation=owner, active=active
            )
            await self._follow(connection, kommun, ident, owner, reports=active and "rapportor" in roles)
            await self._revoke(connection, kommun, ident)

    async def _follow(
        self, connection: AsyncConnection, kommun: str, ident: UUID, owner: UUID, *, reports: bool
    ) -> None:
        """Who comes to report is appointed, and who no longer does is not: else the exposure would be wrong."""
        now = datetime.now(UTC)
        running = [a for a in await store.of(connection, kommun, ident) if a.until is None or a.until > now]
        if reports and not running:
            await self._appoint(connection, kommun, _new(ident, owner, now))
        if not reports:
            await self._end_appointments(connection, kommun, ident, now)

    async def _end_appointments(self, connection: AsyncConnection, kommun: str, ident: UUID, now: datetime) -> None:
        for appointment in await store.of(connection, kommun, ident):
            if appointment.until is None or appointment.until > now:
                await self._appoint(connection, kommun, replace(appointment, until=max(now, appointment.since)))

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
        """Appoint a person, or change one of their appointments; its id. Gone."""
        async with self._database.transaction((kommun,)) as connection:
            if await store.one(connection, kommun, person) is None:
                raise Gone
            owner = await self._owner(connection, kommun, organisation)
            known = {a.appointment_id: a for a in await store.of(connection, kommun, person)}
            if appointment is not None and appointment not in known:
                raise Gone
            base = _new(person, owner, since) if appointment is None else known[appointment]
            kept = replace(base, organisation_id=owner, areas=tuple(areas), since=since, until=until, trained=trained)
            await self._appoint(connection, kommun, kept)
        return kept.appointment_id

    async def erase(self, kommun: str, ident: UUID) -> None:
        """Forget a person everywhere; what they reported stays, by a token that leads to nobody.

        Gone, LastAdministrator.
        """
        now = datetime.now(UTC)
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun)
            row = await store.one(connection, kommun, ident)
            if row is None:
                raise Gone
            await self._keep_one_administrator(connection, kommun, row)
            await self._end_appointments(connection, kommun, ident, now)
            await self._revoke(connection, kommun, ident)
            await store.delete_person(connection, kommun, ident)
            number = next_number(None, await epoch(connection))
            erased = PersonErased(kommun=kommun, person_id=ident, revision=number, minted_at=now)
            await _publish(connection, PERSON_ERASED, erased, str(ident))

    async def _appoint(self, connection: AsyncConnection, kommun: str, appointment: Appointment) -> None:
        """Keep it under its next revision and tell it: an opaque token, never a person."""
        previous = appointment.revision or None
        minted = replace(appointment, revision=next_number(previous, await epoch(connection)))
        await store.put(connection, kommun, minted)
        changed = AppointmentChanged(
            kommun=kommun,
            reporter_token=minted.token,
            revision=minted.revision,
            organisation=minted.organisation_id,
            areas=minted.areas,
            since=minted.since,
            until=minted.until,
            trained=minted.trained,
            minted_at=datetime.now(UTC),
        )
        await _publish(connection, APPOINTMENT_CHANGED, changed, minted.token)

    async def _revoke(self, connection: AsyncConnection, kommun: str, ident: UUID) -> None:
        await store.revoke(connection, subject_digest(kommun, str(ident)), datetime.now(UTC))

    async def organisations(self, kommun: str) -> list[Row[Any]]:
        """The organisations by name."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.organisations(connection, kommun)

    async def put_organisation(self, kommun: str, *, name: str, kind: str, ident: UUID | None = None) -> UUID:
        """Add an organisation, or change one; its id. Taken when another has the name."""
        chosen = ident or uuid4()
        async with self._database.transaction((kommun,)) as connection:
            put = store.add_organisation if ident is None else store.change_organisation
            if not await put(connection, kommun, chosen, name, kind):
                raise Taken
        return chosen


def _new(person: UUID, organisation: UUID, since: datetime) -> Appointment:
    return Appointment(uuid4(), person, uuid4().hex, organisation, (), since, None, trained=False, revision=0)


async def _publish(
    connection: AsyncConnection, topic: Topic, body: AppointmentChanged | PersonErased, ident: str
) -> None:
    envelope = Envelope(
        id=derived_id(topic.name, body.kommun, ident, body.revision),
        source=SOURCE,
        type=type_of(topic),
        time=body.minted_at,
        partitionkey=body.kommun,
        correlationid=str(uuid4()),
    )
    await outbox.write(connection, [message(topic, body, envelope)])
