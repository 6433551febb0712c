"""The operativ lägesbild as a document: periods, findings, words, prints."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analysis.domain import comparison, corrections, findings, picture, places
from services.analysis.domain.findings import Measured, PeriodRow
from services.analysis.domain.periods import Period, Rule
from services.analysis.domain.places import PlaceRow
from services.analysis.domain.series import SeriesKey
from services.analysis.statistics import counts
from services.analysis.views import MILLION
from services.analysis.web import picture_words, prints, sheets

NOW = datetime(2026, 11, 19, 11, 0, tzinfo=UTC)
"""A Thursday at noon in Sweden."""
AREA = "0682R001"
CELL = h3.latlng_to_cell(57.6533, 14.6968, 9)
NEXT, FAR = h3.grid_ring(CELL, 1)[0], h3.grid_ring(CELL, 9)[0]


def test_every_other_thursday_at_noon_is_a_cut_off_and_no_day_is_in_two_periods() -> None:
    rule = Rule()
    found = rule.cut_offs(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC))
    periods = [rule.period(moment) for moment in found]
    assert all(b.first == a.last + timedelta(days=1) for a, b in pairwise(periods))
    assert len({p.number for p in periods}) == len(periods)
    for year in (2026, 2027):
        of_year = [p.number for p in periods if p.cut_off.year == year]
        assert of_year == [f"{year}:{n:02}" for n in range(1, len(of_year) + 1)]
        assert len(of_year) in {26, 27}
    summer, winter = (next(m for m in found if m.month == month) for month in (7, 12))
    assert (summer.hour, winter.hour) == (10, 11), "noon in Sweden"


@given(days=st.sampled_from([7, 14]), weekday=st.integers(0, 6), hour=st.integers(0, 23), start=st.integers(0, 900))
def test_cut_offs_do_not_hang_on_when_one_looks(days: int, weekday: int, hour: int, start: int) -> None:
    rule = Rule(days, weekday, hour)
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=7 * start)
    whole = rule.cut_offs(begin, begin + timedelta(days=100))
    parts = [m for i in range(100) for m in rule.cut_offs(begin + timedelta(days=i), begin + timedelta(days=i + 1))]
    assert parts == whole
    assert all((b - a).days in {days - 1, days} for a, b in pairwise(whole))


def test_a_changed_rule_never_takes_a_number_twice() -> None:
    period = Rule(14, 3, 12).period(datetime(2026, 7, 16, 10, tzinfo=UTC))
    assert period.numbered_after([]).number == period.number
    assert period.numbered_after(["2026:27", "2026:28", "2025:52"]).number == "2026:29"


def test_a_rule_that_is_none_is_refused() -> None:
    for wrong in ((10, 3, 12), (14, 7, 12), (14, 3, 24)):
        with pytest.raises(ValueError, match="7 or 14 days"):
            Rule(*wrong)


def _series(now: int, mean: float = 4.0, active: tuple[int, ...] | None = None, key: Any = None) -> Measured:
    before = np.random.default_rng(2).poisson(mean, 26).tolist()
    return Measured(key or SeriesKey(AREA, "A"), (*before, now), active)


def test_words_follow_what_the_numbers_bear() -> None:
    by_now = {now: findings.judge([_series(now)])[0] for now in (0, 4, 16)}
    assert by_now[16].word == "sure"
    assert by_now[16].direction == "up"
    assert by_now[4].word == "unsure"
    assert findings.judge([_series(0, 0.1)])[0].word == "thin"
    assert findings.judge([Measured(SeriesKey("", ""), (3, 3, 9), None)]) == [], "six periods are needed"


def test_twice_the_reporters_are_no_finding_and_overdispersed_counts_are_judged_mildly() -> None:
    eyes = (*[10] * 26, 40)
    assert findings.judge([_series(16, active=eyes)])[0].word == "unsure"
    assert findings.judge([_series(16, active=(10,) * 27)])[0].word == "sure"
    wild = Measured(SeriesKey(AREA, "A"), (*[0, 8] * 13, 12), None)
    assert findings.judge([wild])[0].dispersion > 3
    assert findings.judge([wild])[0].word == "unsure"


def test_what_is_still_to_come_is_no_decrease() -> None:
    fewer = Measured(SeriesKey("", "A"), (*[3000, 2990, 3010] * 8, 2850), None)
    assert [f.word for f in findings.judge([fewer])] == ["sure"]
    assert [f.word for f in findings.judge([fewer], 0.05)] == ["unsure"], "one in twenty reports comes later"
    half = replace(fewer, periods=(*fewer.periods[:-1], 1500))
    assert [f.word for f in findings.judge([half], 0.05)] == ["sure"]
    more = replace(fewer, periods=(*fewer.periods[:-1], 3400))
    assert findings.judge([more], 0.05) == findings.judge([more]), "more than usual is more all the same"


def test_the_interval_that_is_drawn_is_as_wide_as_the_one_that_is_judged() -> None:
    calm, wild = Measured(SeriesKey(AREA, "A"), (*[9, 10, 11] * 8, 20), None), (*[2, 18] * 13, 20)
    assert findings.judge([calm])[0].interval == pytest.approx(counts.garwood(20))
    found = findings.judge([Measured(SeriesKey(AREA, "A"), wild, None)])[0]
    assert found.dispersion > 5
    assert found.interval.low < found.expected, "no bar that is clear of what a word calls unsure"
    assert found.interval.low < 20 < found.interval.high
    assert counts.widened(0, 4.0).low == 0


def test_reports_of_systems_are_not_divided_by_reporters() -> None:
    assert picture.draft(read())["totals"]["per_reporter"] == pytest.approx(20 / 6, abs=1e-4), (
        "three came from a system"
    )
    rows = [PeriodRow(at, AREA, "A1", 40 * MILLION, MILLION) for at in range(27)]
    assert picture.draft(read(rows=rows))["totals"]["per_reporter"] is None


def test_one_finding_is_shown_of_those_that_hold_the_same_reports() -> None:
    kinds = [SeriesKey("", ""), SeriesKey("", "A"), SeriesKey(AREA, ""), SeriesKey(AREA, "A"), SeriesKey(AREA, "A1")]
    shown = findings.shown(findings.judge([_series(18, key=k) for k in kinds]))
    assert [f.key for f in shown] == [SeriesKey(AREA, "A1")], "the most exact"
    other = SeriesKey("0682R002", "E")
    assert len(findings.shown(findings.judge([_series(18), _series(18, key=other)]))) == 2


@given(st.lists(st.tuples(st.integers(0, 26), st.sampled_from([AREA, "0682R002", "unplaced", "0680R001"]),
                          st.sampled_from(["A1", "A2", "E3"]), st.integers(1, 5)), max_size=60))  # fmt: skip
def test_areas_and_the_unplaced_sum_to_the_whole(rows: list[Any]) -> None:
    given_ = [PeriodRow(at, area, kind, n * MILLION, 0) for at, area, kind, n in rows]
    found = {m.key: m.periods for m in findings.measure(given_, {}, 27, findings.of_picture("0682"))}
    own = [r for r in given_ if not r.area.startswith("0680")]
    if own:
        for at in range(27):
            assert found[SeriesKey("", "")][at] == sum(r.reports for r in own if r.at == at) // MILLION
            in_areas = sum(m[at] for k, m in found.items() if k.area and k.kind == "")
            assert in_areas == sum(r.reports for r in own if r.at == at and r.area != "unplaced") // MILLION


def read(**changes: Any) -> picture.Read:
    dice = np.random.default_rng(1)
    rows = [PeriodRow(at, AREA, "A1", int(n) * MILLION, int(n) * MILLION) for at, n in enumerate(dice.poisson(5, 26))]
    rows.append(PeriodRow(26, AREA, "A1", 21 * MILLION, 20 * MILLION))
    rows.append(PeriodRow(26, "unplaced", "E3", 2 * MILLION, 0))
    event: dict[str, Any] = {
        "report": {"event_type": "F1", "time_from": "2026-11-21T17:00:00Z"},
        "placement": {"areas": [{"layer": "regso", "area": AREA}]},
    }
    values: dict[str, Any] = {
        "kommun": "0682",
        "period": Period("2026:24", date(2026, 11, 5), date(2026, 11, 18), NOW),
        "periods": 27,
        "rows": rows,
        "active": {"": [6] * 27, AREA: [4] * 27},
        "zero_reports": 7,
        "appointed": 9,
        "silent": [("org", date(2026, 10, 1)), ("other", None)],
        "rhythm": {24 * 3 + 22: 4 * MILLION, 0: MILLION // 2},
        "states": [(AREA, "E3", 2 * MILLION, 3 * MILLION, MILLION), ("0680R001", "E3", MILLION, MILLION, MILLION)],
        "sources": {"rapportor": [5 * MILLION] * 27, "felanmalan": [*[2 * MILLION] * 26, 0]},
        "coming": [event, event | {"report": event["report"] | {"withdrawn": True}}],
        "context": {"Rån": 2, "Brand": 1},
        "around": {"Skottlossning": 1},
        "cases": [{"number": "2026-46-1", "area": AREA, "kind": "A", "since": "2026-11-09",
                   "observed": 9, "expected": 2.0}],
        "year_before": [PeriodRow(0, AREA, "A1", 9 * MILLION, 0), PeriodRow(0, "0680R001", "A1", MILLION, 0)],
        "preliminary": 0.1,
        "data": {"facts": 140, "newest_change": "2026-11-19T10:00:00+00:00"},
        "invented": True,
        "cells": [{CELL: 5.0}, {CELL: 9.0, NEXT: 2.0, FAR: 70.0}],
        "cell_areas": {CELL: AREA, NEXT: AREA, FAR: "0680R001"},
    }  # fmt: skip
    return picture.Read(**(values | changes))


def test_a_document_says_everything_and_the_same_again() -> None:
    document = picture.draft(read())
    assert json.dumps(document, allow_nan=False) == json.dumps(picture.draft(read()), allow_nan=False)
    assert document["totals"]["now"] == 23
    assert document["totals"]["unplaced"] == 2
    assert document["totals"]["year_before"] == 9
    assert [(f["area"], f["kind"], f["word"]) for f in document["findings"]][:1] == [(AREA, "A1", "sure")]
    assert document["states"] == [{"area": AREA, "kind": "E3", "opened": 2, "standing": 3}], (
        "not another municipality's"
    )
    assert [s["source"] for s in document["sources"] if s["missing"]] == ["felanmalan"]
    assert document["coming"] == [{"day": "2026-11-21", "kind": "F1", "area": AREA}]
    assert document["rhythm"][3][6] == 4.0
    assert document["focus"][0]["area"] == AREA
    dense = document["dense"]
    told = [(c["cell"], c["area"], c["count"], c["expected"]) for c in dense["cells"]]
    assert told == [(CELL, AREA, 9, 5.0)], "none of few reports, none of another municipality"
    assert dense["map"] == [[CELL, 5]]


def test_a_named_place_is_held_against_its_own_periods_and_may_be_talked_about() -> None:
    square, yard = "00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000a2"
    rows = [PlaceRow(at, square, AREA, 3 * MILLION) for at in range(26)] + [
        PlaceRow(26, square, AREA, 12 * MILLION + MILLION // 2), PlaceRow(26, square, "0682R002", MILLION // 2),
        *(PlaceRow(at, yard, "0682R002", 2 * MILLION) for at in range(27)),
    ]  # fmt: skip
    document, without = picture.draft(read(places=rows)), picture.draft(read())
    assert [(p["place"], p["area"], p["now"], p["expected"], p["word"]) for p in document["places"]] == [
        (square, AREA, 13, 3.0, "sure"), (yard, "0682R002", 2, 2.0, "thin"),
    ]  # fmt: skip
    assert document["focus"][-1] == {"area": AREA, "place": square, "reasons": [{"why": "sure_up", "kind": ""}]}
    assert document["tested"] == without["tested"] + 2
    assert {a["area"] for a in document["areas"]} == {a["area"] for a in without["areas"]}, "a place is no area"
    told = picture_words.told(document, {square: "Stortorget"})
    assert [p["name"] for p in told["places"]] == ["Stortorget", "en ritad plats"]
    assert told["focus"][-1]["place"] == "Stortorget"
    assert "Stortorget;13;" in sheets.table(document, {square: "Stortorget"}, {}, "places")
    whole = document | {"names": {}, "assessment": {}, "adopted_at": NOW.isoformat(), "adopted_by": "x"}
    assert prints.printed(whole, [], "0" * 64, "Exempel")[:4] == b"%PDF"
    assert picture.draft(read(places=rows[:26]))["focus"] == without["focus"], "what is less is nothing to talk about"
    drawn_late = [PlaceRow(at, square, AREA, 6 * MILLION) for at in range(13, 26)] + [
        PlaceRow(26, square, AREA, 7 * MILLION)
    ]
    (late,) = picture.draft(read(places=drawn_late))["places"]
    assert (late["expected"], late["word"]) == (6.0, "unsure"), "what lies before the first report is no calm"
    busy = [PlaceRow(at, f"{i:032}", AREA, 9 * MILLION) for i in range(12) for at in range(27)]
    seldom = [PlaceRow(at, square, AREA, MILLION * (at % 4 == 0)) for at in range(26)] + [
        PlaceRow(26, square, AREA, 8 * MILLION)
    ]
    crowded = picture.draft(read(places=busy + seldom))
    assert len(crowded["places"]) == 13
    assert crowded["focus"][-1]["place"] == square, "what is sure is not crowded out"


def test_an_empty_municipality_has_a_picture_too() -> None:
    nothing: dict[str, Any] = {name: [] for name in ("rows", "silent", "states", "coming", "cases")}
    nothing |= {name: {} for name in ("active", "rhythm", "sources", "context", "cell_areas")}
    document = picture.draft(read(**nothing, cells=[], periods=1, appointed=0, zero_reports=0, preliminary=0.0))
    told = picture_words.told(document, {})
    assert told["findings"] == []
    assert "Inget sticker ut" in told["brief"][0]
    assert sheets.workbook(document, {}, {})[:2] == b"PK"


def test_every_table_is_a_file_for_swedish_excel_and_no_formula() -> None:
    document = picture.draft(read())
    named = {AREA: "=HYPERLINK(1)"}
    files = {key: sheets.table(document, named, {}, key) for key in sheets.TABLES}
    assert all(content.startswith("\ufeff") for content in files.values())
    areas = files["areas"].removeprefix("\ufeff").splitlines()
    assert areas[0].split(";")[:2] == ["Område", "Rapporter"]
    assert areas[1].split(";")[:2] == ["'=HYPERLINK(1)", "21"]
    assert "," in areas[1].split(";")[3], "a decimal comma in what was expected"
    assert len(files["rhythm"].splitlines()) == 8
    over_time = files["history"].splitlines()
    assert over_time[0].endswith(document["first"]), "the last column is the period itself"
    groups = {k["kind"]: k["periods"] for k in document["kinds"] if k["periods"]}
    assert [line.split(";")[1:] for line in over_time[1:]] == [[str(n) for n in one] for one in groups.values()]
    told = picture_words.told(document, named)
    assert [line.split(";")[0] for line in files["cases"].splitlines()[1:]] == [c["number"] for c in told["cases"]]
    assert len(files["focus"].splitlines()) == 1 + len(told["focus"])


def test_words_are_plain_and_what_is_hidden_is_not_a_reason() -> None:
    told = picture_words.told(picture.draft(read()), {AREA: "Nässjö centrum"})
    first = told["findings"][0]
    assert first["title"] == "Fler rapporter än väntat om klotter i Nässjö centrum"
    assert first["say"].startswith("21 rapporter på 14 dagar mot väntat ")
    assert "gånger det väntade, troligen mellan" in first["say"]
    assert first["because"].startswith("både antalet och antalet per aktiv rapportör")
    assert told["context"][2:] == ["1 händelse i länet utanför kommunen eller utan kommun:", "skottlossning 1"]
    assert ("warn", "2 organisationer är tysta") in [q[:2] for q in told["quality"]]
    hidden = picture_words.told(picture.draft(read(cases=[], states=[])), {}, {first["id"]: "känt"})
    assert hidden["findings"] == []
    assert hidden["focus"] == []
    assert hidden["hidden"][0]["reason"] == "känt"


def _adopted(**body: Any) -> dict[str, Any]:
    assessment = {"text": "Lugnt <b>läge</b> #strong[x] $y$", "local": "", "hidden": {}, "comments": {}} | body
    return picture.draft(read()) | {
        "names": {AREA: "Nässjö centrum"},
        "assessment": assessment,
        "adopted_at": "2026-11-20T07:15:30.123456+00:00",
        "adopted_by": "somebody",
    }


def test_the_pdf_is_tagged_for_the_archive_and_the_same_each_time() -> None:
    square = {
        "type": "Polygon",
        "coordinates": [[[14.6, 57.6], [14.8, 57.6], [14.8, 57.7], [14.6, 57.7], [14.6, 57.6]]],
    }
    outline = {"type": "Feature", "id": AREA, "geometry": square,
               "properties": {"name": "Nässjö centrum", "label": [14.7, 57.65]}}  # fmt: skip
    for outlines in ([], [outline]):
        made = prints.printed(_adopted(), outlines, "ab" * 32, "Nässjö kommun")
        assert made == prints.printed(_adopted(), outlines, "ab" * 32, "Nässjö kommun")
        assert made.startswith(b"%PDF-1.7")
        for mark in (
            b"<pdfuaid:part>1</pdfuaid:part>",
            b"<pdfaid:part>2</pdfaid:part>",
            b"/Lang(sv-SE)",
            b"/StructTreeRoot",
        ):
            assert mark in made, mark


def test_signs_that_no_archive_font_has_do_not_stop_an_adoption() -> None:
    made = prints.printed(_adopted(text="Lugnt 😀 中 läge – 5 €"), [], "ab" * 32, "Nässjö kommun")
    assert made.startswith(b"%PDF-1.7")


def test_what_was_never_reported_before_is_said_so() -> None:
    rows = [PeriodRow(26, AREA, "D2", 9 * MILLION, 0)]
    told = picture_words.told(picture.draft(read(rows=rows)), {})
    assert told["findings"][0]["say"].endswith("Perioderna före hade inga.")
    assert "många gånger" not in told["findings"][0]["say"]


def test_corrections_are_differences_and_nothing_else() -> None:
    document = picture.draft(read())
    today = [r._replace(at=0) for r in read().rows if r.at == 26]
    assert corrections.differences(document, today, "0682") == []
    today[0] = today[0]._replace(reports=20 * MILLION)
    today.append(PeriodRow(0, "0682R009", "D1", MILLION, 0))
    found = corrections.differences(document, today, "0682")
    assert {(d["area"], d["kind"], d["adopted"], d["today"]) for d in found} == {
        (AREA, "", 21, 20), ("", "A", 21, 20), ("", "A1", 21, 20), ("", "D", 0, 1), ("", "D1", 0, 1),
        ("0682R009", "", 0, 1),
    }, "one less there, one more elsewhere: the total is the same"  # fmt: skip


def test_all_that_corrections_change_is_told_and_only_that() -> None:
    adopted = picture.draft(read())
    assert corrections.changes(adopted, picture.draft(read())) == []
    rows = [r._replace(reports=3 * MILLION) if r.at == 25 and r.area == AREA else r for r in read().rows]
    fresh = picture.draft(read(rows=rows, zero_reports=read().zero_reports + 2, sources={}))
    changed = corrections.changes(adopted, fresh)
    found: dict[tuple[str, ...], Any] = {(c.part, *c.row.values(), c.what): (c.adopted, c.today) for c in changed}
    assert found["reporters", "zero_reports"] == (read().zero_reports, read().zero_reports + 2)
    assert found["areas", AREA, "before"][1] == 3
    assert found["areas", AREA, "expected"][0] != found["areas", AREA, "expected"][1]
    assert {key[0] for key in found} >= {"totals", "areas", "kinds", "sources", "reporters"}
    assert not any(then == now for then, now in found.values())
    older = {key: value for key, value in adopted.items() if key != "places"} | {"method": 3}
    parts = {(c.part, c.what) for c in corrections.changes(older, fresh)}
    assert ("totals", "before") in parts
    assert not any(part == "findings" or what == "word" for part, what in parts), "another method's words"


def test_of_places_a_correction_says_only_what_both_lists_know() -> None:
    def of(counts: dict[str, tuple[int, int]]) -> list[PlaceRow]:
        return [PlaceRow(25 + at, p, AREA, n * MILLION) for p, both in counts.items() for at, n in enumerate(both)]

    many = {f"{i:032}": (5, 3) for i in range(13)}
    adopted = picture.draft(read(places=of(many)))
    assert len(adopted["places"]) == 12, "cut"
    shown, last = f"{3:032}", f"{12:032}"
    fresh = picture.draft(read(places=of(many | {last: (5, 4), shown: (5, 0)})), every_place=True)
    found = {(c.row.get("place"), c.what): (c.adopted, c.today) for c in corrections.changes(adopted, fresh)}
    assert found == {(shown, "now"): (3, 0)}, "neither that one left the list, nor what the list never said"
    few = picture.draft(read(places=of({shown: (5, 3)})))
    fresh = picture.draft(read(places=of({shown: (5, 3), last: (5, 4)})), every_place=True)
    found = {(c.row.get("place"), c.what): (c.adopted, c.today) for c in corrections.changes(few, fresh)}
    assert found == {(last, "now"): (None, 4)}, "a list that was not cut knows that it had nothing"


def test_a_place_begins_with_its_first_report() -> None:
    assert places.begun([0, 0, 2, 0, 1]) == (2, 0, 1)
    assert places.begun([0, 0, 0]) == (0,)


def test_a_decrease_between_two_pictures_waits_for_what_is_late() -> None:
    late = picture.draft(read())
    then = late["totals"]["now"] * 3
    earlier = late | {"totals": late["totals"] | {"now": then}, "areas": [], "kinds": []}
    settled, waiting = ({**late, "preliminary": share} for share in (0.0, 0.75))
    assert comparison.between(earlier, settled).total.word == "sure"
    assert comparison.between(earlier, waiting).total.word == "unsure", "a third is here of a quarter that should be"
