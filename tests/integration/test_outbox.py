"""The relay on a real broker and an outbox of its own: what the log has lost is sent again while it works."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import CollectorRegistry, Gauge

from schemas.topics import REPORT_RECEIVED, Topic
from services.runtime import metrics, outbox
from services.runtime.kafka_access import access
from services.runtime.log_facts import log_ends
from services.runtime.migrations import OWNER_ROLE
from services.runtime.publisher import Publisher
from services.runtime.waiting import ended
from tests.support.ground import Ground
from tests.support.instance import eventually


@pytest.fixture
async def topic(ground: Ground) -> AsyncIterator[str]:
    name = f"test-{uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(**access(ground.kafka).arguments())
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


@pytest.fixture
async def own(ground: Ground) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees an empty outbox which no other relay serves."""
    schema = f"test_{uuid4().hex[:12]}"
    connection = await asyncpg.connect(ground.dsn(OWNER_ROLE))
    await connection.execute(f"create schema {schema}")
    await connection.execute(f"create table {schema}.outbox (like ingest.outbox including all)")
    await connection.execute(f"set search_path = {schema}")
    yield connection
    await connection.execute(f"drop schema {schema} cascade")
    await connection.close()


async def url_of(ground: Ground, own: asyncpg.Connection) -> str:
    """What a relay of that outbox connects to."""
    dsn = ground.dsn(OWNER_ROLE)
    return f"{dsn}{'&' if '?' in dsn else '?'}search_path={await own.fetchval('select current_schema()')}"


async def test_what_the_log_has_lost_is_sent_again_without_a_restart(
    ground: Ground, own: asyncpg.Connection, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TAIL_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "BY_NAME", {topic: Topic(topic, REPORT_RECEIVED.model, "tests", (), partitions=1)})
    url = await url_of(ground, own)
    publisher = Publisher(ground.kafka, max_request_size=1_000_000, client_id="test")
    relay = asyncio.create_task(outbox.Relay(database_url=url, kafka=ground.kafka, publisher=publisher).run())
    try:
        await own.executemany(
            "insert into outbox (topic, key, value, header_names, header_values) values ($1, '0682', $2, '{}', '{}')",
            [(topic, str(number)) for number in range(3)],
        )

        async def sent(first: int) -> bool:
            found = await own.fetch("select sent_offset from outbox order by id")
            return [r["sent_offset"] for r in found] == [first, first + 1, first + 2]

        await eventually(lambda: sent(0), "the first time")
        # As if the broker had confirmed what it now has not; the first one it still has.
        await own.execute("update outbox set sent_offset = sent_offset + 100 where value <> '0'")

        async def again() -> bool:
            found = await own.fetch("select sent_offset from outbox order by id")
            return [r["sent_offset"] for r in found] == [0, 3, 4]

        await eventually(again, "what was lost is sent again, and only that")
        assert (await log_ends(ground.kafka, {topic: 1}))[topic, 0].end == 5
    finally:
        await ended([relay])
        await publisher.stop()


async def test_who_waits_for_the_lock_tells_what_waits_too(
    ground: Ground, own: asyncpg.Connection, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder may be a connection whose process vanished: nobody sends, and nobody else would say so."""
    monkeypatch.setattr(metrics, "OUTBOX_DEPTH", Gauge("depth", "of this test", registry=CollectorRegistry()))
    url = await url_of(ground, own)
    assert await own.fetchval(outbox._LOCK)
    await own.execute(
        "insert into outbox (topic, key, value, header_names, header_values) values ($1, '0682', '', '{}', '{}')", topic
    )
    publisher = Publisher(ground.kafka, max_request_size=1_000_000, client_id="test")
    relay = asyncio.create_task(outbox.Relay(database_url=url, kafka=ground.kafka, publisher=publisher).run())
    try:

        async def told() -> bool:
            return bool(metrics.OUTBOX_DEPTH._value.get() == 1)

        await eventually(told, "one row waits")
    finally:
        await ended([relay])
        await publisher.stop()
