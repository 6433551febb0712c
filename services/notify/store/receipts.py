"""SQL of what providers say after they took a message: it arrived, or it did not and is due again."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.deliveries import inherited

_RECEIPT = text("""
    update attempts set outcome = :outcome
    where kommun = :kommun and delivery_id = :id and provider_id = :provider_id and outcome <> :outcome
    returning number""")
_IN_HAND = text("""
    select 1 from attempts a join deliveries d on d.kommun = a.kommun and d.delivery_id = a.delivery_id
    where a.kommun = :kommun and a.delivery_id = :id and a.outcome = 'begun' and a.number = d.attempts
        and d.state = 'sending'""")
_MESSAGE = text("select message_id from deliveries where kommun = :kommun and delivery_id = :id")
_PLACE = text("""
    select person_id from deliveries
    where kommun = :kommun and delivery_id = :id and receiver = 'destination'""")
_ARRIVED = text("""
    update deliveries set state = 'delivered' where kommun = :kommun and state = 'sent' and message_id =
        (select message_id from deliveries where kommun = :kommun and delivery_id = :id)""")
_LOST = text("""
    update deliveries d set state = 'due', error = 'undelivered', refused = array_append(refused, channel)
    where kommun = :kommun and state = 'sent' and deadline > now() and not exists (
        select 1 from deliveries o where o.kommun = d.kommun and o.alert_id = d.alert_id
            and o.person_id = d.person_id and o.state = 'due')
        and message_id = (select message_id from deliveries where kommun = :kommun and delivery_id = :id)
    returning delivery_id, person_id, urgent""")
_LOST_TOGETHER = text("""
    select delivery_id from deliveries where kommun = :kommun and state = 'sent' and deadline > now()
        and message_id = (select message_id from deliveries where kommun = :kommun and delivery_id = :id)""")
_GIVEN_UP = text("""
    update deliveries set state = 'failed', error = 'undelivered' where kommun = :kommun and state = 'sent'
        and message_id = (select message_id from deliveries where kommun = :kommun and delivery_id = :id)""")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """``again``: (entry, receiver, urgent) of what is due now in its stead; ``failed``: how many have none."""

    again: list[tuple[UUID, UUID, bool]]
    failed: int


async def arrived(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """The receiver's device has it, with all that went in the same message."""
    await connection.execute(_ARRIVED, {"kommun": kommun, "id": ident})


async def lost(connection: AsyncConnection, kommun: str, ident: UUID) -> Undelivered:
    """It did not arrive: due again, by the next way, with all that went in the same message.

    Where a newer one (a reminder, news) waits already, that one goes in its stead; what is too late has failed.
    """
    values = {"kommun": kommun, "id": ident}
    together = [r.delivery_id for r in await connection.execute(_LOST_TOGETHER, values)]
    standing = await inherited(connection, kommun, together)
    again = list(await connection.execute(_LOST, values))
    settled = (await connection.execute(_GIVEN_UP, values)).rowcount
    return Undelivered([(r.delivery_id, r.person_id, r.urgent) for r in (*again, *standing)], settled - len(standing))


async def message_of(connection: AsyncConnection, kommun: str, ident: UUID) -> str | None:
    """The id of the message that this entry last went in; None when there is no such entry."""
    found: str | None = await connection.scalar(_MESSAGE, {"kommun": kommun, "id": ident})
    return found


async def place_of(connection: AsyncConnection, kommun: str, ident: UUID) -> UUID | None:
    """The place outside that an entry was for; None for a person's."""
    found: UUID | None = await connection.scalar(_PLACE, {"kommun": kommun, "id": ident})
    return found


async def in_hand(connection: AsyncConnection, kommun: str, ident: UUID) -> bool:
    """Whether an attempt at this is still being recorded."""
    return (await connection.execute(_IN_HAND, {"kommun": kommun, "id": ident})).first() is not None


async def receipt(connection: AsyncConnection, kommun: str, delivery: UUID, *, provider_id: str, outcome: str) -> bool:
    """What the provider says afterwards; False when it concerns no attempt of ours, or was known."""
    values = {"kommun": kommun, "id": delivery, "provider_id": provider_id, "outcome": outcome}
    return (await connection.execute(_RECEIPT, values)).first() is not None
