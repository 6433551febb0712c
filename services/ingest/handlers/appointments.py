"""One appointment at a time, in the caller's transaction: kept under its next revision and told to the other rooms.

Who comes to report is appointed, and who no longer does is not: else the exposure of the statistics would be wrong.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import AppointmentChanged, PersonErased
from schemas.envelope import Envelope, derived_id
from schemas.topics import APPOINTMENT_CHANGED, PERSON_ERASED, Topic
from services.ingest.handlers.submitting import SOURCE
from services.ingest.store import appointments as store
from services.ingest.store.appointments import Appointment
from services.ingest.store.reports import epoch
from services.runtime import outbox
from services.runtime.minting import next_number
from services.runtime.publisher import Outgoing, message, type_of


def new(person: UUID, organisation: UUID | None, since: datetime) -> Appointment:
    """An appointment that is not kept yet: the whole municipality, no end, not trained."""
    return Appointment(uuid4(), person, uuid4().hex, organisation, (), since, None, trained=False, revision=0)


async def keep(connection: AsyncConnection, kommun: str, appointment: Appointment) -> None:
    """Keep it under its next revision and tell it: an opaque token, never a person."""
    minted = replace(appointment, revision=next_number(appointment.revision or None, await epoch(connection)))
    await store.put(connection, kommun, minted)
    await outbox.write(connection, [told(kommun, minted)])


def told(kommun: str, appointment: Appointment) -> Outgoing:
    """What the other rooms hear of an appointment; the same revision is the same message again."""
    changed = AppointmentChanged(
        kommun=kommun,
        reporter_token=appointment.token,
        revision=appointment.revision,
        organisation=appointment.organisation_id,
        areas=appointment.areas,
        since=appointment.since,
        until=appointment.until,
        trained=appointment.trained,
        minted_at=datetime.now(UTC),
    )
    return _message(APPOINTMENT_CHANGED, changed, appointment.token)


async def tell_erased(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """Every room must forget this person."""
    number = next_number(None, await epoch(connection))
    erased = PersonErased(kommun=kommun, person_id=person, revision=number, minted_at=datetime.now(UTC))
    await outbox.write(connection, [_message(PERSON_ERASED, erased, str(person))])


def _message(topic: Topic, body: AppointmentChanged | PersonErased, ident: str) -> Outgoing:
    envelope = Envelope(
        id=derived_id(topic.name, body.kommun, ident, body.revision),
        source=SOURCE,
        type=type_of(topic),
        time=body.minted_at,
        partitionkey=body.kommun,
        correlationid=str(uuid4()),
    )
    return message(topic, body, envelope)


def running(appointments: Sequence[Appointment], now: datetime) -> list[Appointment]:
    """Those that hold now or will; not those that were ended before they began."""
    return [a for a in appointments if a.until is None or (a.until > now and a.until != a.since)]


def overlaps(one: Appointment, others: Sequence[Appointment]) -> bool:
    """Whether a person would be appointed twice at some time: two tokens, counted as two reporters."""

    def before(a: Appointment, b: Appointment) -> bool:
        return a.until is not None and a.until <= b.since

    rest = [o for o in others if o.appointment_id != one.appointment_id and o.until != o.since]
    return any(not before(one, other) and not before(other, one) for other in rest)


async def end(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """End what runs now; what has not begun comes to nothing."""
    now = datetime.now(UTC)
    for appointment in running(await store.of(connection, kommun, person), now):
        await keep(connection, kommun, replace(appointment, until=max(now, appointment.since)))


async def begin(connection: AsyncConnection, kommun: str, person: UUID, organisation: UUID) -> None:
    """Appoint who came to report, from now on; who was appointed before is so again, with areas and training."""
    known = await store.of(connection, kommun, person)
    now = datetime.now(UTC)
    ahead = running(known, now)
    if any(a.since <= now for a in ahead):
        return
    fresh = replace(new(person, organisation, now), until=min((a.since for a in ahead), default=None))
    await keep(connection, kommun, replace(fresh, areas=known[0].areas, trained=known[0].trained) if known else fresh)


async def move(connection: AsyncConnection, kommun: str, person: UUID, organisation: UUID) -> None:
    """A person who changes organisation goes on there, under the same appointment."""
    for appointment in running(await store.of(connection, kommun, person), datetime.now(UTC)):
        if appointment.organisation_id != organisation:
            await keep(connection, kommun, replace(appointment, organisation_id=organisation))


async def take_back(connection: AsyncConnection, event: AppointmentChanged) -> bool:
    """After a restore: what this revision says, if it is newer than what is kept. Whether it changed anything.

    One that is not known was made after the backup, for a person who is not there: it is kept by nobody, and ended.
    """
    known = await store.by_token(connection, event.kommun, event.reporter_token)
    if known is not None and known.revision >= event.revision:
        return False
    base = known or new(UUID(int=0), event.organisation, event.since)
    told_then = replace(
        base,
        person_id=None if known is None else known.person_id,
        token=event.reporter_token,
        organisation_id=event.organisation,
        areas=event.areas,
        since=event.since,
        until=event.until,
        trained=event.trained,
        revision=event.revision,
    )
    now = datetime.now(UTC)
    if known is None and (event.until is None or event.until > now):
        await keep(connection, event.kommun, replace(told_then, until=max(now, event.since)))
    else:
        await store.put(connection, event.kommun, told_then)
    return True
