"""Intervals and words against published values."""

import json
from datetime import date
from pathlib import Path

import pytest

from services.analysis.domain import certainty
from services.analysis.domain.selection import BadSelection, Selection, parse_day, split_areas
from services.analysis.statistics import counts
from tests.support.data import shared


def test_garwood_equals_the_reference_table() -> None:
    table = json.loads(Path(shared("stats/poisson/garwood95.json")).read_text())
    rows = table if isinstance(table, list) else table["rows"]
    for row in rows:
        low, high = counts.garwood(row["k"])
        assert low == pytest.approx(row["lo"], abs=1e-6)
        assert high == pytest.approx(row["hi"], abs=1e-6)


def test_two_counts_equal_the_conditional_exact_reference() -> None:
    cases = json.loads(Path(shared("stats/poisson/etest.json")).read_text())
    for case in cases if isinstance(cases, list) else cases["cases"]:
        if case.get("n1", 1) == case.get("n2", 1):
            expected = case["conditional_exact_p"]
            assert counts.exact_p(case["k1"], 1, case["k2"], 1) == pytest.approx(expected, abs=1e-6)


def test_words() -> None:
    assert certainty.judged(4.9, 0.001) == "thin"
    assert certainty.judged(5, 0.05) == "unsure"
    assert certainty.judged(5, 0.049) == "sure"


def test_the_period_before_has_the_same_length_and_touches() -> None:
    chosen = Selection(date(2026, 11, 6), date(2026, 11, 19), types=("A",))
    before = chosen.before()
    assert (before.first, before.last, before.days) == (date(2026, 10, 23), date(2026, 11, 5), 14)
    assert before.types == ("A",)
    assert chosen.query() == "from=2026-11-06&to=2026-11-19&type=A"


def test_selections_that_make_no_sense_say_which_field() -> None:
    with pytest.raises(BadSelection) as backwards:
        Selection(date(2026, 11, 19), date(2026, 11, 6))
    assert backwards.value.field == "to"
    with pytest.raises(BadSelection):
        parse_day("19/11", "from", date(2026, 1, 1))
    assert parse_day("", "from", date(2026, 1, 1)) == date(2026, 1, 1)


def test_own_areas_unplaced_and_elsewhere_sum_to_all() -> None:
    inside, unplaced, elsewhere = split_areas({"a": 3, "b": 2, "unplaced": 1, "x": 4}, {"a", "b"})
    assert (inside, unplaced, elsewhere) == ({"a": 3, "b": 2}, 1, 4)
