"""A phone whose clock is ahead: what was read off it is put right, and what was not is left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.web import forms

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # noon in Sweden


def read(ahead: timedelta, **more: str) -> forms.Reading:
    sent = str(int((NOW + ahead).timestamp() * 1000))
    form = {"id": "x", "l1": "A", "l2_A": "A1", "area": "0682R001", "count": "1", "made": sent, "sent": sent}
    return forms.read(form | more, NOW)


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=2)])
def test_a_time_read_off_a_phone_that_is_ahead_is_put_right(ahead: timedelta) -> None:
    shown = (NOW + ahead - timedelta(minutes=20)).astimezone(forms.SWEDEN).strftime("%Y-%m-%dT%H:%M")
    one = read(ahead, when="at", at=shown)
    assert one.report is not None
    assert one.report.time_from == NOW - timedelta(minutes=20)
    since = read(ahead, when="between", **{"from": shown, "to": ""})
    assert since.faults == {}
    assert since.report is not None
    assert (since.report.time_from, since.report.time_to) == (NOW - timedelta(minutes=20), NOW)


def test_a_time_that_has_been_is_what_it_says() -> None:
    one = read(timedelta(hours=3), when="at", at="2026-11-23T22:00")
    assert one.report is not None
    assert one.report.time_from == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def test_a_right_clock_makes_no_future_right() -> None:
    one = read(timedelta(0), when="at", at="2026-11-24T15:00")
    assert one.report is not None
    assert one.report.time_from == datetime(2026, 11, 24, 14, 0, tzinfo=UTC), "the door says what is wrong with it"
    behind = read(-timedelta(hours=3), when="at", at="2026-11-24T09:00")
    assert behind.report is not None
    assert behind.report.time_from == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
