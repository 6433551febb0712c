"""Pure decisions of the voice: who is told about a report, why, and until when it still makes sense."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from schemas.locations import ReportLocated
from schemas.taxonomy import counts_as_event

_NAMESPACE = UUID("5f1b1f0e-6d0c-5a55-9d7b-2b1c6a2f7e10")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What somebody wants to be told: an area or the whole municipality, types by prefix, least severity."""

    kommun: str
    subscription_id: UUID
    person_id: UUID
    layer: str
    area: str | None
    types: tuple[str, ...]
    min_severity: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one receiver about one report. Its id follows from both, so it exists once, for ever."""

    kommun: str
    delivery_id: UUID
    subscription: Subscription
    report_id: UUID
    state: str
    reason: str
    deadline: datetime


def matches(subscription: Subscription, located: ReportLocated) -> bool:
    """Whether the report is what the subscription asks for."""
    report = located.report
    if report.severity < subscription.min_severity:
        return False
    if subscription.types and not any(_of_type(report.event_type, wanted) for wanted in subscription.types):
        return False
    if subscription.area is None:
        return True
    return any(a.layer == subscription.layer and a.area == subscription.area for a in located.placement.areas)


def _of_type(code: str, wanted: str) -> bool:
    """``A`` means its whole group, ``A1`` that type alone."""
    return code == wanted or (len(wanted) == 1 and code.startswith(wanted))


def tells(located: ReportLocated) -> bool:
    """Whether this version of the report is something to tell at all; a place that was only looked up anew is not."""
    report = located.report
    if report.anonymised or "placed_again" in located.placement.notes:
        return False
    return not report.withdrawn and report.merged_into is None and counts_as_event(report.event_type)


def deliveries(
    located: ReportLocated,
    subscriptions: list[Subscription],
    now: datetime,
    *,
    deadline: timedelta,
    oldest_event: timedelta,
    restored_at: datetime | None = None,
) -> list[Delivery]:
    """The messages that a report causes.

    After its deadline, counted from when the report was accepted, an alert is recorded as ``expired`` and never sent:
    a replay of the topic alerts nobody. The same for an event that was old when it was reported, and for what was
    accepted before the database was restored: the ledger that knew who was told is gone.
    """
    if not tells(located):
        return []
    report = located.report
    until = report.received_at + deadline
    state, why = "due", "subscription"
    if now > until:
        state, why = "expired", "past_deadline"
    elif restored_at is not None and report.received_at <= restored_at:
        state, why = "expired", "restored"
    elif report.time_to < report.received_at - oldest_event:
        state, why = "expired", "old_event"
    return [
        Delivery(
            located.kommun,
            uuid5(_NAMESPACE, f"{s.kommun}/{s.subscription_id}/{report.report_id}"),
            s,
            report.report_id,
            state,
            why,
            until,
        )
        for s in subscriptions
        if s.kommun == located.kommun and matches(s, located)
    ]


def message_id(delivery_id: UUID) -> str:
    """The mail's Message-ID: the same at every attempt, so that a repeat can be recognised as one."""
    return f"<{delivery_id}@lagesbild.local>"


def retry_delay(attempts: int, longest: float) -> float:
    """Seconds until the next attempt: 5, 10, 20 … up to ``longest``."""
    return float(min(5.0 * 2 ** min(attempts - 1, 20), longest))
