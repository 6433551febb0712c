"""Positions in PostgreSQL: one row per (consumer, topic, partition), moved in the same transaction as the effect.

A row knows the cluster it belongs to and a digest of the last record applied, so that a rebuilt or trimmed broker is
noticed. Moving is compare-and-set under row locks taken in order: of two owners one wins, the other rolls back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Offsets = Mapping[int, int]
"""Partition → offset of the next record to apply."""


class PositionConflict(Exception):
    """Another process moved a position since this one loaded it: roll back and load again."""


@dataclass(frozen=True, slots=True)
class Position:
    """A stored position. ``last_record`` is the digest of the record at ``next_offset - 1``, None before the first."""

    next_offset: int
    cluster_id: str
    last_record: str | None


def record_digest(value: bytes | None) -> str:
    """A short fingerprint of a record's bytes; a tombstone has its own."""
    return blake2b(value if value is not None else b"\x00tombstone", digest_size=12).hexdigest()


_CREATE = text("""
    insert into positions (consumer, topic, partition, next_offset, cluster_id)
    select :consumer, :topic, p, o, :cluster
    from unnest(cast(:partitions as int[]), cast(:offsets as bigint[])) as t(p, o)
    on conflict do nothing""")
_LOAD = text("""
    select partition, next_offset, cluster_id, last_record from positions
    where consumer = :consumer and topic = :topic and partition = any(cast(:partitions as int[]))""")
_LOCK = text(_LOAD.text + " order by partition for update")
_MOVE = text("""
    update positions set next_offset = t.o, last_record = t.d, updated_at = now()
    from unnest(cast(:partitions as int[]), cast(:offsets as bigint[]), cast(:digests as text[])) as t(p, o, d)
    where consumer = :consumer and topic = :topic and partition = t.p""")


class Positions:
    """The position rows of one consumer on one topic."""

    def __init__(self, consumer: str, topic: str) -> None:
        self._key = {"consumer": consumer, "topic": topic}

    async def create(self, connection: AsyncConnection, cluster_id: str, beginnings: Offsets) -> None:
        """Make the rows that do not exist yet, at the log's beginning."""
        partitions, offsets = list(beginnings), list(beginnings.values())
        await connection.execute(
            _CREATE, self._key | {"cluster": cluster_id, "partitions": partitions, "offsets": offsets}
        )

    async def load(self, connection: AsyncConnection, partitions: list[int]) -> dict[int, Position]:
        """The stored positions of these partitions."""
        rows = await connection.execute(_LOAD, self._key | {"partitions": partitions})
        return {r.partition: Position(r.next_offset, r.cluster_id, r.last_record) for r in rows}

    async def lock(self, connection: AsyncConnection, expected: Offsets) -> None:
        """Lock the rows in order; PositionConflict unless every one stands where this process believes."""
        rows = await connection.execute(_LOCK, self._key | {"partitions": sorted(expected)})
        found = {r.partition: r.next_offset for r in rows}
        if found != dict(expected):
            raise PositionConflict(f"expected {dict(expected)}, found {found}")

    async def move(self, connection: AsyncConnection, moves: Mapping[int, tuple[int, str]]) -> None:
        """Set partition → (next offset, digest of the last record); the rows are locked by ``lock`` before."""
        await connection.execute(
            _MOVE,
            self._key
            | {
                "partitions": list(moves),
                "offsets": [offset for offset, _ in moves.values()],
                "digests": [digest for _, digest in moves.values()],
            },
        )
