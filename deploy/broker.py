"""``lagesbild accept-broker`` and ``restored``: telling the rooms that a broker or a database is another one now."""

import json
from contextlib import suppress
from typing import Literal

import asyncpg

from schemas.topics import CATALOGUE, topics_to_create
from services.runtime.log_facts import cluster_id, log_ends, read_to_end
from services.runtime.minting import epoch_of

Where = Literal["keep", "beginning", "end"]


class UnknownConsumer(Exception):
    """The catalogue has no consumer of this name."""


async def epochs_seen(kafka: str) -> dict[str, int]:
    """Room → the highest epoch among the numbers that the log holds; a backup may be restored more than once."""
    seen = {"ingest": 0, "geo": 0, "analysis": 0}
    partitions = {t.name: t.partitions for t in CATALOGUE if t.producer in seen}
    producers = {t.name: t.producer for t in CATALOGUE}
    async for records in read_to_end(kafka, partitions, max(t.max_bytes for t in topics_to_create())):
        room = producers[records[0].topic]
        for record in records:
            with suppress(ValueError, TypeError, KeyError):  # what cannot be read has no number
                body = json.loads(record.value)
                number = body["placement"]["placement"] if room == "geo" else body["revision"]
                seen[room] = max(seen[room], epoch_of(int(number)))
    return seen


async def begin_again(owner_dsn: str, kafka: str) -> dict[str, int]:
    """After a database was restored: numbers minted from now on lie above all that were ever given out.

    Nobody is told again of what was accepted before: the ledger may have lost whom it told. Returns room → epoch.
    """
    seen = await epochs_seen(kafka)
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction():
            await connection.execute("insert into notify.restored values (now())")
            await connection.execute("update analysis.epoch set restored_at = now()")
            return {
                room: await connection.fetchval(
                    f"update {room}.epoch set epoch = greatest(epoch, $1) + 1 returning epoch",  # noqa: S608 - a room's name
                    highest,
                )
                for room, highest in seen.items()
            }
    finally:
        await connection.close()


async def accept(owner_dsn: str, kafka: str, consumer: str, where: Where) -> dict[int, int]:
    """Bind the consumer's positions to the broker that answers now; returns partition → next offset.

    ``keep`` leaves the positions that lie inside the log and moves the others to its nearer end; ``beginning`` reads
    everything again, which changes nothing that is already known (house contract 2); ``end`` skips what is there.
    """
    topic = next((t for t in CATALOGUE if consumer in t.consumers), None)
    if topic is None:
        raise UnknownConsumer(consumer)
    room = consumer.partition(".")[0]
    cluster = await cluster_id(kafka)
    ends = await log_ends(kafka, {topic.name: topic.partitions})
    connection = await asyncpg.connect(owner_dsn)
    moved: dict[int, int] = {}
    try:
        async with connection.transaction():
            rows = await connection.fetch(
                f"""select partition, next_offset from {room}.positions
                where consumer = $1 order by 1 for update""",  # noqa: S608 - a room's name
                consumer,
            )
            for row in rows:
                end = ends[topic.name, row["partition"]]
                kept = min(max(row["next_offset"], end.beginning), end.end)
                moved[row["partition"]] = {"keep": kept, "beginning": end.beginning, "end": end.end}[where]
            await connection.executemany(
                f"""update {room}.positions
                set next_offset = $3, cluster_id = $2, last_record = null, updated_at = now()
                where consumer = $1 and partition = $4""",  # noqa: S608 - a room's name
                [(consumer, cluster, offset, partition) for partition, offset in moved.items()],
            )
    finally:
        await connection.close()
    return moved
