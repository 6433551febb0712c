"""Who is told about a report, once, and until when."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify import domain
from services.notify.domain import Subscription
from services.notify.mails import alert_mail, describe
from tests.support.facts import NOON, located, report_id

PERSON = UUID("22222222-2222-4222-8222-222222222222")
LIMITS: dict[str, Any] = {"deadline": timedelta(hours=24), "oldest_event": timedelta(days=7)}


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


@pytest.mark.parametrize(
    ("subscription", "expected"),
    [
        (follows(), True),
        (follows(min_severity=4), False),
        (follows(area="0682R012"), True),
        (follows(area="0682R001"), False),
        (follows(types=("A",)), True),
        (follows(types=("A1", "B")), True),
        (follows(types=("A2",)), False),
        (follows(types=("B",)), False),
        (follows(layer="kommun", area="0682"), True),
    ],
)
def test_matching(subscription: Subscription, expected: bool) -> None:
    assert domain.matches(subscription, located(severity=3)) is expected


def test_another_municipality_s_subscription_never_matches() -> None:
    assert domain.deliveries(located(), [follows(kommun="1280")], NOON, **LIMITS) == []


def test_a_report_tells_each_subscription_once_whatever_its_revision() -> None:
    first = domain.deliveries(located(revision=1), [follows()], NOON, **LIMITS)
    again = domain.deliveries(located(revision=7, placement=3), [follows()], NOON, **LIMITS)
    assert [d.delivery_id for d in first] == [d.delivery_id for d in again]
    assert domain.message_id(first[0].delivery_id) == domain.message_id(again[0].delivery_id)


def test_past_its_deadline_an_alert_is_recorded_and_never_sent() -> None:
    (late,) = domain.deliveries(located(), [follows()], NOON + timedelta(hours=25), **LIMITS)
    assert (late.state, late.reason) == ("expired", "past_deadline")
    old = located(time_from=NOON - timedelta(days=9), time_to=NOON - timedelta(days=8))
    (stale,) = domain.deliveries(old, [follows()], NOON, **LIMITS)
    assert (stale.state, stale.reason) == ("expired", "old_event")


@pytest.mark.parametrize("changes", [{"withdrawn": True}, {"merged_into": report_id(2)}, {"event_type": "G1"}])
def test_nothing_to_tell(changes: dict[str, Any]) -> None:
    assert domain.deliveries(located(**changes), [follows()], NOON, **LIMITS) == []


def test_retries_back_off() -> None:
    assert [domain.retry_delay(n, 600) for n in (1, 2, 3, 50)] == [5, 10, 20, 600]


def test_the_mail_says_what_where_when_and_why() -> None:
    mail = alert_mail(
        located(event_type="A3", severity=3, invented=True),
        "Nässjö centrum",
        follows(types=("A",), min_severity=3),
        sender="a@exempel.invalid",
        receiver="b@exempel.invalid",
        message_id="<x@y>",
        public_url="http://h",
    )
    assert mail["Subject"] == "Brand, anlagd brand i Nässjö centrum"
    assert mail["Message-ID"] == "<x@y>"
    body = mail.get_body(("plain",))
    assert body is not None
    plain = body.get_content()
    for part in (
        "Nässjö centrum",
        "19 nov",
        "kl.",
        "13.00",
        "3 – allvarligt",
        "påhittade",
        "skadegörelse i hela kommunen",
    ):
        assert part in plain.replace("\N{NO-BREAK SPACE}", " "), part
    html = mail.get_body(("html",))
    assert html is not None
    assert 'lang="sv"' in html.get_content()
    assert describe(follows(), None) == "alla typer i hela kommunen, minst allvar 1"
