"""Putting a poisoned record aside: untouched bytes to the consumer's dead-letter topic, confirmed, and counted.

The count lives in the database, so that a restart does not forget how many there were; too many in a short time mean
that something else is wrong, and the consumer halts rather than emptying the topic into the dead letters.
"""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.dead_letters import Provenance, dead_letter_topic
from services.runtime.decoding import Record
from services.runtime.errors import Permanent
from services.runtime.metrics import DEAD_LETTERS
from services.runtime.publisher import Outgoing, Publisher

_RECENT = text("""
    select count(*) from dead_letters
    where consumer = :consumer and at > now() - make_interval(secs => :window)""")
_NOTE = text("""
    insert into dead_letters (consumer, id, topic, partition, record_offset, reason, detail)
    values (:consumer, :id, :topic, :partition, :offset, :reason, :detail) on conflict do nothing""")


REASONS = ("envelope", "owner_mismatch", "tombstone", "unknown_version", "invalid", "handler_error")
"""Every reason that a consumer puts a record aside for."""


def expect(consumer: str) -> None:
    """Show zeros from the start: Prometheus sees no increase in a counter that first appears as 1."""
    for reason in REASONS:
        DEAD_LETTERS.labels(consumer, reason)


def provenance(consumer: str, record: Record, why: Permanent) -> Provenance:
    """Where the record came from and why it goes."""
    where = (record.topic, record.partition, record.offset)
    return Provenance(consumer, *where, why.reason, str(why), record.timestamp)


def dead_letter(record: Record, origin: Provenance) -> Outgoing:
    """The record with its original key, value and headers, and our provenance behind them."""
    headers = [*record.headers, *origin.headers(datetime.now(UTC))]
    return Outgoing(dead_letter_topic(origin.consumer), record.key, record.value, headers)


async def bury(publisher: Publisher, record: Record, origin: Provenance) -> None:
    """Write the dead letter and await its confirmation; any failure is the caller's reason to halt."""
    await publisher.send([dead_letter(record, origin)])
    DEAD_LETTERS.labels(origin.consumer, origin.reason).inc()


async def note(connection: AsyncConnection, origin: Provenance) -> None:
    """Count the dead letter in the transaction that moves the position past its record."""
    await connection.execute(
        _NOTE,
        {
            "consumer": origin.consumer,
            "id": origin.id,
            "topic": origin.topic,
            "partition": origin.partition,
            "offset": origin.offset,
            "reason": origin.reason,
            "detail": origin.detail[:500],
        },
    )


async def recent(connection: AsyncConnection, consumer: str, window_seconds: float) -> int:
    """How many dead letters this consumer has written in the window."""
    count = await connection.scalar(_RECENT, {"consumer": consumer, "window": window_seconds})
    return int(count or 0)
