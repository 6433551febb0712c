"""From raw record to validated message, one record at a time, never raising for a whole batch."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from aiokafka import ConsumerRecord
from pydantic import TypeAdapter, ValidationError

from schemas.envelope import Envelope, EnvelopeError, read_headers
from schemas.topics import Topic
from schemas.upcasts import UnknownVersion, upcast
from schemas.values import Contract
from services.runtime.errors import Permanent, Unreadable
from services.runtime.identity import check_owner

M = TypeVar("M")
Read = Callable[[bytes | str], Any]
"""A room's own reader of a topic: from JSON to what it needs of the message; raises Unreadable."""
Record: TypeAlias = "ConsumerRecord[bytes | None, bytes | None]"


class Received(NamedTuple, Generic[M]):
    """A good record: its message, its envelope, the municipality that owns it, and the message as JSON text."""

    message: M
    envelope: Envelope
    kommun: str
    json: str


@cache
def _adapter(model: type[Contract]) -> TypeAdapter[Contract]:
    return TypeAdapter(model)


def decode(record: Record, topic: Topic, read: Read | None = None) -> Received[Any]:
    """The message in a record, by the room's own reader or the topic's model; raises Permanent with a stable reason.

    The detail names fields and rules, never content: it ends in logs and headers.
    """
    if record.value is None:
        raise Permanent("tombstone", "the record has no value")
    try:
        envelope = read_headers(record.headers)
    except EnvelopeError as wrong:
        raise Permanent("envelope", str(wrong)) from None
    if envelope.topic != topic.name:
        raise Permanent("envelope", f"ce_type is not of topic {topic.name}")
    try:
        if envelope.version == topic.version:
            body = (read or _adapter(topic.model).validate_json)(record.value)
            text = record.value.decode()
        else:
            payload = upcast(topic.name, envelope.version, topic.version, json.loads(record.value))
            text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
            body = (read or _adapter(topic.model).validate_json)(text)
    except UnknownVersion as wrong:
        raise Permanent("unknown_version", str(wrong)) from None
    except ValidationError as wrong:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['type']}" for e in wrong.errors()[:5])
        raise Permanent("invalid", faults) from None
    except Unreadable as wrong:
        raise Permanent("invalid", str(wrong)) from None
    except ValueError:
        raise Permanent("invalid", "body: not JSON") from None
    return Received(body, envelope, check_owner(record.key, envelope, body), text)
