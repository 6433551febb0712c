"""The outbox: what a room says from HTTP, written with the fact and sent by one relay at a time.

``write`` adds rows in the caller's transaction. ``Relay`` holds an advisory lock on a connection of its own, selects
*unsent rows* (never a watermark: an id that commits late would be skipped), sends, awaits every confirmation and
marks the rows with partition and offset. If the log ends below what was confirmed, it sends again.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.topics import BY_NAME, RETENTION
from services.runtime import metrics, tracing
from services.runtime.database import listener
from services.runtime.errors import is_transient
from services.runtime.faultpoints import reach
from services.runtime.log_facts import log_ends
from services.runtime.logs import logger
from services.runtime.publisher import Confirmed, Outgoing, Publisher
from services.runtime.settings import RoomSettings
from services.runtime.waiting import happens

CHANNEL = "outbox"
PATIENCE = 20.0
"""Seconds until a round that nobody confirms is given up: the rows are still unsent, and a new producer tries again."""
PRUNE_SECONDS = 3600.0
TAIL_SECONDS = 60.0
"""How often Kafka is asked whether it still has what it confirmed; a broker may come back with less."""
MEASURE_SECONDS = 5.0
_LOCK = "select pg_try_advisory_lock(1279414104, hashtext(current_schema()))"  # "LBOX": one relay per outbox
_log = logger(__name__)

_WRITE = text("""
    insert into outbox (topic, key, value, header_names, header_values)
    select t, k, v, string_to_array(n, ' '), string_to_array(h, chr(31))
    from unnest(cast(:topics as text[]), cast(:keys as text[]), cast(:values as text[]),
                cast(:names as text[]), cast(:headers as text[])) as r(t, k, v, n, h)""")
_WAKE = text("select pg_notify('outbox', '')")

_UNSENT = (
    "select id, topic, key, value, header_names, header_values from outbox where sent_at is null order by id limit $1"
)
_MARK = """
    update outbox set sent_at = now(), sent_partition = t.p, sent_offset = t.o
    from unnest($1::bigint[], $2::int[], $3::bigint[]) as t(id, p, o) where outbox.id = t.id"""
_TAIL = """
    select topic, sent_partition, max(sent_offset) as last from outbox
    where sent_at is not null group by topic, sent_partition"""
_AGAIN = """
    update outbox set sent_at = null, sent_partition = null, sent_offset = null
    where topic = $1 and sent_partition = $2 and sent_offset >= $3"""
_PRUNE = "delete from outbox where sent_at < now() - make_interval(days => $1)"
_DEPTH = "select count(*) from (select 1 from outbox where sent_at is null limit 100000) as unsent"


async def write(connection: AsyncConnection, messages: Sequence[Outgoing]) -> None:
    """Add messages to the outbox in this transaction and wake the relay at its commit."""
    if not messages:
        return
    headers = [[(n, (v or b"").decode()) for n, v in m.headers] for m in messages]
    await connection.execute(
        _WRITE,
        {
            "topics": [m.topic for m in messages],
            "keys": [(m.key or b"").decode() for m in messages],
            "values": [(m.value or b"").decode() for m in messages],
            "names": [" ".join(n for n, _ in h) for h in headers],
            "headers": [chr(31).join(v for _, v in h) for h in headers],
        },
    )
    await connection.execute(_WAKE)


async def relaying(settings: RoomSettings, name: str, max_bytes: int, _publisher: Publisher) -> None:
    """A room's relay with a producer of its own: it makes a new one after a failed round, consumers keep theirs."""
    kafka = settings.kafka.get_secret_value()
    own = Publisher(kafka, max_request_size=max_bytes, client_id=f"lagesbild-{name}-relay")
    url = settings.database_url.get_secret_value()
    try:
        await Relay(database_url=url, kafka=kafka, publisher=own, batch=settings.max_records).run()
    finally:
        await own.stop()


def _outgoing(row: Mapping[str, Any]) -> Outgoing:
    headers = list(zip(row["header_names"], (h.encode() for h in row["header_values"]), strict=True))
    return Outgoing(row["topic"], row["key"].encode(), row["value"].encode(), headers)


def _correlation(row: Mapping[str, Any]) -> str:
    return str(dict(zip(row["header_names"], row["header_values"], strict=True)).get("ce_correlationid", ""))


class Relay:
    """Sends the outbox of one database. Run as many as you like: one works, the others wait for its lock."""

    def __init__(self, *, database_url: str, kafka: str, publisher: Publisher, batch: int = 500) -> None:
        self._url, self._kafka, self._publisher, self._batch = database_url, kafka, publisher, batch
        self._measured = -MEASURE_SECONDS

    async def run(self) -> None:
        """Until cancelled. A failed round makes a new producer: an old one may be broken for good after an outage."""
        delay = 0.5
        while True:
            try:
                await self._hold()
            except Exception as error:
                if not is_transient(error) and not isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
                    raise
                _log.warning("relay starts over", error=type(error).__name__, delay=delay)
                await self._publisher.stop()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 10.0)
            else:
                delay = 0.5

    async def _hold(self) -> None:
        """Take the lock, then send for as long as its connection lives."""
        connection = await listener(self._url)
        try:
            while not await connection.fetchval(_LOCK):
                await self._measure(connection)  # also here: the holder may be a connection whose process is gone
                await asyncio.sleep(0.5)  # no event to wait for: the holder is another process
            wake = asyncio.Event()
            await connection.add_listener(CHANNEL, lambda *_: wake.set())
            pruned, checked = -PRUNE_SECONDS, -TAIL_SECONDS
            while True:
                wake.clear()
                now = time.monotonic()
                await self._measure(connection)  # before what may fail: while Kafka is away, what waits is seen
                if now - checked > TAIL_SECONDS:
                    checked = now
                    await self._check_tail(connection)
                if now - pruned > PRUNE_SECONDS:
                    pruned = now
                    await connection.execute(_PRUNE, RETENTION.days * 2)
                if not await self._round(connection):
                    metrics.OUTBOX_DEPTH.set(0)
                    await happens(wake, 1.0)
        finally:
            await connection.close(timeout=5)

    async def _measure(self, connection: asyncpg.Connection) -> None:
        """Count what waits, now and then: it may be a great many rows."""
        if time.monotonic() - self._measured < MEASURE_SECONDS:
            return
        self._measured = time.monotonic()
        metrics.OUTBOX_DEPTH.set(await connection.fetchval(_DEPTH))

    async def _round(self, connection: asyncpg.Connection) -> int:
        """Send one batch of unsent rows and mark them; returns how many."""
        rows = await connection.fetch(_UNSENT, self._batch)
        if rows:
            since = tracing.begun()
            await reach("relay.before_publish")
            async with asyncio.timeout(PATIENCE):
                confirmed: list[Confirmed] = await self._publisher.send([_outgoing(row) for row in rows])
            await reach("relay.after_confirm")
            await connection.execute(
                _MARK, [r["id"] for r in rows], [c.partition for c in confirmed], [c.offset for c in confirmed]
            )
            metrics.OUTBOX_SENT.inc(len(rows))
            tracing.record(
                "publish", "PRODUCER", map(_correlation, rows), since, attributes={"messaging.system": "kafka"}
            )
        return len(rows)

    async def _check_tail(self, connection: asyncpg.Connection) -> None:
        """Send again what a broker confirmed and then lost: its log ends below the highest confirmed offset."""
        confirmed = await connection.fetch(_TAIL)
        topics = {r["topic"]: BY_NAME[r["topic"]].partitions for r in confirmed}
        if not topics:
            return
        ends = await log_ends(self._kafka, topics)
        for row in confirmed:
            end = ends[row["topic"], row["sent_partition"]].end
            if row["last"] >= end:
                answer = await connection.execute(_AGAIN, row["topic"], row["sent_partition"], end)
                _log.error("the log lost its tail, sending again", topic=row["topic"], end=end, rows=answer)
