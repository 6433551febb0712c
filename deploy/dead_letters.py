"""``lagesbild dead-letters``: what lies aside, shown as it is, and put back untouched after a look.

Putting back writes the original key, value and headers to the topic they came from. Every reader gets the record
again; those who had it change nothing. So it is safe to repeat, and what is still bad comes back as a new letter.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from schemas.dead_letters import Provenance, dead_letter_topic
from schemas.topics import CATALOGUE, topics_to_create
from services.runtime.log_facts import read_to_end
from services.runtime.migrations import ROOMS
from services.runtime.publisher import Outgoing, Publisher

CONSUMERS = tuple(consumer for topic in CATALOGUE for consumer in topic.consumers)
_MOST_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: where it came from and why, when it was put aside, and the record as it was."""

    origin: Provenance
    at: datetime
    record: Outgoing

    @property
    def id(self) -> str:
        """The same for the same record, however often it was written."""
        return self.origin.id

    def line(self) -> dict[str, Any]:
        """What a list shows: nothing of the content."""
        return {
            "id": self.id,
            "consumer": self.origin.consumer,
            "from": f"{self.origin.topic}/{self.origin.partition}/{self.origin.offset}",
            "reason": self.origin.reason,
            "detail": self.origin.detail,
            "at": self.at.isoformat(timespec="seconds"),
            "bytes": len(self.record.value or b""),
        }

    def whole(self) -> dict[str, Any]:
        """Everything, with what cannot be read as text shown as such; a long value is cut."""
        value = self.record.value
        headers = {name: None if raw is None else _shown(raw) for name, raw in self.record.headers}
        return self.line() | {
            "key": None if self.record.key is None else _shown(self.record.key),
            "headers": headers,
            "value": None if value is None else _shown(value[:_MOST_SHOWN]),
            "cut": len(value or b"") > _MOST_SHOWN,
        }


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _read(record: Any) -> Letter | None:
    """The letter in a record; None for one without our provenance."""
    origin = Provenance.read(record.headers)
    if origin is None:
        return None
    theirs = [(name, value) for name, value in record.headers if not name.startswith("dl_")]
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return Letter(origin, at, Outgoing(origin.topic, record.key, record.value, theirs))


async def letters(kafka: str, consumers: Sequence[str] = CONSUMERS) -> list[Letter]:
    """All dead letters that the log holds, oldest first; each id once although a crash may have written it twice."""
    topics = {dead_letter_topic(consumer): 1 for consumer in consumers}
    found: dict[str, Letter] = {}
    async for records in read_to_end(kafka, topics, max(topic.max_bytes for topic in topics_to_create())):
        found |= {letter.id: letter for record in records if (letter := _read(record)) is not None}
    return sorted(found.values(), key=lambda letter: letter.at)


async def put_back(
    kafka: str, owner_dsn: str, chosen: Collection[Letter], *, again: bool = False
) -> tuple[list[Letter], list[Letter]]:
    """Put letters back to the topics they came from; returns (put back, left because that was done before).

    Confirmed before it is noted: a crash in between puts a record back twice, which changes nothing.
    """
    publisher = Publisher(kafka, max_request_size=max(t.max_bytes for t in topics_to_create()), client_id="redrive")
    connection = await asyncpg.connect(owner_dsn)
    try:
        done_before = set() if again else {str(i) for i in await _noted(connection)}
        fresh = [letter for letter in chosen if letter.id not in done_before]
        for letter in fresh:
            await publisher.send([letter.record])
            await connection.execute(
                f"update {letter.origin.consumer.partition('.')[0]}.dead_letters set redriven_at = now() "  # noqa: S608 - a room's name
                "where consumer = $1 and id = $2",
                letter.origin.consumer,
                letter.id,
            )
        return fresh, [letter for letter in chosen if letter.id in done_before]
    finally:
        await publisher.stop()
        await connection.close()


async def _noted(connection: Any) -> list[str]:
    found: list[str] = []
    for room in ROOMS:
        rows = await connection.fetch(f"select id from {room}.dead_letters where redriven_at is not null")  # noqa: S608 - a room's name
        found += [row["id"] for row in rows]
    return found
