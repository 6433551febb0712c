"""Any consumer → operators: a record that cannot be handled, untouched, with its provenance in headers.

Key, value and the original headers are carried byte for byte; ours are added behind them under ``dl_``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.envelope import derived_id

PREFIX = "dead-letter."


def dead_letter_topic(consumer: str) -> str:
    """The consumer's own dead-letter topic: ``geo.reports`` → ``dead-letter.geo.reports``."""
    return PREFIX + consumer


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a dead letter came from and why. ``reason`` is a stable code, ``detail`` a sentence without content."""

    consumer: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    written: int = 0
    """Milliseconds since 1970 by the record's own timestamp; 0 in letters from before it was carried."""

    @property
    def id(self) -> str:
        """Stable over repeats: the same record gives the same dead-letter id.

        A new broker counts its offsets from 0 again: what had this one on the old broker is another record.
        """
        record = (self.topic, self.partition, self.offset, *([self.written] if self.written else []))
        return derived_id("dead-letter", self.consumer, *record)

    def headers(self, at: datetime) -> list[tuple[str, bytes]]:
        """The added headers."""
        values = {
            "dl_id": self.id,
            "dl_consumer": self.consumer,
            "dl_topic": self.topic,
            "dl_partition": str(self.partition),
            "dl_offset": str(self.offset),
            "dl_written": str(self.written),
            "dl_reason": self.reason,
            "dl_detail": self.detail[:500],
            "dl_at": at.astimezone(UTC).isoformat(),
        }
        return [(name, value.encode()) for name, value in values.items()]

    @classmethod
    def read(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Provenance | None":
        """The provenance among a record's headers; None for a record that no consumer of ours has put aside."""
        found = {name: (value or b"").decode("utf-8", "replace") for name, value in headers if name.startswith("dl_")}
        if "dl_id" not in found:
            return None
        return cls(
            found["dl_consumer"],
            found["dl_topic"],
            int(found["dl_partition"]),
            int(found["dl_offset"]),
            found["dl_reason"],
            found["dl_detail"],
            int(found.get("dl_written", "0")),
        )
