"""Questions to the broker about its log: which cluster is this, where does it begin and end, what stands there.

Used on assignment, before a position is trusted, by the relay and the status page; read whole by commands.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.runtime.kafka_access import access, started
from services.runtime.positions import Position, record_digest


async def cluster_id(bootstrap: str) -> str:
    """The id the broker's storage was formatted with."""
    async with started(AIOKafkaAdminClient(**access(bootstrap).arguments())) as admin:
        described = await admin.describe_cluster()
    return str(described["cluster_id"])


@dataclass(frozen=True, slots=True)
class LogEnds:
    """First offset kept and next offset to be written."""

    beginning: int
    end: int


async def log_ends(bootstrap: str, partitions: Mapping[str, int]) -> dict[tuple[str, int], LogEnds]:
    """Both ends of every partition of the topics in ``partitions`` (topic → partition count)."""
    wanted = [TopicPartition(topic, p) for topic, count in partitions.items() for p in range(count)]
    async with started(AIOKafkaConsumer(**access(bootstrap).arguments(), enable_auto_commit=False)) as consumer:
        first, last = await consumer.beginning_offsets(wanted), await consumer.end_offsets(wanted)
    return {(tp.topic, tp.partition): LogEnds(first[tp], last[tp]) for tp in wanted}


async def read_to_end(bootstrap: str, partitions: Mapping[str, int], largest: int) -> AsyncIterator[Sequence[Any]]:
    """Every record that these topics (name → partition count) hold now, in runs of one partition, in order.

    ``largest`` is the size limit of a record in bytes. What is written meanwhile may be left out.
    """
    consumer = AIOKafkaConsumer(
        **access(bootstrap).arguments(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=largest * 2,
    )
    async with started(consumer):
        parts = [TopicPartition(topic, p) for topic, count in partitions.items() for p in range(count)]
        ends = await consumer.end_offsets(parts)
        waiting = {tp for tp, begin in (await consumer.beginning_offsets(parts)).items() if begin < ends[tp]}
        consumer.assign(parts)
        while waiting:
            for tp, records in (await consumer.getmany(timeout_ms=500, max_records=2000)).items():
                if records:
                    yield records
                    if records[-1].offset + 1 >= ends[tp]:
                        waiting.discard(tp)


async def digests_before(bootstrap: str, topic: str, offsets: Mapping[int, int], timeout: float) -> dict[int, str]:  # noqa: ASYNC109 - bounds one poll, not the call
    """Digest of the record just before each offset, for those that the log still holds; others are left out."""
    if not offsets:
        return {}
    consumer = AIOKafkaConsumer(**access(bootstrap).arguments(), enable_auto_commit=False, auto_offset_reset="none")
    async with started(consumer):
        wanted = {TopicPartition(topic, p): offset - 1 for p, offset in offsets.items()}
        consumer.assign(list(wanted))
        for tp, offset in wanted.items():
            consumer.seek(tp, offset)
        found: dict[int, str] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(found) < len(wanted):
                    batches = await consumer.getmany(timeout_ms=200, max_records=len(wanted) * 50)
                    for tp, records in batches.items():
                        for record in records:
                            if record.offset == wanted[tp]:
                                found[tp.partition] = record_digest(record.value)
                                consumer.pause(tp)
        return found


def mismatch(
    cluster: str, ends: Mapping[int, LogEnds], stored: Mapping[int, Position], digests: Mapping[int, str]
) -> str | None:
    """Why these positions do not belong to this log; None when they do (house: never a silent jump)."""
    for partition, position in sorted(stored.items()):
        end = ends[partition]
        if position.cluster_id != cluster:
            return f"partition {partition}: another cluster ({cluster} instead of {position.cluster_id})"
        if not end.beginning <= position.next_offset <= end.end:
            return f"partition {partition}: position {position.next_offset} outside the log {end.beginning}-{end.end}"
        digest = digests.get(partition)
        if digest is not None and position.last_record is not None and digest != position.last_record:
            return f"partition {partition}: another record stands before position {position.next_offset}"
    return None
