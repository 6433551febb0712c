"""Made-up notices, subscriptions and people for the voice's tests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.situation import SituationChanged
from schemas.values import AreaRef
from services.notify.domain.alerts import Alert
from services.notify.domain.notices import Notice, of_report, of_situation
from services.notify.domain.routing import Member, Roster, Subscription
from tests.support.facts import NOON, located, report_id

PERSON = UUID("22222222-2222-4222-8222-222222222222")
MEMBER = UUID("33333333-3333-4333-8333-333333333333")
OTHER = UUID("44444444-4444-4444-8444-444444444444")
COMPANY = UUID("55555555-5555-4555-8555-555555555555")
CASE = UUID("66666666-6666-4666-8666-666666666666")


def follows(**changes: Any) -> Subscription:
    values: dict[str, Any] = {
        "kommun": "0682",
        "subscription_id": PERSON,
        "person_id": PERSON,
        "layer": "regso",
        "area": None,
        "types": (),
        "min_severity": 1,
    }
    return Subscription(**(values | changes))


def report(number: int = 1, **changes: Any) -> Notice:
    found = of_report(located(number, **changes), "c")
    assert found is not None
    return found


def case(state: str = "opened", **changes: Any) -> Notice:
    return of_situation(situation(state=state, **changes), "c")


def situation(**changes: Any) -> SituationChanged:
    values: dict[str, Any] = {
        "kommun": "0682",
        "situation_id": CASE,
        "revision": 1,
        "kind": "case",
        "state": "opened",
        "event_type": "A1",
        "area": AreaRef(layer="regso", version="2025_v2", area="0682R012"),
        "number": "2026-47-1",
        "observed": 11,
        "expected": 4.2,
        "since": NOON,
        "minted_at": NOON,
    }
    return SituationChanged.model_validate(values | changes)


def roster(**changes: Any) -> Roster:
    """An analyst, an EST member of a company, and an administrator."""
    members = {
        PERSON: Member(PERSON, frozenset({"analytiker"})),
        MEMBER: Member(MEMBER, frozenset({"est_medlem"}), COMPANY),
        OTHER: Member(OTHER, frozenset({"administrator"})),
    }
    return Roster(**({"members": members} | changes))


def alert(notice: Notice, notices: int = 1, at: datetime = NOON, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "kommun": notice.kommun,
        "alert_id": report_id(99),
        "dedup_key": notice.dedup_key,
        "kind": notice.kind,
        "subject_id": notice.subject_id,
        "event": dict(notice.event),
        "correlation_id": "c",
        "state": "open",
        "notices": notices,
        "severity": notice.severity,
        "event_type": notice.event_type,
        "area": notice.area,
        "opened_at": at,
        "last_at": at,
    }
    return Alert(**(values | changes))
