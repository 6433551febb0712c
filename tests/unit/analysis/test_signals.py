"""Signals: which method, which alarms are cases, what is one case, when it is over, what a correction says."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import UNPLACED
from services.analysis.domain import case_documents as documents
from services.analysis.domain import preliminary, series, signals
from services.analysis.domain.cases import Move, Open, follow, merged
from services.analysis.domain.exposure import FORGOTTEN, looking
from services.analysis.domain.series import WHOLE, Series, SeriesKey, WeekRow, build, mondays
from services.analysis.domain.signals import Finding, Ladder, Side
from services.analysis.views import MILLION, SWEDEN
from services.analysis.web import signals as pages

WEEK = date(2026, 11, 16)
TOWN, CENTRE, PARK = SeriesKey(WHOLE, "A"), SeriesKey("0682R001", "A"), SeriesKey("0682R002", "E")


def _weeks(n: int) -> list[date]:
    return mondays(WEEK - timedelta(weeks=n - 1), WEEK)


def _finding(key: SeriesKey, exceedance: float, state: Any = "case", observed: int = 12) -> Finding:
    side = Side(2.0, 2 + (observed - 2) / exceedance, 0.0001, alarm=state != "quiet")
    return Finding(key, "bayes", 170, observed, 15, side, None, 0.01, state)


def _assess(weeks: list[int], exposure: Sequence[float] | None = None) -> Finding:
    one = Series(TOWN, tuple(weeks), None if exposure is None else tuple(exposure))
    return signals.assess(one, _weeks(len(weeks)), Ladder())


def test_the_method_follows_the_history() -> None:
    methods = Counter((n, _assess([2] * n).method) for n in (1, 10, 11, 60, 111, 160, 213, 214, 300))
    assert [m for _, m in sorted(methods)] == [
        "none", "none", "c2", "c2", "bayes", "bayes", "bayes", "farrington", "farrington",
    ]  # fmt: skip


def test_a_rise_alarms_with_every_method_and_a_usual_week_with_none() -> None:
    dice = np.random.default_rng(3)
    for n in (20, 60, 120, 170, 260):
        usual = dice.poisson(4, n).tolist()
        assert not _assess([*usual, 4]).alarm
        risen = _assess([*usual, 19])
        assert risen.alarm, n
        assert risen.p < 0.001
        assert risen.exceedance > 1


@pytest.mark.parametrize("forgotten", [30, 60, 100])
def test_years_whose_reporters_are_forgotten_make_no_growth_a_signal_and_hide_none(forgotten: int) -> None:
    """Gallring takes away who reported, not what: such weeks are held against nothing per reporter."""
    gone = [FORGOTTEN] * forgotten
    usual, doubled = [10] * 160, [22]
    growth = _assess(usual + doubled, [*gone, *[20.0] * (160 - forgotten), 40.0])
    assert growth.adjusted is not None
    assert not growth.alarm, "twice the reporters, twice the reports"
    real = _assess(usual + doubled, [*gone, *[40.0] * (161 - forgotten)])
    assert real.adjusted is not None
    assert real.adjusted.expected == pytest.approx(10)
    assert real.alarm


def test_forgotten_is_a_week_with_reports_of_reporters_of_whom_none_is_known() -> None:
    weeks = _weeks(4)
    rows = [WeekRow(week, "0682R001", "A1", 3 * MILLION, 3 * MILLION) for week in (weeks[0], weeks[2], weeks[3])]
    active = {place: {weeks[2]: 2, weeks[3]: 3} for place in (WHOLE, "0682R001")}
    found = {s.key: s.exposure for s in build(rows, active, weeks, kommun="0682")}
    assert found[TOWN] is None, "nobody at all in one of the three that are known"
    seen = active | {WHOLE: active[WHOLE] | {weeks[1]: 1}}
    silent = build([*rows, WeekRow(weeks[1], "0682R001", "A1", MILLION, 0)], seen, weeks, kommun="0682")
    (whole,) = [s.exposure for s in silent if s.key == TOWN]
    assert whole is not None
    assert np.isnan(whole[0])
    assert whole[1:] == (1, 2, 3)


def test_five_reports_in_four_weeks_are_needed() -> None:
    quiet = [0] * 170
    assert not _assess([*quiet, 4]).alarm
    assert _assess([*quiet, 5]).alarm
    assert _assess([*quiet, 1, 0, 0, 4]).alarm
    assert not _assess([*quiet, 1, 0, 0, 0, 4]).alarm


def test_more_reporters_alone_are_no_signal() -> None:
    """Both must point up: twice the reports from twice the reporters is what was to be expected."""
    for n in (40, 170, 260):
        weeks, reporters = [4] * n + [12], [10] * n + [30]
        assert _assess(weeks).alarm
        assert not _assess(weeks, reporters).alarm
        assert _assess(weeks, [10] * (n + 1)).alarm
        fewer = _assess([4] * n + [4], [10] * n + [1])
        assert fewer.adjusted is not None
        assert fewer.adjusted.alarm
        assert not fewer.alarm, "nor is the usual number from few of them"


def test_a_rise_too_small_for_any_week_shows_in_four_together() -> None:
    dice = np.random.default_rng(6)
    usual = dice.poisson(1, 170).tolist()
    lasting = _assess([*usual, 4, 3, 4, 4])
    assert (lasting.alarm, lasting.weeks, lasting.observed) == (True, 4, 15)
    assert not _assess([*usual, 1, 1, 1, 4]).alarm
    one = signals.assess(Series(TOWN, (*usual, 4, 3, 4, 4), None), _weeks(174), Ladder(), (1,))
    assert one.weeks == 1


def test_who_looks_does_not_hang_on_what_happens() -> None:
    """Five of ten are active somewhere each week; a bad week in the park makes no more of them look at it."""
    usual = [(week, "park" if who < 3 else "torg", str(who)) for week in range(30) for who in range(10) if who % 2]
    bad = [(29, "park", str(who)) for who in (1, 1, 1)]
    assert looking(usual, 26)["park"][29] == looking([*usual, *bad], 26)["park"][29] == 1
    assert looking(usual, 26)[""][29] == 5
    newcomer = looking([*usual, (29, "park", "new")], 26)
    assert (newcomer["park"][29], newcomer[""][29]) == (2, 6)
    assert looking([(0, "park", "1"), (40, "torg", "1")], 26)["park"] == {0: 1}, "half a year ago is forgotten"


def test_many_tests_let_only_the_clear_ones_be_cases() -> None:
    dice = np.random.default_rng(8)
    many = [Series(SeriesKey(f"0682R{i:03}", "A"), (*dice.poisson(3, 170).tolist(), 3), None) for i in range(100)]
    faint = Series(SeriesKey("0682R777", "A"), (*dice.poisson(3, 170).tolist(), 9), None)
    clear = Series(SeriesKey("0682R888", "A"), (*dice.poisson(3, 170).tolist(), 25), None)
    found = signals.run([*many, faint, clear], _weeks(171), Ladder())
    assert found[0].key == clear.key
    assert found[0].state == "case"
    assert next(f for f in found if f.key == faint.key).state == "watch"
    assert sum(f.state == "case" for f in found) == 1
    alone = signals.run([faint], _weeks(171), Ladder())
    assert alone[0].state == "case", "the same week is clear when nothing else was looked at"


def test_series_hold_what_happened_here_and_the_whole_also_what_has_no_place() -> None:
    rows = [
        WeekRow(WEEK, "0682R001", "A1", 2 * MILLION, 2 * MILLION),
        WeekRow(WEEK, "0682R001", "E2", MILLION, 0),
        WeekRow(WEEK, UNPLACED, "A2", MILLION, MILLION),
        WeekRow(WEEK, "0680R001", "A1", MILLION, MILLION),
        WeekRow(WEEK - timedelta(weeks=9), "0682R001", "A1", MILLION, MILLION),
    ]
    active = {WHOLE: dict.fromkeys(_weeks(3), 4), "0682R001": {WEEK: 3}}
    found = {s.key: s for s in build(rows, active, _weeks(3), kommun="0682")}
    assert {k: s.weeks for k, s in found.items()} == {
        SeriesKey("", ""): (0, 0, 4),
        SeriesKey("", "A"): (0, 0, 3),
        SeriesKey("", "A1"): (0, 0, 2),
        SeriesKey("", "A2"): (0, 0, 1),
        SeriesKey("", "E"): (0, 0, 1),
        SeriesKey("", "E2"): (0, 0, 1),
        SeriesKey("0682R001", ""): (3,),  # nobody was looking there before
        SeriesKey("0682R001", "A"): (2,),
        SeriesKey("0682R001", "E"): (0, 0, 1),
    }
    assert found[SeriesKey("", "A")].exposure == (4, 4, 4)
    assert found[SeriesKey("", "E")].exposure is None, "they came from elsewhere"
    assert found[SeriesKey("0682R001", "A")].exposure == (3,), "from the first week that somebody looked"


def test_shared_reports_are_rounded_once() -> None:
    """A report on the border is a third in each of three areas; the whole counts it once."""
    third = MILLION // 3
    rows = [WeekRow(WEEK, f"0682R00{i}", "A1", third + (i == 1), 0) for i in (1, 2, 3)]
    found = {s.key: s.weeks[-1] for s in build(rows, {}, [WEEK], kommun="0682")}
    assert found[SeriesKey("", "A1")] == 1
    assert found[SeriesKey("0682R001", "A")] == 0


def test_what_may_hold_the_same_reports_is_one_case() -> None:
    findings = [
        _finding(TOWN, 3.0),
        _finding(CENTRE, 2.5),
        _finding(SeriesKey(WHOLE, "A3"), 2.0, "watch"),
        _finding(PARK, 1.5),
        _finding(SeriesKey("0682R009", "D"), 1.2, "watch"),
        _finding(SeriesKey(WHOLE, "C"), 1.1, "quiet"),
    ]
    groups = merged(findings)
    assert [[f.key for f in g] for g in groups] == [[TOWN, CENTRE, SeriesKey(WHOLE, "A3")], [PARK]]


keys = st.builds(SeriesKey, st.sampled_from(["", "0682R001", "0682R002"]), st.sampled_from(["", "A", "A1", "E"]))


@given(st.lists(st.tuples(keys, st.floats(1, 9), st.sampled_from(["case", "watch", "quiet"])), max_size=12))
def test_no_finding_is_in_two_cases_and_every_clear_one_is_in_one(given_: list[Any]) -> None:
    findings = [_finding(k, e, s) for k, e, s in {k: (k, e, s) for k, e, s in given_}.values()]
    members = [f.key for group in merged(findings) for f in group]
    assert len(members) == len(set(members))
    assert {f.key for f in findings if f.state == "case"} <= set(members)
    assert all(group[0].state == "case" for group in merged(findings))
    assert SeriesKey("0682R001", "A").overlaps(SeriesKey("", "A1")) is True
    assert SeriesKey("0682R001", "A").overlaps(SeriesKey("0682R002", "A")) is False


def test_a_case_goes_on_and_is_over_after_four_quiet_weeks() -> None:
    case = Open("one", CENTRE, frozenset({CENTRE, TOWN}), WEEK)
    again = follow([case], [_finding(TOWN, 2.0)], WEEK + timedelta(weeks=1))
    assert [(m.state, m.case) for m in again] == [("changed", case)]
    watched = follow([case], [_finding(CENTRE, 1.1, "watch")], WEEK + timedelta(weeks=1))
    assert [(m.state, m.case) for m in watched] == [("changed", case)]
    elsewhere = follow([case], [_finding(PARK, 2.0)], WEEK + timedelta(weeks=1))
    assert [(m.state, m.case) for m in elsewhere] == [("opened", None)]
    assert follow([case], [], WEEK + timedelta(weeks=3)) == []
    assert follow([case], [], WEEK + timedelta(weeks=4)) == [Move("closed", case, ())]


def test_a_case_is_carried_on_by_its_own_lead_and_never_by_the_whole_alone() -> None:
    everything = SeriesKey(WHOLE, WHOLE)
    case = Open("park", PARK, frozenset({PARK, everything}), WEEK)
    elsewhere = follow([case], [_finding(CENTRE, 9.0), _finding(everything, 8.0), _finding(PARK, 2.0)], WEEK)
    assert [(m.state, m.evidence[0].key) for m in elsewhere] == [("opened", CENTRE), ("changed", PARK)]
    supported = follow([case], [_finding(everything, 5.0), _finding(PARK, 2.0)], WEEK)
    assert [(m.state, [f.key for f in m.evidence]) for m in supported] == [("changed", [PARK, everything])]
    only_watched = follow([case], [_finding(everything, 3.0, "watch"), _finding(PARK, 1.1, "watch")], WEEK)
    assert [f.key for f in only_watched[0].evidence] == [PARK, everything]


def test_a_type_is_not_in_another_whose_code_begins_alike() -> None:
    place = "0682R001"
    for one, other in (("C1", "C10"), ("C1", "C11"), ("A-X1", "A-X10")):
        assert not SeriesKey(place, one).overlaps(SeriesKey(place, other)), (one, other)
        assert SeriesKey(place, one).overlaps(SeriesKey(WHOLE, one[0]))
        assert SeriesKey(place, other).overlaps(SeriesKey(place, WHOLE))


def test_a_rise_elsewhere_is_a_case_of_its_own_although_the_town_is_evidence_of_both() -> None:
    case, other = Open("one", CENTRE, frozenset({CENTRE, TOWN}), WEEK), SeriesKey("0682R009", "A")
    for strongest in (3.0, 1.5):
        moves = follow([case], [_finding(other, 2.0), _finding(TOWN, strongest)], WEEK + timedelta(weeks=1))
        assert [(m.state, m.case) for m in moves] == [("opened", None)]
    whole = Open("two", TOWN, frozenset({TOWN, SeriesKey(WHOLE, "A1")}), WEEK)
    goes_on = follow([whole], [_finding(SeriesKey(WHOLE, "A1"), 2.0)], WEEK + timedelta(weeks=1))
    assert [(m.state, m.case) for m in goes_on] == [("changed", whole)]
    in_one = follow([whole], [_finding(CENTRE, 2.0), _finding(SeriesKey(WHOLE, "A1"), 1.5)], WEEK)
    assert ("opened", None, CENTRE) in [(m.state, m.case, m.evidence[0].key) for m in in_one], "led by an area"


def test_another_kind_of_thing_in_the_same_area_is_a_case_of_its_own() -> None:
    everything = SeriesKey("0682R001", WHOLE)
    case = Open("graffiti", CENTRE, frozenset({CENTRE, everything}), WEEK)
    other = SeriesKey("0682R001", "B")
    moves = follow([case], [_finding(other, 3.0), _finding(everything, 2.0)], WEEK + timedelta(weeks=1))
    assert [(m.state, m.case, m.evidence[0].key) for m in moves] == [("opened", None, other)]
    alike = follow([case], [_finding(SeriesKey("0682R001", "A1"), 3.0), _finding(everything, 2.0)], WEEK)
    assert [(m.state, m.case) for m in alike] == [("changed", case)]


def test_a_document_keeps_its_numbers_and_says_what_corrections_did() -> None:
    move = follow([], [_finding(CENTRE, 2.0, observed=12)], WEEK)[0]
    first = documents.opened(move, WEEK, Ladder(), {"facts": 100})
    frozen = json.dumps(first, sort_keys=True, allow_nan=False)
    assert documents.corrected(first, [_finding(CENTRE, 2.0, observed=12)], {"facts": 101}) is None
    changed = documents.corrected(first, [_finding(CENTRE, 2.0, observed=9)], {"facts": 102})
    assert changed is not None
    assert changed["evidence"] == first["evidence"], "as it was said"
    assert changed["now"][0]["observed"] == 9
    assert changed["reason"] == "corrected"
    assert documents.corrected(changed, [_finding(CENTRE, 2.0, observed=9)], {"facts": 103}) is None, "said once"
    assert json.dumps(first, sort_keys=True, allow_nan=False) == frozen
    assert documents.open_case("x", changed).series == {CENTRE}


def test_a_correction_of_the_gathering_is_none_of_the_series_and_the_other_way_round() -> None:
    move = follow([], [_finding(CENTRE, 2.0, observed=12)], WEEK)[0]
    gathering = {"area": "0682R007", "kind": "A", "method": documents.GATHERED, "observed": 20}
    opened = documents.opened(move, WEEK, Ladder(), {})
    both = opened | {"evidence": [*opened["evidence"], gathering]}
    less = documents.gathering_corrected(both, 16, {"facts": 104})
    assert less is not None
    assert less["data"] == both["data"], "the weekly look of the same night has still to come"
    assert documents.corrected_lead(less) is None, "of the series, which stands first, nothing is new"
    assert documents.corrected(less, [_finding(CENTRE, 2.0, observed=12)], {}) is None
    fewer = documents.corrected(less, [_finding(CENTRE, 2.0, observed=9)], {})
    assert fewer is not None
    assert documents.corrected_lead(fewer) == 9
    assert documents.gathering_corrected(fewer, 16, {}) is None, "said already"


def test_a_case_opens_the_reports_of_its_number() -> None:
    weekly = {"area": "0682R001", "kind": "A", "weeks": 1, "method": "C2"}
    assert pages._behind(weekly, WEEK) == "from=2026-11-16&to=2026-11-22&type=A&area=0682R001"
    four = weekly | {"area": "", "weeks": 4}
    assert pages._behind(four, WEEK) == "from=2026-10-26&to=2026-11-22&type=A&egna=1"
    assert pages._behind({"method": documents.GATHERED}, WEEK) == ""


def test_the_last_days_are_preliminary_by_how_late_reports_have_been() -> None:
    """Half on the day, half two days later: today half is missing, last week nothing."""
    today = WEEK + timedelta(days=6)
    days = [today - timedelta(days=i) for i in range(150)]
    rows = [(d, late, 10 * MILLION) for d in days for late in (0, 2) if (today - d).days >= late]
    assert preliminary.missing_share(rows, today, today, today) == 0.5
    assert preliminary.missing_share(rows, days[20], days[10], today) < 1e-9
    assert 0.1 < preliminary.missing_share(rows, WEEK, today, today) < 0.2
    assert preliminary.missing_share([], WEEK, today, today) == 0.0


def test_what_an_import_brought_is_not_late_and_what_lies_ahead_is_missing() -> None:
    """Years of history in one night: neither its oldest days nor the newest make next week's reports preliminary."""
    today = WEEK + timedelta(days=6)
    live = [(today - timedelta(days=i), late, 10 * MILLION) for i in range(20) for late in (0, 2) if i >= late]
    brought = today - timedelta(days=20)
    old = [(brought - timedelta(days=i), min(i, 60), 15 * MILLION) for i in range(1, 160)]
    assert preliminary.missing_share([*live, *old], today, today, today) == pytest.approx(0.5)
    seldom = [(today - timedelta(days=3 * i), 40 * (i % 4 == 0), MILLION) for i in range(14, 60)]
    seldom += [(today - timedelta(days=i), 0, MILLION) for i in range(14)]
    assert preliminary.missing_share(seldom, today - timedelta(days=13), today, today) > 0.1, "a late one among few"
    year = preliminary.missing_share(live, today - timedelta(days=364), today, today)
    assert year == pytest.approx(preliminary.missing_share(live, today - timedelta(days=180), today, today) * 181 / 365)
    noon = datetime.combine(today, time(12), SWEDEN)
    week = WEEK, today
    assert preliminary.still_to_come(old, *week, noon) == pytest.approx(1 - 6.5 / 7)
    assert preliminary.still_to_come(old, *week, noon + timedelta(days=1)) == 0.0


def test_mondays_cross_a_year_of_53_weeks() -> None:
    assert [d.isocalendar().week for d in series.mondays(date(2026, 12, 21), date(2027, 1, 11))] == [52, 53, 1, 2]
