"""When people are told: quiet hours, digests, distances and the cap, over both changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.analysis.domain.periods import Rule
from services.notify.domain.pacing import (
    agenda_at,
    allowed,
    awake,
    before_meeting,
    next_daily,
    next_weekly,
    spaced,
    when,
)
from services.notify.domain.plan import DEFAULT, Meeting, Quiet
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Policy, Receiver, Told
from services.pages.writing import SWEDEN
from tests.support.notices import PERSON


def at(day: str, clock: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), SWEDEN)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (("2026-11-19", "12:00"), ("2026-11-19", "12:00")),
        (("2026-11-19", "20:00"), ("2026-11-20", "07:00")),
        (("2026-11-19", "19:59"), ("2026-11-19", "19:59")),
        (("2026-11-20", "06:59"), ("2026-11-20", "07:00")),
        (("2026-11-20", "07:00"), ("2026-11-20", "07:00")),
        (("2026-03-28", "23:00"), ("2026-03-29", "07:00")),  # the night that is an hour shorter
        (("2026-10-24", "23:00"), ("2026-10-25", "07:00")),  # and the one that is an hour longer
    ],
)
def test_quiet_hours_are_on_the_wall(now: tuple[str, str], until: tuple[str, str]) -> None:
    assert awake(at(*now), Quiet()) == at(*until)


def test_the_hours_of_a_night_worker_and_of_somebody_who_never_sleeps() -> None:
    day = Quiet(begins=time(8), ends=time(15))
    assert awake(at("2026-11-19", "09:00"), day) == at("2026-11-19", "15:00")
    assert awake(at("2026-11-19", "03:00"), day) == at("2026-11-19", "03:00")
    assert awake(at("2026-11-19", "03:00"), Quiet(begins=time(0), ends=time(0))) == at("2026-11-19", "03:00")


def test_every_day_has_one_digest_at_seven_also_when_the_clock_changes() -> None:
    moment, found = at("2026-03-27", "08:00").astimezone(UTC), []
    for _ in range(4):
        moment = next_daily(moment)
        found.append(moment.astimezone(SWEDEN).strftime("%d %H:%M"))
    assert found == ["28 07:00", "29 07:00", "30 07:00", "31 07:00"]
    assert next_daily(at("2026-10-24", "07:00")) - at("2026-10-24", "07:00").astimezone(UTC) == timedelta(hours=25)


def test_the_agenda_goes_out_before_the_meeting_and_a_silence_ends_when_it_begins() -> None:
    meeting = Meeting(weekday=4, at=time(9), hours_before=2)
    assert agenda_at(meeting, date(2026, 11, 20)) == at("2026-11-20", "07:00")
    assert agenda_at(meeting, date(2026, 11, 19)) is None
    assert next_weekly(at("2026-11-20", "07:00"), meeting) == at("2026-11-27", "07:00")
    early = Meeting(weekday=0, at=time(8), hours_before=60)
    assert next_weekly(at("2026-11-19", "12:00"), early) == at("2026-11-20", "20:00")
    assert before_meeting(at("2026-11-20", "08:59"), meeting) == at("2026-11-20", "09:00")
    assert before_meeting(at("2026-11-20", "09:00"), meeting) == at("2026-11-27", "09:00")


@pytest.mark.parametrize("weeks", [1, 2, 3, 4])
def test_meetings_are_so_many_weeks_apart_over_new_year_and_both_changes_of_the_clock(weeks: int) -> None:
    meeting = Meeting(weekday=4, at=time(9), hours_before=48, weeks=weeks, counted_from=date(2026, 12, 1))
    now, met, told = at("2026-11-28", "12:00"), list[datetime](), list[datetime]()
    for _ in range(12):
        now = before_meeting(now, meeting)
        met.append(now.astimezone(SWEDEN))
        told.append(next_weekly(now - timedelta(days=3), meeting))
    first = date(2026, 12, 4)  # the Friday of the week that is counted from, which has 53 weeks in its year
    wanted = [datetime.combine(first + timedelta(weeks=weeks * k), time(9), SWEDEN) for k in range(12)]
    assert met == wanted
    assert told == [m.astimezone(UTC) - timedelta(hours=48) for m in wanted]
    assert next_weekly(told[0], meeting) == told[1], "the one that is just out is not the next"


def test_the_next_meeting_is_the_one_that_was_chosen_also_after_the_summer() -> None:
    meeting = Meeting(weekday=4, at=time(9), hours_before=48, weeks=2, counted_from=date(2027, 8, 13))
    june = at("2027-06-20", "12:00")
    assert before_meeting(june, meeting) == at("2027-08-13", "09:00")
    assert next_weekly(june, meeting) == at("2027-08-11", "09:00")
    assert agenda_at(meeting, date(2027, 7, 2)) is None
    midweek = Meeting(weekday=0, at=time(9), weeks=2, counted_from=date(2026, 1, 14))  # a Wednesday; they meet Mondays
    assert before_meeting(at("2026-01-09", "12:00"), midweek) == at("2026-01-12", "09:00")


def test_the_meeting_of_the_first_day_follows_the_cut_off_of_the_first_day() -> None:
    """analysis cuts off every other Thursday at twelve unless told otherwise; the next day has that picture."""
    cut_off = Rule().cut_offs(at("2026-11-20", "00:00"), at("2026-12-20", "00:00"))
    meetings = [before_meeting(c, DEFAULT.meeting) for c in cut_off]
    assert [m - c for m, c in zip(meetings, cut_off, strict=True)] == [timedelta(hours=21)] * 2


def test_distances_are_of_real_time() -> None:
    before = at("2026-10-25", "02:30")  # the hour that comes twice
    assert spaced(before, before, 60) - before.astimezone(UTC) == timedelta(hours=1)
    assert spaced(before, None, 60) == before
    assert spaced(before + timedelta(hours=2), before, 60) == before + timedelta(hours=2)


def test_a_new_alert_gathers_first_but_never_what_is_urgent() -> None:
    noon, person = at("2026-11-19", "12:00"), Receiver("person", PERSON)

    def told(*, urgent: bool = False) -> Told:
        return Told(person, (Policy("r", (), (), "at_once", urgent=urgent, wait_minutes=10),))

    later = noon + timedelta(minutes=4)
    ten = noon + timedelta(minutes=10)
    assert when(noon, DEFAULT, told(), "report", None) == ten
    assert when(later, DEFAULT, told(), "report", None, opened_at=noon) == ten, "from when it began to gather"
    assert when(ten + timedelta(hours=2), DEFAULT, told(), "report", None, opened_at=noon) == ten + timedelta(hours=2)
    assert when(later, DEFAULT, told(), "report", None, opened_at=noon, heard_at=noon) == noon + timedelta(minutes=30)
    assert when(noon, DEFAULT, told(urgent=True), "report", None) == noon
    assert when(noon, DEFAULT, told(), "agenda", None) == noon, "its moment is the municipality's own choice"
    night = at("2026-11-19", "19:55")
    assert when(night, DEFAULT, told(), "report", None) == at("2026-11-20", "07:00"), "quiet hours come on top"


def test_the_cap_frees_itself_as_the_hour_passes() -> None:
    now = at("2026-11-19", "12:00")
    sent = [now - timedelta(minutes=m) for m in (70, 50, 30, 10)]
    assert allowed(now, sent, 4) == now
    assert allowed(now, sent, 3) == now + timedelta(minutes=10)
    assert allowed(now, sent, 1) == now + timedelta(minutes=50)


def test_the_ways_of_a_person_and_what_they_want() -> None:
    assert Preferences().ways(urgent=True) == ("mail",)
    phone = Preferences(phone="+46701234567", urgent="sms")
    assert (phone.ways(urgent=True), phone.ways(urgent=False)) == (("sms", "mail"), ("mail", "sms"))
    assert Preferences(urgent="sms").ways(urgent=True) == ("mail",)
    off = Preferences(off=True)
    assert [off.wants(agenda=a, urgent=u) for a, u in ((True, True), (False, True), (False, False))] == [
        False,
        True,
        False,
    ]
