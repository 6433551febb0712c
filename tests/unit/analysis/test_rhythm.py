"""The rhythm: hours of the clock, intervals in proportion, nights when the clock changes; closed-form answers."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analysis.views import MILLION, SWEDEN
from services.analysis.views.rhythm import RHYTHM, apportion, overlaps
from tests.support.data import shared
from tests.support.facts import NOON, counting, located


def test_the_rhythm_spreads_an_interval_over_its_hours() -> None:
    for case in json.loads(Path(shared("stats/poisson/aoristic.json")).read_text()):
        begin, end = (datetime.fromisoformat(case[k]).replace(tzinfo=SWEDEN).astimezone(UTC) for k in ("begin", "end"))
        parts = overlaps(begin, end)
        found = {f"{slot // 24}_{slot % 24}": part / sum(parts.values()) for slot, part in parts.items()}
        assert found == pytest.approx(case["weights"], abs=1e-8), case


def test_longer_than_a_week_says_nothing_about_the_hour() -> None:
    (fact,) = counting(located(time_from=NOON, time_to=NOON + timedelta(days=40)))
    spread = RHYTHM.contributions(fact)
    assert len(spread) == 168
    assert {w.reports for w in spread.values()} == {MILLION // 168, MILLION // 168 + 1}
    assert {k.week for k in spread} == {date(2026, 11, 16)}


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        # 29 March 2026, 02:00 becomes 03:00: from 01:00 to 04:00 on the clock are two hours.
        (datetime(2026, 3, 29, 0, 0, tzinfo=UTC), 2, {145: 1, 147: 1}),
        # 25 October 2026, 03:00 becomes 02:00: from 01:00 to 04:00 on the clock are four hours, two of them hour 2.
        (datetime(2026, 10, 24, 23, 0, tzinfo=UTC), 4, {145: 1, 146: 2, 147: 1}),
    ],
    ids=["forward", "back"],
)
def test_the_night_when_the_clock_changes(start: datetime, hours: int, expected: dict[int, int]) -> None:
    hour = 3_600_000_000
    assert overlaps(start, start + timedelta(hours=hours)) == {slot: n * hour for slot, n in expected.items()}


@given(st.integers(0, 10**7), st.dictionaries(st.integers(0, 167), st.integers(1, 10**9), min_size=1))
def test_apportioning_sums_exactly(total: int, parts: dict[int, int]) -> None:
    found = apportion(total, parts)
    assert sum(found.values()) == total
    assert all(abs(found.get(s, 0) - total * p / sum(parts.values())) < 1 for s, p in parts.items())
