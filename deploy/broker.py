"""``lagesbild accept-broker`` and ``restored``: telling the rooms that a broker or a database is another one now."""

from typing import Literal

import asyncpg

from schemas.topics import CATALOGUE
from services.runtime.log_facts import cluster_id, log_ends

Where = Literal["keep", "beginning", "end"]


class UnknownConsumer(Exception):
    """The catalogue has no consumer of this name."""


async def next_epoch(owner_dsn: str) -> dict[str, int]:
    """After a database was restored: numbers minted from now on lie above all that were ever given out."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction():
            return {
                room: await connection.fetchval(f"update {room}.epoch set epoch = epoch + 1 returning epoch")  # noqa: S608 - a room's name
                for room in ("ingest", "geo")
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
