"""The doors between rooms: each writes its own topics only, nobody comes in without a password, no secret is logged."""

import asyncio
import re

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploy.acls import ensure_acls, grants
from schemas.dead_letters import dead_letter_topic
from schemas.topics import CATALOGUE
from services.runtime.kafka_access import BadAddress, access, address
from services.runtime.migrations import ROOMS, work_role
from tests.support.instance import Instance, reports


@pytest.fixture(autouse=True)
def _ours(instance: Instance) -> None:
    if instance.ground.supervisor is None:
        pytest.skip("these servers are somebody else's, and so are their passwords")


async def _write(instance: Instance, room: str, topic: str) -> None:
    producer = AIOKafkaProducer(
        **access(instance.ground.kafka_as(room)).arguments(),
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=5000,
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"x", key=b"0682")
    finally:
        await producer.stop()


@pytest.mark.parametrize("room", ROOMS)
async def test_a_room_writes_no_other_rooms_topic(instance: Instance, room: str) -> None:
    theirs = {t.name for t in CATALOGUE if t.producer != room}
    theirs |= {dead_letter_topic(c) for t in CATALOGUE for c in t.consumers if not c.startswith(room)}
    for topic in sorted(theirs):
        with pytest.raises(TopicAuthorizationFailedError):
            await _write(instance, room, topic)


async def test_a_room_writes_its_own(instance: Instance) -> None:
    await _write(instance, "notify", "alert-answered")  # which nobody reads yet
    await _write(instance, "geo", dead_letter_topic("geo.context"))


async def test_a_room_reads_only_what_it_consumes(instance: Instance) -> None:
    arguments = access(instance.ground.kafka_as("notify")).arguments()
    reader = AIOKafkaConsumer(**arguments, auto_offset_reset="earliest", enable_auto_commit=False)
    await reader.start()
    try:
        reader.assign([TopicPartition("report-received", 0)])
        with pytest.raises((TopicAuthorizationFailedError, TimeoutError)):
            await asyncio.wait_for(reader.getone(), 4)
    finally:
        await reader.stop()


async def test_nobody_comes_in_without_the_password(instance: Instance) -> None:
    servers = access(instance.ground.kafka).servers
    for tried in (servers, address(servers, "geo", "guessed"), address(servers, "nobody", "x")):
        producer = AIOKafkaProducer(**access(tried).arguments(), request_timeout_ms=3000)
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(producer.start(), 8)
        await producer.stop()
    dsn = instance.ground.dsn(work_role("geo"))
    for wrong in (re.sub(r":[^:@/]+@", ":guessed@", dsn), re.sub(r":[^:@/]+@", "@", dsn)):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(wrong)


async def test_rights_are_settled_and_what_no_longer_holds_is_taken_back(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ensure_acls(instance.ground.kafka) == 0, "the topics job has settled them"
    every = list(grants())
    assert len(every) == len(set(every)), "every right is given once, for one reason"
    monkeypatch.setattr("deploy.acls.grants", lambda: every[1:])
    assert await ensure_acls(instance.ground.kafka) == 1
    monkeypatch.undo()
    assert await ensure_acls(instance.ground.kafka) == 1


async def test_no_secret_is_in_any_log(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    await tenant.load(reports(3, "secret"))
    layout = instance.ground.layout
    logs = "".join(path.read_text("utf-8", "replace") for path in (layout.data / "logs").glob("*.log"))
    assert len(logs) > 1000
    found = [name for name, secret in layout.secrets.items() if name != "cluster_id" and secret in logs]
    assert found == []
    assert tenant.key not in logs
    for name in ("secrets.json", "instance.json"):
        path = layout.data / name
        assert not path.exists() or path.stat().st_mode & 0o077 == 0, name


def test_an_address_is_taken_apart_and_a_wrong_one_not_repeated() -> None:
    whole = address("a:1,b:2", "geo", "p@ss:/word")
    assert (access(whole).servers, access(whole).user, access(whole).password) == ("a:1,b:2", "geo", "p@ss:/word")
    assert access("a:1").user is None
    assert access(whole.replace("sasl://", "sasl+tls://")).arguments()["security_protocol"] == "SASL_SSL"
    for wrong in ("http://u:secret@h:1", "sasl://secret@h:1", "sasl://u:secret@"):
        with pytest.raises(BadAddress) as caught:
            access(wrong)
        assert "secret" not in str(caught.value)
