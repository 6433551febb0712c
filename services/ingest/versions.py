"""Which version of a sender's report wins, and whether two say the same: between the door's model and its store."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from services.ingest.domain import ReportIn

VersionKind = Literal["integer", "time"]
_BESIDE = {"id", "source_version", "text"}
_MARK = "2:"
"""Begins a fingerprint of today's kind; those of the first kind, which stand stored, have none."""


def version_key(version: int | datetime) -> tuple[VersionKind, Decimal]:
    """Kind and comparable number of a source version; times count microseconds since 1970."""
    if isinstance(version, datetime):
        return "time", Decimal(
            (version.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        )
    return "integer", Decimal(version)


def following_version(kind: str, version: Decimal, now: datetime) -> int | datetime:
    """A version above the newest known one, also when the sender's clock is ahead of ours."""
    if kind == "integer":
        return int(version) + 1
    stored = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(version))
    return max(now, stored + timedelta(microseconds=1))


def content_of(report: ReportIn) -> str:
    """What the sender said as it is stored: all but id, version and text."""
    return report.model_dump_json(exclude=_BESIDE)


def fingerprint(content: str, written: str | None) -> str:
    """Of everything the sender said except id and version: equal content and text have equal fingerprints."""
    return _MARK + hashlib.sha256(f"{content}\n{written or ''}".encode()).hexdigest()


def same_kind(report: ReportIn, digest: str, stored: str) -> str:
    """The report's fingerprint, of the kind that the stored one is: what was told once is recognised for ever."""
    if stored.startswith(_MARK):
        return digest
    said = report.model_dump(mode="json", exclude={"id", "source_version"})
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


Verdict = Literal["new", "replay", "conflict", "newer", "older", "other_kind"]


def judge(
    kind: VersionKind,
    version: Decimal,
    digest: str,
    *,
    known: tuple[str, Decimal] | None,
    same_version_hash: str | None,
) -> Verdict:
    """What a submission is, given the newest version known and the content stored for the same version.

    Replay for ever: the same version with the same content is never anything else (contract 3).
    """
    if same_version_hash is not None:
        return "replay" if same_version_hash == digest else "conflict"
    if known is None:
        return "new"
    if known[0] != kind:
        return "other_kind"
    return "newer" if version > known[1] else "older"
