"""One round of routing: what a municipality's notices cause, gathered before it is written. Nothing is asked here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.notices import ENDS, NAMESPACE, Notice
from services.notify.domain.plan import Plan
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Followers, Policy, Roster, policies
from services.notify.store.deliveries import Entry

REPORTS_END = timedelta(hours=24)
"""How long after its latest report an alert of reports is over."""


@dataclass(slots=True)
class Round:
    """What one municipality's notices cause, gathered before it is written."""

    kommun: str
    now: datetime
    plan: Plan
    followers: Followers
    roster: Roster
    restored_at: datetime | None
    open_kinds: list[tuple[str, str | None, str | None]]
    alerts: dict[str, Alert]
    preferences: Mapping[UUID, Preferences]
    silences: Mapping[tuple[UUID, UUID], datetime]
    told: Mapping[tuple[UUID, UUID], datetime]
    entries: dict[tuple[UUID, UUID], tuple[Entry, datetime]] = field(default_factory=dict)
    settled: list[Entry] = field(default_factory=list)
    waiting: list[UUID] = field(default_factory=list)
    outcomes: dict[UUID, tuple[str, str | None, UUID | None]] = field(default_factory=dict)
    touched: dict[UUID, Alert] = field(default_factory=dict)


def expect_answer(alert: Alert, policy: Policy, at: datetime) -> None:
    """Somebody must answer, where the rule says so: from when the first is told, by the rule that waits the least."""
    if policy.answer_minutes is None or alert.owner is not None or alert.kind not in LASTING:
        return
    by = at + timedelta(minutes=policy.answer_minutes)
    if alert.answer_by is None or (by < alert.answer_by and alert.step == 0):
        alert.answer_minutes, alert.answer_by = policy.answer_minutes, by
        alert.rule, alert.then_to, alert.urgent = policy.rule, policy.then, policy.urgent


def new_alert(work: Round, notice: Notice) -> Alert:
    """An alert that has gathered nothing yet."""
    found = policies(work.plan, notice)
    return Alert(
        kommun=work.kommun,
        alert_id=uuid5(NAMESPACE, f"{work.kommun}/alert/{notice.notice_id}"),
        dedup_key=notice.dedup_key,
        kind=notice.kind,
        subject_id=notice.subject_id,
        event=dict(notice.event),
        correlation_id=notice.correlation_id,
        state="open",
        notices=0,
        severity=notice.severity,
        event_type=notice.event_type,
        area=notice.area,
        opened_at=work.now,
        last_at=work.now,
        rule=found[0].rule if found else "",
    )


def alert_of(work: Round, notice: Notice) -> Alert:
    """The open alert that this belongs to, with the notice gathered into it; a new one where there is none."""
    alert = work.alerts.get(notice.dedup_key)
    if alert is None:
        alert = work.alerts[notice.dedup_key] = new_alert(work, notice)
    alert.event, alert.last_at, alert.notices = dict(notice.event), work.now, alert.notices + 1
    alert.severity = max(alert.severity or 0, notice.severity or 0) or None
    if notice.state in ENDS:
        alert.state, alert.closed_at = "over", work.now
        work.alerts.pop(notice.dedup_key)
    return alert


def end(work: Round, key: str) -> None:
    """The open alert of this key, if there is one, is over."""
    alert = work.alerts.pop(key, None)
    if alert is not None:
        alert.state, alert.closed_at = "over", work.now
        work.touched[alert.alert_id] = alert


def pursued(alert: Alert) -> datetime | None:
    """When somebody must look at an alert again: nobody has answered, or its reports have ended."""
    if alert.closed_at is not None:
        return None
    ends = alert.last_at + REPORTS_END if alert.kind == "report" else None
    moments = [m for m in (alert.answer_by if alert.owner is None else None, ends) if m is not None]
    return min(moments, default=None)
