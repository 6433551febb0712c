"""The boundary between Kafka and a room: one batch in, one transaction, positions moved with the effect.

Read the package docstring first; this module is its steps 3 to 6.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.topics import Topic
from services.runtime import dead_letters, metrics, tracing
from services.runtime.database import Database
from services.runtime.decoding import Read, Received, Record, decode
from services.runtime.errors import MustStop, Permanent, is_transient
from services.runtime.faultpoints import reach
from services.runtime.halt import Halt, Halted
from services.runtime.lanes import Lane, Lanes
from services.runtime.logs import logger
from services.runtime.patience import Policy
from services.runtime.positions import PositionConflict, Positions, record_digest
from services.runtime.publisher import Outgoing, Publisher
from services.runtime.waiting import happens

Handler = Callable[[AsyncConnection, Sequence[Received[Any]]], Awaitable[Sequence[Outgoing]]]
"""A room's effect: set-based, inside the given transaction, repeatable. Returns what must be published before the
position may move; a handler that publishes must find its stored effect when it is called again."""

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Consumer:
    """One subscription of a room, named as in the catalogue: ``geo.reports``.

    ``asynchronous`` lets commits return before they are on disk; only for effects that are facts and views.
    ``read`` reads only what this room needs of the topic's contract.
    """

    name: str
    topic: Topic
    handle: Handler
    asynchronous: bool = False
    read: Read | None = None


class _Item(NamedTuple):
    record: Record
    received: Received[Any] | None
    fault: Permanent | None


class _Interrupted(Exception):
    """A retry was called off because partitions move or the process stops; the position has not moved."""


class _Gap(Exception):
    """The batch begins above the position: go back and read what lies between."""


class Boundary:
    """Settles the batches of one consumer in one process."""

    def __init__(
        self, consumer: Consumer, *, database: Database, publisher: Publisher, halt: Halt, policy: Policy | None = None
    ) -> None:
        self.consumer = consumer
        self.positions = Positions(consumer.name, consumer.topic.name)
        self.database = database
        self.halt = halt
        self.expected: dict[int, int] = {}
        """Partition → next offset, for the partitions whose position is loaded. Others are refused."""
        self.interrupt = asyncio.Event()
        self.seek: Callable[[int, int], None] = lambda _partition, _offset: None
        self._publisher = publisher
        self._policy = policy or Policy()
        self.lanes = Lanes()
        dead_letters.expect(consumer.name)
        metrics.LAST_COMMIT.labels(consumer.name).set_to_current_time()  # or one that never commits is never missed

    async def take(self, records: Sequence[Record], then: Callable[[], Awaitable[None]]) -> None:
        """Read one batch while the one before is being settled, then let it be settled while the next is read.

        Returns once the batch before is settled, so that at most two are here. ``then`` runs after this one.
        """
        for lane, items in self._read(records).items():
            await lane.follow(self._settled(lane, items, then))

    async def handle(self, records: Sequence[Record]) -> None:
        """Settle one batch: afterwards each record is applied, dead-lettered, or will be read again."""
        for lane, items in self._read(records).items():
            await self._handle(lane, items)

    def _read(self, records: Sequence[Record]) -> dict[Lane, list[_Item]]:
        """The records by lane, decoded."""
        read: dict[Lane, list[_Item]] = {}
        for record in records:
            read.setdefault(self.lanes.of(record.partition), []).append(self._decode(record))
        return read

    async def _settled(self, lane: Lane, items: Sequence[_Item], then: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._handle(lane, items)
            await then()
        except Halted:
            return  # the flag does the work
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: whatever it is, the process must not go on
            _log.exception("batch failed", consumer=self.consumer.name)
            self.halt.now(f"{self.consumer.name}: {type(error).__name__}")

    async def _handle(self, lane: Lane, items: Sequence[_Item]) -> None:
        async with lane.lock:
            if self.halt.reason is not None:
                return
            lane.since = time.monotonic()
            partitions = {item.record.partition for item in items}
            try:
                await self._settle(self._fresh(items))
                lane.gap = None
            except PositionConflict as conflict:
                metrics.CONFLICTS.labels(self.consumer.name).inc()
                _log.warning("position conflict", consumer=self.consumer.name, detail=str(conflict))
                await self._reload(partitions)
            except _Gap:
                here = {p: o for p, o in self.expected.items() if p in partitions}
                if lane.gap == here:
                    raise self.halt.now(f"{self.consumer.name}: gap in the log above {here}") from None
                lane.gap = here
                await self._reload(partitions)
            except _Interrupted:
                _log.info("batch given back", consumer=self.consumer.name)
            finally:
                metrics.BATCHES.labels(self.consumer.name).observe(time.monotonic() - lane.since)
                lane.since = None

    def _fresh(self, items: Sequence[_Item]) -> list[_Item]:
        """The records at or above the position; drops repeats and partitions that are not ours."""
        following = dict(self.expected)
        fresh: list[_Item] = []
        for item in items:
            record = item.record
            awaited = following.get(record.partition)
            if awaited is None or record.offset < awaited:
                continue
            if record.offset > awaited:
                raise _Gap
            following[record.partition] = record.offset + 1
            fresh.append(item)
        return fresh

    def _decode(self, record: Record) -> _Item:
        try:
            return _Item(record, decode(record, self.consumer.topic, self.consumer.read), None)
        except Permanent as fault:
            return _Item(record, None, fault)
        except Exception as error:  # noqa: BLE001 - whatever reading it met, it would meet again: the others go on
            return _Item(record, None, Permanent("invalid", type(error).__name__))

    async def _settle(self, items: list[_Item]) -> None:
        """Apply all; where that fails for good, halve until the bad record stands alone, and bury it."""
        parts = [items] if items else []
        buried: set[tuple[int, int]] = set()
        while parts:
            part = parts.pop()
            fault = await self._attempt(part, buried)
            if fault is None:
                continue
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                parts.append([_Item(part[0].record, None, fault)])

    async def _attempt(self, part: list[_Item], buried: set[tuple[int, int]]) -> Permanent | None:
        """Apply with bounded retries; the permanent fault if there is one, None when done.

        ``buried`` are the batch's records that lie in the dead letters already, confirmed.
        """
        deadline = time.monotonic() + self._policy.retry_budget
        for delay in self._policy.delays():
            try:
                await self._apply(part, buried)
            except (PositionConflict, Halted, _Interrupted):
                raise
            except Permanent as fault:
                return fault
            except MustStop as reason:
                raise self.halt.now(f"{self.consumer.name}: {reason}") from reason
            except Exception as error:
                if not is_transient(error):
                    _log.exception("handler failed", consumer=self.consumer.name, error=type(error).__name__)
                    return Permanent("handler_error", type(error).__name__)
                if time.monotonic() + delay > deadline:
                    raise self.halt.now(
                        f"{self.consumer.name}: {type(error).__name__} went on for {self._policy.retry_budget:.0f} s"
                    ) from error
                metrics.RETRIES.labels(self.consumer.name).inc()
                _log.warning("retry", consumer=self.consumer.name, error=type(error).__name__, delay=round(delay, 2))
                await self._wait(delay)
            else:
                return None
        raise AssertionError("delays never end")

    async def _wait(self, delay: float) -> None:
        if await happens(self.interrupt, delay):
            raise _Interrupted

    async def _apply(self, part: list[_Item], buried: set[tuple[int, int]]) -> None:
        """One part's transaction: lock and compare, effect, positions."""
        since = tracing.begun()
        good = [item.received for item in part if item.received is not None]
        bad = [(item.record, item.fault) for item in part if item.fault is not None]
        last = {item.record.partition: item.record for item in part}
        moves = {p: (record.offset + 1, record_digest(record.value)) for p, record in last.items()}
        if not moves.keys() <= self.expected.keys():
            raise PositionConflict("the partition was taken from us while its batch was in flight")
        expected = {partition: self.expected[partition] for partition in moves}
        for unnoted, (record, fault) in enumerate(bad):
            if (record.partition, record.offset) not in buried:
                await self._bury(record, fault, unnoted)
                buried.add((record.partition, record.offset))
        owners = {received.kommun for received in good}
        async with self.database.transaction(owners, asynchronous=self.consumer.asynchronous and not bad) as connection:
            await self.positions.lock(connection, expected)
            outgoing = await self.consumer.handle(connection, good) if good else ()
            if not outgoing:
                await self._move(connection, moves, bad)
                await reach("boundary.before_commit")
        if outgoing:
            await reach("boundary.after_effect")
            async with asyncio.timeout(self._policy.retry_budget):  # the producer itself waits far longer
                await self._publisher.send(outgoing)
            await reach("boundary.after_confirm")
            async with self.database.transaction() as connection:
                await self.positions.lock(connection, expected)
                await self._move(connection, moves, bad)
        # A partition that was revoked meanwhile stays forgotten: its next owner has loaded what we just moved.
        self.expected.update({p: offset for p, (offset, _) in moves.items() if p in self.expected})
        await reach("boundary.after_commit")
        self._count(good, len(bad))
        consumer = {"messaging.system": "kafka", "messaging.consumer.group.name": self.consumer.name}
        name = f"process {self.consumer.topic.name}"
        tracing.record(name, "CONSUMER", (r.envelope.correlationid for r in good), since, attributes=consumer)

    async def _move(
        self,
        connection: AsyncConnection,
        moves: dict[int, tuple[int, str]],
        bad: Sequence[tuple[Record, Permanent]],
    ) -> None:
        for record, fault in bad:
            await dead_letters.note(connection, dead_letters.provenance(self.consumer.name, record, fault))
        await self.positions.move(connection, moves)

    async def _bury(self, record: Record, fault: Permanent, unnoted: int) -> None:
        """Dead-letter one record; halt when that fails, or when there have been too many.

        ``unnoted`` of the same transaction lie in the dead letters already and are noted when it commits. Lanes bury
        side by side: the limit may be passed by one for each.
        """
        name = self.consumer.name
        async with self.database.transaction() as connection:
            noted = await dead_letters.recent(connection, name, self._policy.dead_letter_window)
        recent = noted + unnoted
        if recent >= self._policy.dead_letter_limit:
            minutes = self._policy.dead_letter_window / 60
            raise self.halt.now(f"{name}: {recent} dead letters in {minutes:.0f} minutes")
        origin = dead_letters.provenance(name, record, fault)
        try:
            async with asyncio.timeout(self._policy.retry_budget):
                await dead_letters.bury(self._publisher, record, origin)
        except Exception as error:
            raise self.halt.now(f"{name}: the dead letter could not be written: {type(error).__name__}") from error
        _log.error("dead letter", consumer=name, reason=fault.reason, partition=record.partition, offset=record.offset)
        await reach("boundary.after_dead_letter")

    async def _reload(self, partitions: set[int]) -> None:
        """Load the positions of those of these partitions that are still ours and go there."""
        async with self.database.transaction() as connection:
            stored = await self.positions.load(connection, sorted(partitions & self.expected.keys()))
        for partition, position in stored.items():
            if partition in self.expected:
                self.expected[partition] = position.next_offset
                self.seek(partition, position.next_offset)

    def _count(self, good: Sequence[Received[Any]], bad: int) -> None:
        name, now = self.consumer.name, datetime.now(UTC)
        metrics.RECORDS.labels(name, "applied").inc(len(good))
        metrics.RECORDS.labels(name, "dead_letter").inc(bad)
        metrics.LAST_COMMIT.labels(name).set(now.timestamp())
        if good:
            oldest = min(received.envelope.time for received in good)
            metrics.EVENT_AGE.labels(name).observe(max(0.0, (now - oldest).total_seconds()))
