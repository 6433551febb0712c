"""FastStream and aiokafka, tamed: batches, no parsing, manual acknowledgement, positions loaded on assignment."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from services.runtime import metrics
from services.runtime.boundary import Boundary
from services.runtime.decoding import Record
from services.runtime.kafka_access import access
from services.runtime.log_facts import LogEnds, cluster_id, digests_before, mismatch
from services.runtime.logs import logger
from services.runtime.settings import RoomSettings

WATCH_SECONDS = 5.0
_log = logger(__name__)


async def tolerant_parser(records: Any, original: Any) -> Any:
    """FastStream sees the batch's first record without headers; the boundary sees the original records.

    Otherwise one null or non-UTF-8 header makes its whole batch vanish, under every policy (streaming.md §2.2), and
    every header of every record is decoded for nothing.
    """
    message = await original((replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _raw(message: KafkaMessage) -> Any:
    return message.body


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Loads positions when partitions come, waits for the batch in flight when they go.

    Exceptions in a listener are swallowed by aiokafka, so every way out that is not good ends in a halt.
    """

    def __init__(self, boundary: Boundary, settings: RoomSettings, kafka: Callable[[], Any]) -> None:
        self._boundary, self._settings, self._kafka = boundary, settings, kafka

    async def on_partitions_revoked(self, _revoked: Sequence[TopicPartition]) -> None:
        """Call off retries, await the batch in flight, then forget the positions."""
        self._boundary.interrupt.set()
        try:
            async with asyncio.timeout(self._settings.rebalance_timeout_ms / 1000 * 0.8), self._boundary.lanes.still():
                self._boundary.expected.clear()
        except TimeoutError:  # the compare-and-set will let one owner win
            self._boundary.expected.clear()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Pause before any await, load, compare with the log, seek, resume; halt when anything is amiss."""
        if not assigned:
            return
        self._kafka().pause(*assigned)
        self._boundary.interrupt.clear()
        metrics.REBALANCES.labels(self._boundary.consumer.name).inc()
        name = self._boundary.consumer.name
        try:
            # No heartbeats run meanwhile: stay well below the session timeout.
            async with asyncio.timeout(self._settings.session_timeout_ms / 1000 * 0.6):
                complaint = await self._load(assigned)
        except Exception as error:  # noqa: BLE001 - aiokafka would swallow it and go on from Kafka's own offsets
            self._boundary.halt.now(f"{name}: positions could not be loaded: {type(error).__name__}")
            return
        if complaint is not None:
            self._boundary.halt.now(f"{name}: {complaint}")
            return
        self._kafka().resume(*assigned)

    async def _load(self, assigned: Sequence[TopicPartition]) -> str | None:
        boundary, kafka = self._boundary, self._settings.kafka.get_secret_value()
        numbers = sorted(tp.partition for tp in assigned)
        cluster = await cluster_id(kafka)
        consumer = self._kafka()
        first, last = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
        ends = {tp.partition: LogEnds(first[tp], last[tp]) for tp in assigned}
        async with boundary.database.transaction() as connection:
            await boundary.positions.create(connection, cluster, {p: ends[p].beginning for p in numbers})
            stored = await boundary.positions.load(connection, numbers)
        before = {
            p: s.next_offset
            for p, s in stored.items()
            if s.last_record is not None and ends[p].beginning < s.next_offset <= ends[p].end
        }
        digests = await digests_before(
            kafka, boundary.consumer.topic.name, before, timeout=self._settings.session_timeout_ms / 1000 * 0.3
        )
        unread = sorted(set(before) - set(digests))
        if unread:
            return f"partition {unread[0]}: the record before the position could not be read"
        complaint = mismatch(cluster, ends, stored, digests)
        if complaint is None:
            for tp in assigned:
                consumer.seek(tp, stored[tp.partition].next_offset)
            boundary.expected = {p: s.next_offset for p, s in stored.items()}
        return complaint


def build_broker(room: str, settings: RoomSettings) -> KafkaBroker:
    """The room's broker with everything written out that matters, also where it equals the default."""
    broker = access(settings.kafka.get_secret_value())
    return KafkaBroker(
        broker.servers,
        security=broker.security(),
        client_id=f"lagesbild-{room}",
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.MANUAL,
        graceful_timeout=settings.graceful_timeout,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        logger=logging.getLogger("services.faststream"),
        log_level=logging.DEBUG,
        parser=tolerant_parser,
        decoder=_raw,
    )


class Subscription:
    """One boundary attached to the broker."""

    def __init__(self, broker: KafkaBroker, boundary: Boundary, settings: RoomSettings) -> None:
        self.boundary = boundary
        consumer = boundary.consumer
        self._subscriber = broker.subscriber(
            consumer.topic.name,
            group_id=f"lagesbild.{consumer.name}",
            batch=True,
            max_records=settings.max_records,
            batch_timeout_ms=100,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            max_partition_fetch_bytes=consumer.topic.max_bytes * 2,
            listener=Assignment(boundary, settings, lambda: self.kafka),
        )
        self._subscriber(self._on_batch)
        boundary.seek = self._seek
        boundary.halt.on_halt(self._pause)

    async def _on_batch(self, message: KafkaMessage) -> None:
        records: Sequence[Record] = message.raw_message  # the parser restores the batch
        await self.boundary.take(records, self._telemetry)

    async def _telemetry(self) -> None:
        """Tell Kafka where we are, for its own tools; our position is the truth."""
        offsets = {self._tp(p): o for p, o in self.boundary.expected.items()}
        try:
            if offsets and self.kafka is not None:
                await self.kafka.commit(offsets)
        except (KafkaError, ValueError):
            metrics.COMMIT_FAILURES.labels(self.boundary.consumer.name).inc()

    @property
    def kafka(self) -> Any:
        """The aiokafka consumer, None before the start."""
        return self._subscriber.consumer

    def _tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self.boundary.consumer.topic.name, partition)

    def _seek(self, partition: int, offset: int) -> None:
        if self._tp(partition) in self.kafka.assignment():
            self.kafka.seek(self._tp(partition), offset)

    def _pause(self) -> None:
        if self.kafka is not None:
            self.kafka.pause(*self.kafka.assignment())

    async def watch(self) -> None:
        """Until cancelled: halt when the log ends below our position, as after a broker that lost its tail.

        Kafka's client would silently start over from the beginning, and new records at used offsets would look known.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            expected = dict(self.boundary.expected)
            try:
                ends = await self.kafka.end_offsets([self._tp(p) for p in expected]) if expected else {}
            except (KafkaError, TimeoutError):
                continue
            lag = sum(max(0, end - expected[tp.partition]) for tp, end in ends.items())
            metrics.LAG.labels(self.boundary.consumer.name).set(lag)
            for tp, end in ends.items():
                if end < expected[tp.partition] <= self.boundary.expected.get(tp.partition, 0):
                    name = self.boundary.consumer.name
                    raise self.boundary.halt.now(f"{name}: partition {tp.partition}: the log ends at {end}, below ours")

    def trouble(self, longest_batch: float) -> str | None:
        """Why this subscription is not healthy; None when it is (streaming.md §2.6: an idle one is healthy)."""
        tasks = getattr(self._subscriber, "tasks", [])
        if not self._subscriber.running or not tasks or any(t.done() for t in tasks):
            return f"{self.boundary.consumer.name}: not consuming"
        since = self.boundary.lanes.since
        if since is not None and time.monotonic() - since > longest_batch:
            return f"{self.boundary.consumer.name}: a batch has been in flight for more than {longest_batch:.0f} s"
        return None
