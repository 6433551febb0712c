"""What there is to tell: a report, a case, a source that fell silent, a lägesbild. Made from events alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from schemas.locations import ReportLocated
from schemas.situation import SituationChanged
from schemas.taxonomy import counts_as_event
from schemas.values import UNPLACED

NAMESPACE = UUID("5f1b1f0e-6d0c-5a55-9d7b-2b1c6a2f7e10")
"""Of every id that the voice derives: the same thing has the same id, however often it is derived."""
Kind = Literal["report", "case", "silent_source", "lagesbild", "agenda", "feedback", "test", "code"]
Ruled = Literal["report", "case", "silent_source", "lagesbild", "agenda"]
"""Kinds that a municipality's rules decide about; the others go to whom they are about, whatever the rules say."""
ENDS = frozenset({"closed", "adopted"})
"""States that end an alert."""
PLACES = "_place"
"""Where a layer stands: the municipality's named places (a square, a school yard), by the id that reports name."""
PAST_DEADLINE = "past_deadline"
"""Why what is too old to be told is recorded and not sent."""
DRAFT = "lagesbild/draft"
"""The dedup key of the draft that waits to be adopted."""
TOLD_ONE_BY_ONE = 4
"""Reports of this severity are never grouped with others."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. ``at``: when it became known, from which its deadline counts.

    ``areas``: (layer, area) of every layer, the municipality's own ones too, and (``PLACES``, id) of named places.
    """

    kommun: str
    notice_id: UUID
    kind: Kind
    state: str
    subject_id: UUID
    areas: frozenset[tuple[str, str]]
    event_type: str | None
    severity: int | None
    source: str | None
    at: datetime
    ended: datetime | None
    event: Mapping[str, Any]
    correlation_id: str

    @property
    def area(self) -> str | None:
        """The area of the national layer, by which alerts are grouped; None where the place is not known."""
        return next((code for layer, code in sorted(self.areas) if layer == "regso"), None)

    @property
    def dedup_key(self) -> str:
        """What makes two notices one alert: the same case or lägesbild, or alike reports in one area."""
        if self.kind == "lagesbild" and self.state == "drafted":
            return DRAFT  # several that were caught up are one thing to tell: the newest
        if self.kind != "report":
            return f"{self.kind}/{self.subject_id}"
        if (self.severity or 0) >= TOLD_ONE_BY_ONE:
            return f"report/{self.subject_id}"
        return f"reports/{self.area or UNPLACED}/{self.event_type}"


def of_report(located: ReportLocated, correlation_id: str) -> Notice | None:
    """A report as something to tell, once whatever its revision; None for what is nothing to tell at all.

    Once more when it turns out to be of the highest severity.

    A withdrawn, merged or anonymised report is not, nor one whose place was only looked up anew.
    """
    report = located.report
    serious = report.severity >= TOLD_ONE_BY_ONE
    if report.anonymised or "placed_again" in located.placement.notes:
        return None
    if report.withdrawn or report.merged_into is not None or not counts_as_event(report.event_type):
        return None
    return Notice(
        kommun=located.kommun,
        notice_id=grave_id(located.kommun, report.report_id)
        if serious
        else uuid5(NAMESPACE, f"{located.kommun}/report/{report.report_id}"),
        kind="report",
        state="opened",
        subject_id=report.report_id,
        areas=frozenset(
            [(a.layer, a.area) for a in located.placement.areas if a.area != UNPLACED]
            + [(PLACES, str(p.place_id)) for p in located.placement.places]
        ),
        event_type=report.event_type,
        severity=report.severity,
        source=report.source,
        at=report.minted_at if serious else report.received_at,
        ended=report.time_to,
        event=located.model_dump(mode="json"),
        correlation_id=correlation_id,
    )


def grave_id(kommun: str, report: UUID) -> UUID:
    """The notice of a report of the highest severity."""
    return uuid5(NAMESPACE, f"{kommun}/serious/{report}")


def of_situation(changed: SituationChanged, correlation_id: str) -> Notice:
    """A situation's revision as something to tell."""
    area = changed.area
    return Notice(
        kommun=changed.kommun,
        notice_id=uuid5(NAMESPACE, f"{changed.kommun}/{changed.situation_id}/{changed.revision}"),
        kind=changed.kind,
        state=changed.state,
        subject_id=changed.situation_id,
        areas=frozenset() if area is None else frozenset({(area.layer, area.area)}),
        event_type=changed.event_type or changed.event_group,
        severity=None,
        source=None,
        at=changed.minted_at,
        ended=None,
        event=changed.model_dump(mode="json"),
        correlation_id=correlation_id,
    )


def too_late(
    notice: Notice, now: datetime, *, deadline: timedelta, oldest_event: timedelta, restored_at: datetime | None
) -> str | None:
    """Why this is recorded and never sent; None when it is to be sent.

    After its deadline: a replay of the topic alerts nobody, also when the ledger that knew is gone. The same for an
    event that was old when it was reported, and for what was known before the database was restored.
    """
    if now > notice.at + deadline:
        return PAST_DEADLINE
    if restored_at is not None and notice.at <= restored_at:
        return "restored"
    if notice.ended is not None and notice.ended < notice.at - oldest_event:
        return "old_event"
    return None


def message_id(delivery_id: UUID) -> str:
    """The mail's Message-ID: the same at every attempt, so that a repeat can be recognised as one."""
    return f"<{delivery_id}@lagesbild.local>"


def retry_delay(attempts: int, longest: float) -> float:
    """Seconds until the next attempt: 5, 10, 20 … up to ``longest``."""
    return float(min(5.0 * 2 ** min(attempts - 1, 20), longest))
