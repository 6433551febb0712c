"""The boundary's decisions without servers: what is decoded, what belongs to whom, what is transient, what halts."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from schemas.dead_letters import Provenance
from schemas.envelope import Envelope, EnvelopeError, event_type, read_headers, split_type
from schemas.topics import REPORT_LOCATED, REPORT_RECEIVED
from schemas.upcasts import UnknownVersion, upcast
from services.analysis.views.fact import read
from services.runtime import log_facts
from services.runtime.boundary import Boundary, Consumer
from services.runtime.decoding import decode
from services.runtime.errors import Permanent, is_transient
from services.runtime.halt import Halt
from services.runtime.log_facts import LogEnds
from services.runtime.positions import Position, PositionConflict, record_digest
from tests.support.facts import located, received

ENVELOPE = Envelope(
    "id-1", "/t", event_type("report-received", 1), datetime(2026, 1, 1, tzinfo=UTC), "0682", "c-1", "b-1"
)


@dataclass
class Raw:
    """What aiokafka hands over, as far as decoding looks."""

    key: bytes | None = b"0682"
    value: bytes | None = field(default_factory=lambda: received().model_dump_json().encode())
    headers: Any = field(default_factory=ENVELOPE.headers)
    partition: int = 0


def reason(raw: Raw, topic: Any = REPORT_RECEIVED) -> str:
    with pytest.raises(Permanent) as fault:
        decode(raw, topic)
    return fault.value.reason


def test_an_envelope_survives_its_headers() -> None:
    assert read_headers(ENVELOPE.headers()) == ENVELOPE
    assert ENVELOPE.topic == "report-received"
    assert ENVELOPE.version == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", None),
        ("ce_id", b"\xff"),
        ("ce_time", b"x"),
        ("ce_type", b"x"),
        ("ce_specversion", b"2.0"),
        ("ce_time", b"2026-01-01T00:00:00"),
        ("ce_type", "se.lagesbild.report-received.v²".encode()),
    ],
)
def test_damaged_headers_are_named(name: str, value: bytes | None) -> None:
    headers = [(k, value if k == name else v) for k, v in ENVELOPE.headers()]
    with pytest.raises(EnvelopeError, match=name.replace("ce_", "")):
        read_headers(headers)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(EnvelopeError, match="ce_correlationid"):
        read_headers([h for h in ENVELOPE.headers() if h[0] != "ce_correlationid"])


def test_types_that_are_not_ours() -> None:
    for name in ("report-received.v1", "se.lagesbild.report-received", "se.lagesbild.x.vx"):
        with pytest.raises(EnvelopeError):
            split_type(name)


def test_a_good_record_is_decoded() -> None:
    found = decode(Raw(), REPORT_RECEIVED)
    assert found.message == received()
    assert found.kommun == "0682"


def test_every_way_to_be_poisoned_has_its_reason() -> None:
    other = received(kommun="1280").model_dump_json().encode()
    assert reason(Raw(value=None)) == "tombstone"
    assert reason(Raw(value=b"{")) == "invalid"
    assert reason(Raw(value=b'{"kommun": "0682"}')) == "invalid"
    assert reason(Raw(headers=[])) == "envelope"
    assert reason(Raw(), REPORT_LOCATED) == "envelope"
    assert reason(Raw(key=b"1280")) == "owner_mismatch"
    assert reason(Raw(key=None)) == "owner_mismatch"
    assert reason(Raw(value=other)) == "owner_mismatch"
    assert reason(Raw(key=b"1280", value=other)) == "owner_mismatch"
    newer = [(k, b"se.lagesbild.report-received.v9" if k == "ce_type" else v) for k, v in ENVELOPE.headers()]
    assert reason(Raw(headers=newer)) == "unknown_version"


@pytest.mark.parametrize("owner", ["", "x,0682", "0682\n", "٠٦٨٢"])
def test_what_is_no_municipality_owns_nothing_whatever_a_room_reads(owner: str) -> None:
    """Rooms read only what they need; the database would refuse such a row as if it were out of order."""
    message = located().model_dump(mode="json") | {"kommun": owner}
    message["report"]["kommun"] = owner
    envelope = Envelope("i", "/t", event_type("report-located", 1), ENVELOPE.time, owner, "c")
    raw = Raw(key=owner.encode(), value=json.dumps(message).encode(), headers=envelope.headers())
    with pytest.raises(Permanent) as fault:
        decode(raw, REPORT_LOCATED, read)
    assert fault.value.reason == "owner_mismatch"


async def test_a_record_that_cannot_even_be_looked_at_is_put_aside() -> None:
    async def handle(_connection: Any, _batch: Any) -> tuple[()]:
        return ()

    boundary = Boundary(Consumer("geo.reports", REPORT_RECEIVED, handle), database=None, publisher=None, halt=Halt())  # type: ignore[arg-type]  # not asked
    newer = [(k, b"se.lagesbild.report-received.v9" if k == "ce_type" else v) for k, v in ENVELOPE.headers()]
    deep = Raw(value=b"[" * 100_000 + b"]" * 100_000, headers=newer)
    (read_,) = (item for items in boundary._read([deep]).values() for item in items)
    assert read_.fault is not None
    assert read_.fault.reason == "invalid"


def test_another_record_at_the_same_offset_is_another_dead_letter() -> None:
    one = Provenance("geo.reports", "report-received", 3, 17, "invalid", "x", 1_764_000_000_000)
    assert replace(one, reason="envelope").id == one.id, "the same record, whatever it is put aside for"
    assert replace(one, written=one.written + 1).id != one.id, "a new broker counts from 0 again"
    assert Provenance.read([*one.headers(ENVELOPE.time)]) == one


def test_a_report_inside_another_municipality_s_message_belongs_to_nobody() -> None:
    message = located().model_dump(mode="json") | {"kommun": "1280"}
    envelope = Envelope("i", "/t", event_type("report-located", 1), ENVELOPE.time, "1280", "c")
    raw = Raw(key=b"1280", value=json.dumps(message).encode(), headers=envelope.headers())
    assert reason(raw, REPORT_LOCATED) == "owner_mismatch"


def test_faults_never_repeat_content() -> None:
    value = received().model_dump_json().replace('"A1"', '"19811228-9874"').encode()
    with pytest.raises(Permanent) as fault:
        decode(Raw(value=value), REPORT_RECEIVED)
    assert "19811228" not in str(fault.value)
    assert "event_type" in str(fault.value)


def test_upcasts_go_step_by_step_or_not_at_all() -> None:
    assert upcast("t", 1, 1, {"a": 1}) == {"a": 1}
    with pytest.raises(UnknownVersion):
        upcast("t", 2, 1, {})
    with pytest.raises(UnknownVersion):
        upcast("t", 1, 2, {})


def _sql(kind: type[DBAPIError], state: str | None) -> DBAPIError:
    origin = Exception("x")
    if state is not None:
        origin.sqlstate = state  # type: ignore[attr-defined]  # as asyncpg's errors carry it
    return kind("select 1", {}, origin)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (_sql(IntegrityError, "23505"), False),
        (_sql(DBAPIError, "22P02"), False),
        (_sql(DBAPIError, "40001"), True),
        (_sql(DBAPIError, "53100"), True),
        (_sql(DBAPIError, "57P01"), True),
        (_sql(DBAPIError, "42P01"), True),
        (_sql(OperationalError, None), True),
        (ConnectionError(), True),
        (TimeoutError(), True),
        (KafkaConnectionError(), True),
        (MessageSizeTooLargeError(), False),
        (KeyError("x"), False),
        (ValueError(), False),
    ],
)
def test_transient_failures_concern_the_world_permanent_ones_the_record(error: BaseException, transient: bool) -> None:
    assert is_transient(error) is transient


@pytest.mark.parametrize(
    ("position", "digest", "complaint"),
    [
        (Position(5, "c", "d"), "d", None),
        (Position(5, "c", "d"), None, None),
        (Position(0, "c", None), None, None),
        (Position(5, "other", "d"), "d", "another cluster"),
        (Position(11, "c", "d"), "d", "outside the log"),
        (Position(1, "c", "d"), None, "outside the log"),
        (Position(5, "c", "d"), "e", "another record"),
    ],
)
def test_a_position_must_belong_to_this_log(position: Position, digest: str | None, complaint: str | None) -> None:
    beginning = 0 if position.next_offset == 0 else 2
    found = log_facts.mismatch("c", {0: LogEnds(beginning, 10)}, {0: position}, {0: digest} if digest else {})
    assert (found is None) if complaint is None else (complaint in str(found))


def test_a_tombstone_has_a_digest_of_its_own() -> None:
    assert record_digest(None) != record_digest(b"")
    assert record_digest(b"x") == record_digest(b"x")


def test_the_first_reason_to_halt_stands_and_everybody_hears_it_once() -> None:
    halt, heard = Halt(), []
    halt.on_halt(lambda: heard.append(1))
    halt.now("first")
    halt.now("second")
    assert halt.reason == "first"
    assert heard == [1]


async def test_a_partition_taken_in_mid_batch_is_a_conflict_and_no_dead_letter() -> None:
    from services.runtime.boundary import Boundary, Consumer, _Item

    async def never(_connection: Any, _batch: Any) -> tuple[()]:
        raise AssertionError

    nothing: Any = None
    boundary = Boundary(Consumer("t.c", REPORT_RECEIVED, never), database=nothing, publisher=nothing, halt=Halt())
    record: Any = Raw()
    record.partition, record.offset = 3, 7
    with pytest.raises(PositionConflict):
        await boundary._attempt([_Item(record, None, Permanent("invalid", "x"))], set())


async def test_an_interrupt_ends_a_retry_early() -> None:
    from services.runtime.boundary import Boundary, Consumer, _Interrupted

    async def never(_connection: Any, _batch: Any) -> tuple[()]:
        return ()

    boundary = Boundary(
        Consumer("t.c", REPORT_RECEIVED, never),
        database=None,  # type: ignore[arg-type]  # not reached
        publisher=None,  # type: ignore[arg-type]  # not reached
        halt=Halt(),
    )
    waiting = asyncio.create_task(boundary._wait(30))
    await asyncio.sleep(0)
    boundary.interrupt.set()
    with pytest.raises(_Interrupted):
        await asyncio.wait_for(waiting, 1)
