"""The envelope: CloudEvents 1.0 attributes as Kafka headers (binary content mode), the same on every hop.

The record key, the header ``ce_partitionkey`` and the body's ``kommun`` say the same thing three times; a record
in which they disagree belongs to nobody and becomes a dead letter (``services/runtime/identity.py``).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

SPECVERSION = "1.0"
CONTENT_TYPE = b"application/json"
_NAMESPACE = uuid5(NAMESPACE_URL, "https://lagesbild.se/events")
_PREFIX = "se.lagesbild."

Headers = Sequence[tuple[str, bytes]]


class EnvelopeError(ValueError):
    """The headers do not carry a usable envelope; the text says which attribute is wrong."""


class Envelope(NamedTuple):
    """CloudEvents attributes of one message.

    ``correlationid`` follows one report from HTTP to the mail; ``causationid`` is the id of the message before.
    """

    id: str
    source: str
    type: str
    time: datetime
    partitionkey: str
    correlationid: str
    causationid: str | None = None

    def headers(self) -> list[tuple[str, bytes]]:
        """Headers in a fixed order, UTF-8."""
        attributes = [
            ("content-type", CONTENT_TYPE),
            ("ce_specversion", SPECVERSION.encode()),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_time", _time_header(self.time)),
            ("ce_partitionkey", self.partitionkey.encode()),
            ("ce_correlationid", self.correlationid.encode()),
        ]
        if self.causationid is not None:
            attributes.append(("ce_causationid", self.causationid.encode()))
        return attributes

    @property
    def topic(self) -> str:
        """Topic named by ``type``: ``se.lagesbild.report-received.v1`` → ``report-received``."""
        return split_type(self.type)[0]

    @property
    def version(self) -> int:
        """Contract version named by ``type``."""
        return split_type(self.type)[1]


@lru_cache(maxsize=64)
def _time_header(moment: datetime) -> bytes:
    """RFC 3339 in UTC. Kept, since a batch is minted at one moment."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def event_type(topic: str, version: int) -> str:
    """The CloudEvents type of a topic's message in a version."""
    return f"{_PREFIX}{topic}.v{version}"


@lru_cache(maxsize=64)
def split_type(name: str) -> tuple[str, int]:
    """Topic and version of a CloudEvents type; EnvelopeError when it is not one of ours."""
    stem, dot, version = name.rpartition(".v")
    if not dot or not stem.startswith(_PREFIX) or not (version.isascii() and version.isdigit()):
        raise EnvelopeError(f"ce_type {name!r} is not of the form {_PREFIX}<topic>.v<number>")
    return stem.removeprefix(_PREFIX), int(version)


def derived_id(topic: str, *identity: object) -> str:
    """The id of a derived event: the same identity always gives the same id, so a repeat is recognised."""
    name = "/".join([topic, *map(str, identity)])
    digest = bytearray(sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80  # version 5, as uuid.uuid5 but faster
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def client_report_id(client_id: UUID, sender_id: str) -> UUID:
    """The report id of a sender's own id: unique per client, the same for ever (house contract 1)."""
    digest = sha1(client_id.bytes + sender_id.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)  # uuid.uuid5, in half its time


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """The envelope in a record's headers.

    Raises EnvelopeError when an attribute is missing, null, not UTF-8 or malformed.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name[:3] != "ce_":
            continue
        if value is None:
            raise EnvelopeError(f"header {name} is null")
        try:
            found[name[3:]] = value.decode()
        except UnicodeDecodeError:
            raise EnvelopeError(f"header {name} is not UTF-8") from None
    if found.get("specversion") != SPECVERSION:
        raise EnvelopeError(f"ce_specversion is {found.get('specversion')!r}, expected {SPECVERSION!r}")
    try:
        envelope = Envelope(
            id=found["id"],
            source=found["source"],
            type=found["type"],
            time=datetime.fromisoformat(found["time"]),
            partitionkey=found["partitionkey"],
            correlationid=found["correlationid"],
            causationid=found.get("causationid"),
        )
    except KeyError as missing:
        raise EnvelopeError(f"header ce_{missing.args[0]} is missing") from None
    except ValueError as wrong:
        raise EnvelopeError(f"ce_time cannot be read: {wrong}") from None
    if envelope.time.tzinfo is None:
        raise EnvelopeError("ce_time has no offset from UTC")
    split_type(envelope.type)
    return envelope
