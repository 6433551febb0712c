"""What a picture must not claim: a rise of the first who look, a decrease of what is late, somebody's days."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.analysis.api.situations import _picture
from services.analysis.domain import comparison, findings, picture, preliminary
from services.analysis.domain.exposure import watched_from
from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.series import SeriesKey
from services.analysis.store.pictures import Version
from services.analysis.views import MILLION
from services.analysis.web import picture_words
from services.runtime.tokens import Principal
from tests.unit.analysis.test_picture import AREA, read

KEY = SeriesKey(AREA, "")


def judged(reports: list[int], eyes: list[int]) -> findings.Finding | None:
    rows = [PeriodRow(at, AREA, "A1", n * MILLION, n * MILLION) for at, n in enumerate(reports)]
    measured = findings.measure(rows, {AREA: eyes}, len(reports), findings.of_picture("0682"))
    return next((f for f in findings.judge(measured) if f.key == KEY), None)


def test_where_nobody_looked_there_was_no_calm() -> None:
    """Three reports from each reporter, always: two looked, then six do."""
    eyes = [0] * 8 + [2] * 18 + [6]
    found = judged([3 * n for n in eyes], eyes)
    assert found is not None
    assert (found.periods, found.expected, found.word) == (18, 6.0, "unsure")
    assert found.adjusted == pytest.approx(1)
    assert judged([0] * 26 + [9], [0] * 26 + [1]) is None, "the first who looks has nothing to be held against"
    assert judged([1] * 26 + [19], [0] * 27) is not None, "nobody known at all: a plain count, as ever"
    assert [watched_from(eyes), watched_from([0, 0]), watched_from([float("nan"), 0])] == [8, 0, 0]


def test_what_is_only_still_to_come_is_no_finding() -> None:
    counts = [40] * 26 + [24]
    rows = [PeriodRow(at, AREA, "A1", n * MILLION, 0) for at, n in enumerate(counts)]
    measured = findings.measure(rows, {}, 27, findings.of_picture("0682"))
    late = findings.judge(measured, missing=0.4)
    assert {f.p for f in late} == {1.0}
    assert findings.shown(late) == []
    assert findings.shown(findings.judge(measured)) != []


def test_a_source_that_delivers_on_mondays_is_missing_until_then() -> None:
    """Every day's reports come on the Monday after; on a Thursday three days of seven have nothing yet."""
    thursday = date(2026, 11, 19)
    days = [thursday - timedelta(days=n) for n in range(1, 180)]
    rows = [(day, (7 - day.weekday()), 10 * MILLION) for day in days if day + timedelta(7 - day.weekday()) <= thursday]
    share = preliminary.missing_share(rows, thursday - timedelta(days=7), thursday - timedelta(days=1), thursday)
    assert 0.35 < share < 0.6, "Monday to Wednesday of seven days have nothing yet"


def test_an_increase_from_a_picture_that_lacked_reports_waits_for_them() -> None:
    later = picture.draft(read()) | {"preliminary": 0.0}
    now = later["totals"]["now"]
    whole = later | {"totals": later["totals"] | {"now": round(now * 0.25)}, "areas": [], "kinds": []}
    lacking = whole | {"preliminary": 0.75}
    assert comparison.between(whole, later).total.word == "sure"
    assert comparison.between(lacking, later).total.word == "unsure", "a quarter was all that was here"


def test_new_and_open_is_one_and_the_same_place_that_is_new_and_open() -> None:
    mended = read(states=[(AREA, "E3", 2 * MILLION, MILLION, 0)], rows=[], cases=[])
    assert picture.draft(mended)["focus"] == [], "an old one stands, the new ones are mended"
    stands = read(states=[(AREA, "E3", MILLION, MILLION, MILLION)], rows=[], cases=[])
    assert [r["why"] for r in picture.draft(stands)["focus"][0]["reasons"]] == ["state"]


@pytest.mark.parametrize(("role", "sees"), [("est_medlem", False), ("analytiker", True)])
def test_how_many_look_at_an_area_is_for_those_who_write(role: str, sees: bool) -> None:
    document: dict[str, Any] = picture.draft(read()) | {"adopted_by": "x", "assessment": {}}
    version = Version("2026:24", 1, "adopted", document, "h", datetime(2026, 11, 19, tzinfo=UTC), None)
    told = _picture(version, Principal("p", "person", "0682", frozenset({role}))).document
    rows = told["areas"] + told["findings"]
    assert rows
    assert {"reporters" in row for row in rows} == {sees}
    assert told["reporters"]["active"] == 6, "of the whole municipality everybody may know"
    assert "reporters" in document["areas"][0], "what is stored stays as it is"
    facts = [dict(f["facts"]) for f in picture_words.told(document, {}, {})["findings"] if f["area"]]
    assert facts
    assert not any("Aktiva rapportörer" in fact for fact in facts)
