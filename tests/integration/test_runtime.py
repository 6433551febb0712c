"""The boundary on the real broker: a rebalance with a batch in flight, poisoned records, a broker that is not ours."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy import broker
from schemas.dead_letters import dead_letter_topic
from schemas.envelope import Envelope, event_type
from schemas.topics import Topic
from schemas.values import Contract, Kommun
from services.runtime import consumers
from services.runtime.boundary import Consumer, Handler
from services.runtime.database import Database
from services.runtime.decoding import Received
from services.runtime.kafka_access import access
from services.runtime.migrations import OWNER_ROLE, work_role
from services.runtime.publisher import Outgoing
from services.runtime.room import Room
from services.runtime.settings import RoomSettings
from services.runtime.tokens import Verifier
from services.runtime.working import Plant
from tests.support.ground import Ground
from tests.support.instance import eventually


class Note(Contract):
    kommun: Kommun
    number: int


@pytest.fixture(scope="module")
async def effects(ground: Ground) -> AsyncIterator[None]:
    """A table for effects in geo's schema: how often each record was applied."""
    connection = await asyncpg.connect(ground.dsn(OWNER_ROLE))
    await connection.execute("create table geo.test_effects (run text, number int, by text)")
    await connection.execute(f"grant insert, select on geo.test_effects to {work_role('geo')}")
    yield
    await connection.execute("drop table geo.test_effects")
    await connection.close()


@pytest.fixture
async def topic(ground: Ground) -> AsyncIterator[Topic]:
    name = f"test-{uuid4().hex[:12]}"
    made = Topic(name, Note, "tests", (f"geo.{name}",), partitions=4)
    admin = AIOKafkaAdminClient(**access(ground.kafka).arguments())
    await admin.start()
    dead = NewTopic(dead_letter_topic(f"geo.{name}"), 1, 1, topic_configs={"max.message.bytes": "2000000"})
    await admin.create_topics([NewTopic(name, 4, 1), dead])
    yield made
    await admin.delete_topics([name, dead.name])
    await admin.close()


def _settings(ground: Ground, **changes: Any) -> RoomSettings:
    return RoomSettings(
        database_url=SecretStr(ground.database_url(work_role("geo"))),
        kafka=SecretStr(ground.kafka),
        session_timeout_ms=6000,
        heartbeat_interval_ms=1000,
        retry_budget=5.0,
        **changes,
    )


@asynccontextmanager
async def plant(ground: Ground, topic: Topic, handler: Handler, **changes: Any) -> AsyncIterator[Plant]:
    settings = _settings(ground, **changes)

    async def no_keys() -> dict[str, Any]:
        return {"keys": []}

    database = Database(settings.database_url.get_secret_value(), pool_size=2)
    consumer = Consumer(topic.consumers[0], topic, handler)
    made = Plant(Room("geo", settings, database, Verifier(no_keys), consumers=[consumer]))
    async with made.running():
        yield made


def effect(run: str, by: str, *, seconds: float = 0.0, started: asyncio.Event | None = None) -> Handler:
    async def handle(connection: AsyncConnection, batch: Sequence[Received[Any]]) -> Sequence[Outgoing]:
        if started is not None:
            started.set()
        await asyncio.sleep(seconds)
        await connection.execute(
            text("insert into geo.test_effects select :run, n, :by from unnest(cast(:numbers as int[])) as t(n)"),
            {"run": run, "by": by, "numbers": [r.message.number for r in batch]},
        )
        return ()

    return handle


async def publish(ground: Ground, topic: Topic, numbers: Sequence[int], kommun: str = "0682") -> None:
    producer = AIOKafkaProducer(**access(ground.kafka).arguments(), acks="all")
    await producer.start()
    try:
        for number in numbers:
            await producer.send_and_wait(
                topic.name, **record(topic, kommun, number), partition=number % topic.partitions
            )
    finally:
        await producer.stop()


def record(topic: Topic, kommun: str, number: int) -> dict[str, Any]:
    envelope = Envelope(str(uuid4()), "/tests", event_type(topic.name, 1), datetime.now(UTC), kommun, str(uuid4()))
    return {
        "key": kommun.encode(),
        "value": Note(kommun=kommun, number=number).model_dump_json().encode(),
        "headers": envelope.headers(),
    }


async def applied(ground: Ground, run: str) -> list[tuple[int, str]]:
    connection = await asyncpg.connect(ground.dsn(work_role("geo")))
    try:
        return [
            (r["number"], r["by"])
            for r in await connection.fetch("select number, by from geo.test_effects where run = $1", run)
        ]
    finally:
        await connection.close()


async def wait_for(ground: Ground, run: str, count: int) -> list[tuple[int, str]]:
    async def done() -> bool:
        return len(await applied(ground, run)) >= count

    await eventually(done, f"{count} effects")
    await asyncio.sleep(1.0)  # whatever would be doubled gets its chance
    return await applied(ground, run)


async def dead_letters(ground: Ground, topic: Topic, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(
        dead_letter_topic(topic.consumers[0]),
        **access(ground.kafka).arguments(),
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4_000_000,
    )
    await consumer.start()
    try:
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    found += batch
        return found
    finally:
        await consumer.stop()


async def test_a_second_consumer_joins_while_a_batch_is_in_flight(ground: Ground, topic: Topic, effects: None) -> None:
    run, started = uuid4().hex, asyncio.Event()
    await publish(ground, topic, range(400))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(plant(ground, topic, effect(run, "first", seconds=4.0, started=started)))
        await asyncio.wait_for(started.wait(), 20)
        await stack.enter_async_context(plant(ground, topic, effect(run, "second")))
        await publish(ground, topic, range(400, 800))
        found = await wait_for(ground, run, 800)
    print(f"\nrebalance with a batch in flight: sent 800, applied {len(found)}, distinct {len({n for n, _ in found})}")
    assert sorted(n for n, _ in found) == list(range(800))
    assert {by for _, by in found} == {"first", "second"}


async def test_a_stop_drains_the_batch_in_flight(ground: Ground, topic: Topic, effects: None) -> None:
    run, started = uuid4().hex, asyncio.Event()
    await publish(ground, topic, range(100))
    async with plant(ground, topic, effect(run, "first", seconds=2.0, started=started)):
        await asyncio.wait_for(started.wait(), 20)
    drained = await applied(ground, run)
    assert len(drained) >= 1, "the batch in flight was finished, not thrown away"
    async with plant(ground, topic, effect(run, "second")):
        found = await wait_for(ground, run, 100)
    assert sorted(n for n, _ in found) == list(range(100))
    assert {n for n, by in found if by == "first"} == {n for n, _ in drained}


async def test_two_owners_at_once_let_one_win(ground: Ground, topic: Topic, effects: None) -> None:
    """Without waiting for the batch (a short rebalance timeout) both work on it: compare-and-set lets one through."""
    run, started = uuid4().hex, asyncio.Event()
    await publish(ground, topic, range(200))
    async with AsyncExitStack() as stack:
        slow = effect(run, "first", seconds=6.0, started=started)
        await stack.enter_async_context(plant(ground, topic, slow, rebalance_timeout_ms=2000))
        await asyncio.wait_for(started.wait(), 20)
        await stack.enter_async_context(plant(ground, topic, effect(run, "second"), rebalance_timeout_ms=2000))
        found = await wait_for(ground, run, 200)
        await asyncio.sleep(6)
        found = await applied(ground, run)
    assert sorted(n for n, _ in found) == list(range(200))


async def test_poisoned_records_go_aside_untouched_and_the_good_ones_through(
    ground: Ground, topic: Topic, effects: None
) -> None:
    run = uuid4().hex
    good = [record(topic, "0682", n) for n in range(25)]
    foreign_key = record(topic, "0682", 100) | {"key": b"1280"}
    foreign_body = record(topic, "0682", 101) | {"value": b'{"kommun": "1280", "number": 101}'}
    null_header = record(topic, "0682", 102)
    null_header["headers"] = [*null_header["headers"][1:], ("ce_time", None)]
    bad_header = record(topic, "0682", 103)
    bad_header["headers"] = [(k, b"\xff" if k == "ce_id" else v) for k, v in bad_header["headers"]]
    newer = record(topic, "0682", 104)
    newer["headers"] = [(k, event_type(topic.name, 9).encode() if k == "ce_type" else v) for k, v in newer["headers"]]
    bad = [
        foreign_key,
        foreign_body,
        null_header,
        bad_header,
        newer,
        record(topic, "0682", 105) | {"value": b'{"kommun": "06'},
        record(topic, "0682", 106) | {"value": None},
        record(topic, "0682", 107) | {"value": b"\x00\xff" * 300_000},
    ]
    producer = AIOKafkaProducer(**access(ground.kafka).arguments(), max_request_size=2_000_000)
    await producer.start()
    for i, entry in enumerate([x for pair in zip(good, bad, strict=False) for x in pair] + good[len(bad) :]):
        await producer.send_and_wait(topic.name, partition=i % 2, **entry)
    await producer.stop()
    async with plant(ground, topic, effect(run, "only")):
        found = await wait_for(ground, run, 25)
        letters = await dead_letters(ground, topic, len(bad))
    assert sorted(n for n, _ in found) == list(range(25))
    by_value = {(b["value"], b["key"]): b for b in bad}
    assert len(letters) == len(bad)
    for letter in letters:
        original = by_value[letter.value, letter.key]
        own = [(k, v) for k, v in letter.headers if not k.startswith("dl_")]
        assert own == [tuple(h) for h in original["headers"]]
    reasons = sorted(dict(x.headers)["dl_reason"].decode() for x in letters)
    assert reasons == [
        "envelope",
        "envelope",
        "invalid",
        "invalid",
        "owner_mismatch",
        "owner_mismatch",
        "tombstone",
        "unknown_version",
    ]


async def test_a_handler_that_fails_for_one_record_splits_the_batch(
    ground: Ground, topic: Topic, effects: None
) -> None:
    run = uuid4().hex
    inner = effect(run, "only")

    async def fussy(connection: AsyncConnection, batch: Sequence[Received[Any]]) -> Sequence[Outgoing]:
        if any(r.message.number == 17 for r in batch):
            raise ValueError("seventeen")
        return await inner(connection, batch)

    await publish(ground, topic, range(60))
    async with plant(ground, topic, fussy):
        found = await wait_for(ground, run, 59)
        letters = await dead_letters(ground, topic, 1)
    assert sorted(n for n, _ in found) == [n for n in range(60) if n != 17]
    assert dict(letters[0].headers)["dl_reason"] == b"handler_error"


async def test_a_transient_failure_is_retried_and_is_no_dead_letter(
    ground: Ground, topic: Topic, effects: None
) -> None:
    run, inner, tries = uuid4().hex, None, 0
    inner = effect(run, "only")

    async def shaky(connection: AsyncConnection, batch: Sequence[Received[Any]]) -> Sequence[Outgoing]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionError("away")
        return await inner(connection, batch)

    await publish(ground, topic, [0])
    async with plant(ground, topic, shaky):
        assert await wait_for(ground, run, 1) == [(0, "only")]
    assert tries == 3


@pytest.mark.parametrize("damage", ["outside", "cluster", "record"])
async def test_a_log_that_is_not_the_one_we_know_halts_the_process(
    ground: Ground, topic: Topic, effects: None, damage: str
) -> None:
    run = uuid4().hex
    await publish(ground, topic, range(8))
    async with plant(ground, topic, effect(run, "before")):
        await wait_for(ground, run, 8)
    change = {
        "outside": "next_offset = 1000",
        "cluster": "cluster_id = 'another'",
        "record": "last_record = 'another'",
    }[damage]
    connection = await asyncpg.connect(ground.dsn(work_role("geo")))
    await connection.execute(f"update geo.positions set {change} where consumer = $1", topic.consumers[0])
    await connection.close()
    await publish(ground, topic, range(8, 16))
    async with plant(ground, topic, effect(run, "after")) as made:

        async def halted() -> bool:
            return made.halt.reason is not None

        await eventually(halted, "a halt")
        expected = {"outside": "outside the log", "cluster": "another cluster", "record": "another record"}[damage]
        assert expected in str(made.halt.reason)
        assert made.trouble()
        assert REGISTRY.get_sample_value("est_ready", {"room": made.room.name}) == 0
    assert len(await applied(ground, run)) == 8


async def test_a_log_that_loses_its_tail_under_our_feet_halts_the_process(
    ground: Ground, topic: Topic, effects: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "WATCH_SECONDS", 0.2)
    run = uuid4().hex
    await publish(ground, topic, range(8))
    async with plant(ground, topic, effect(run, "only")) as made:
        await wait_for(ground, run, 8)
        assert made.halt.reason is None
        made.subscriptions[0].boundary.expected[1] = 1000  # as if the broker had given us what it has now lost

        async def halted() -> bool:
            return made.halt.reason is not None

        await eventually(halted, "a halt")
        assert "the log ends at 2, below ours" in str(made.halt.reason)


async def test_after_a_look_the_log_is_accepted_and_read_again(
    ground: Ground, topic: Topic, effects: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = uuid4().hex
    await publish(ground, topic, range(8))
    async with plant(ground, topic, effect(run, "before")):
        await wait_for(ground, run, 8)
    connection = await asyncpg.connect(ground.dsn(OWNER_ROLE))
    await connection.execute("update geo.positions set cluster_id = 'another' where consumer = $1", topic.consumers[0])
    await connection.close()
    monkeypatch.setattr(broker, "CATALOGUE", (topic,))
    with pytest.raises(broker.UnknownConsumer):
        await broker.accept(ground.dsn(OWNER_ROLE), ground.kafka, "geo.nobody", "keep")
    assert sum((await broker.accept(ground.dsn(OWNER_ROLE), ground.kafka, topic.consumers[0], "keep")).values()) == 8
    moved = await broker.accept(ground.dsn(OWNER_ROLE), ground.kafka, topic.consumers[0], "beginning")
    assert moved == {0: 0, 1: 0, 2: 0, 3: 0}
    async with plant(ground, topic, effect(run, "after")):
        found = await wait_for(ground, run, 16)
    assert sorted(n for n, by in found if by == "after") == list(range(8))


async def test_too_many_dead_letters_halt_instead_of_emptying_the_topic(
    ground: Ground, topic: Topic, effects: None
) -> None:
    async def never(connection: AsyncConnection, batch: Sequence[Received[Any]]) -> Sequence[Outgoing]:
        raise ValueError("never")

    await publish(ground, topic, range(20))
    async with plant(ground, topic, never, dead_letter_limit=5) as made:

        async def halted() -> bool:
            return made.halt.reason is not None

        await eventually(halted, "a halt")
        said = re.search(r"(\d+) dead letters", str(made.halt.reason))
        assert said
        assert 5 <= int(said[1]) < 5 + topic.partitions  # lanes bury side by side: one more for each


async def test_a_missing_dead_letter_topic_halts(ground: Ground, topic: Topic, effects: None) -> None:
    nowhere = replace(topic, consumers=("geo.nowhere",))

    async def never(connection: AsyncConnection, batch: Sequence[Received[Any]]) -> Sequence[Outgoing]:
        raise ValueError("never")

    await publish(ground, topic, [0])
    async with plant(ground, nowhere, never) as made:

        async def halted() -> bool:
            return made.halt.reason is not None

        await eventually(halted, "a halt")
        assert "dead letter could not be written" in str(made.halt.reason)
