"""What we rely on in FastStream and aiokafka; an upgrade that changes it fails here, loudly, and not in a municipality.

Behaviour that needs a broker is pinned in ``tests/integration/test_runtime.py``.
"""

import inspect
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from faststream import AckPolicy
from faststream.kafka.parser import AioKafkaBatchParser

from services.runtime.consumers import build_broker, tolerant_parser
from services.runtime.settings import RoomSettings


def record(offset: int, headers: Any = ()) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("t", 0, offset, 0, 0, b"0682", b"{}", None, 3, 2, headers)


def test_the_versions_that_were_measured() -> None:
    assert version("faststream").startswith("0.7.")


async def test_one_null_header_makes_a_whole_batch_fail_without_our_parser() -> None:
    parser = AioKafkaBatchParser(msg_class=SimpleNamespace, regex=None)  # type: ignore[arg-type]  # only parsing is used
    batch = (record(0), record(1, (("ce_id", None),)), record(2))
    with pytest.raises(AttributeError):
        await parser.parse_batch(batch)
    with pytest.raises(UnicodeDecodeError):
        await parser.parse_batch((record(0, (("x", b"\xff"),)),))


async def test_our_parser_lets_the_batch_through_and_keeps_the_original_bytes() -> None:
    batch = (record(0, (("x", None), ("y", b"\xff"))), record(1))

    async def original(shown: Any) -> Any:
        assert [(r.offset, tuple(r.headers)) for r in shown] == [(0, ())]
        return SimpleNamespace(raw_message=shown)

    message = await tolerant_parser(batch, original)
    assert message.raw_message is batch


def test_everything_that_matters_is_written_out() -> None:
    settings = RoomSettings.model_validate({"database_url": "postgresql+asyncpg://x@/x"})
    broker = build_broker("geo", settings)
    assert broker.config.ack_policy is AckPolicy.MANUAL
    assert settings.retry_budget < settings.max_poll_interval_ms / 1000 / 3
    assert settings.heartbeat_interval_ms <= settings.session_timeout_ms / 3


def test_the_producer_knows_the_settings_that_we_rely_on() -> None:
    names = inspect.signature(AIOKafkaProducer.__init__).parameters
    assert {"enable_idempotence", "request_timeout_ms", "max_request_size", "linger_ms"} <= set(names)
