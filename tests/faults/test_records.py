"""A storm of poisoned records among good ones; a dead-letter topic that is missing."""

import asyncio
import json
import time
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.topics import ensure_topics
from schemas.dead_letters import dead_letter_topic
from schemas.envelope import Envelope, event_type
from schemas.topics import BY_NAME, MAX_BYTES, REPORT_RECEIVED
from services.runtime.kafka_access import access
from services.runtime.publisher import Outgoing, Publisher
from tests.support.command import lagesbild
from tests.support.facts import NOON, located, received
from tests.support.instance import Instance, eventually, reports
from tests.support.tally import Table


def _storm(topic: str, kommun: str, count: int) -> list[Outgoing]:
    """Everything that can be wrong with a record, over and over."""
    whole = received(1, kommun=kommun) if topic == "report-received" else located(1, kommun=kommun)
    value = whole.model_dump_json().encode()

    def headers(owner: str = kommun, version: int = 1) -> list[tuple[str, bytes | None]]:
        envelope = Envelope(str(uuid4()), "/attack", event_type(topic, version), NOON, owner, str(uuid4()))
        return list(envelope.headers())

    key, other = kommun.encode(), b"9999"
    kinds = [
        Outgoing(topic, key, value[: len(value) // 2], headers()),
        Outgoing(topic, key, b"\xff\xfe\x00", headers()),
        Outgoing(topic, key, b"[]", headers()),
        Outgoing(topic, key, None, headers()),
        Outgoing(topic, key, b"", headers()),
        Outgoing(topic, key, value, [("ce_id", None), *headers()[1:]]),
        Outgoing(topic, key, value, [(n, b"\xff\xff" if n == "ce_time" else v) for n, v in headers()]),
        Outgoing(topic, key, value, []),
        Outgoing(topic, key, value, headers(version=7)),
        Outgoing(topic, key, value, headers(owner="9999")),
        Outgoing(topic, other, value, headers()),
        Outgoing(topic, None, value, headers()),
        Outgoing(topic, key, value.replace(f'"kommun":"{kommun}"'.encode(), b'"kommun":"9999"', 1), headers()),
        Outgoing(topic, key, b'{"x":"' + b"y" * (MAX_BYTES - 4096) + b'"}', headers()),
        Outgoing(topic, key, b'{"kommun":' * 20_000, headers()),
    ]
    return [kinds[i % len(kinds)] for i in range(count)]


@pytest.mark.core
async def test_a_storm_of_poisoned_records(instance: Instance, kommun: str, table: Table) -> None:
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    publisher = Publisher(instance.ground.kafka, max_request_size=MAX_BYTES * 2, client_id="storm")
    with pytest.raises(Exception, match=r"(?i)too large|MessageSizeTooLarge"):  # the broker's own limit
        await publisher.send([Outgoing(REPORT_RECEIVED.name, kommun.encode(), b"x" * 5_000_000, [])])

    async def storm() -> None:
        for topic in ("report-received", "report-located"):
            for record in _storm(topic, kommun, 30):
                await publisher.send([record])

    try:
        await asyncio.gather(storm(), tenant.load(reports(300, "calm"), senders=4))
    finally:
        await publisher.stop()
    await table.tally("storm of 60 poisoned records", tenant, 300, began)
    for consumer in ("geo.reports", "analysis.reports", "notify.reports"):
        listed = json.loads((await lagesbild(instance.ground, "dead-letters", "list", consumer, "--json")).out)
        assert len(listed) >= 30, consumer


async def test_the_dead_letter_topic_is_missing(instance: Instance, kommun: str, table: Table) -> None:
    """The consumer halts rather than lose the record, and goes on once the topics job has made the topic."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    topic = dead_letter_topic("geo.reports")
    admin = AIOKafkaAdminClient(**access(instance.ground.kafka).arguments())
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()
    await instance.restart_with("geo", "work", {"LAGESBILD_RETRY_BUDGET": "5"})
    publisher = Publisher(instance.ground.kafka, max_request_size=MAX_BYTES, client_id="storm")
    await publisher.send([_storm(BY_NAME["report-received"].name, kommun, 1)[0]])
    await publisher.stop()
    before = len(instance.said)

    async def halted() -> bool:
        return any("geo work ended with code 70" in line for line in instance.said[before:])

    await asyncio.gather(
        eventually(halted, "geo halts"),
        tenant.load(reports(40, "held"), senders=4),
    )
    assert topic in await ensure_topics(instance.ground.kafka)
    await table.tally("dead-letter topic missing", tenant, 40, began)
    await instance.restart_with("geo", "work", {})
