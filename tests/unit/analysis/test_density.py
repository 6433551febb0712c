"""Gatherings, density, near repeats, numbers as they were known, two periods beside each other: known answers."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analysis.domain import as_known, density, emerging, findings
from services.analysis.domain.comparison import between
from services.analysis.domain.density import Event
from services.analysis.domain.emerging import CellDay
from services.analysis.domain.selection import Selection
from services.analysis.views import MILLION
from tests.support.facts import NOON, as_read, located

LAST = date(2026, 11, 20)
MIDDLE = h3.latlng_to_cell(57.6533, 14.6968, 9)
CELLS = sorted(h3.grid_disk(MIDDLE, 5))
FEWER = replace(emerging.SETTING, replicates=499)


def background(seed: int, count: int = 600) -> list[CellDay]:
    dice = np.random.default_rng(seed)
    places, days = dice.integers(0, len(CELLS), count), dice.integers(0, emerging.DAYS, count)
    return [
        CellDay(int(CELLS[p], 16), LAST - timedelta(days=int(d)), "A", "0682R001", MILLION)
        for p, d in zip(places, days, strict=True)
    ]


def test_three_days_in_two_blocks_are_found_where_and_when_they_were() -> None:
    two = [MIDDLE, next(c for c in h3.grid_ring(MIDDLE, 1))]
    rise = [CellDay(int(two[i % 2], 16), LAST - timedelta(days=i % 3), "A", "0682R007", MILLION) for i in range(14)]
    found, groups = emerging.look([*background(1), *rise], LAST, FEWER)
    strongest = found[0]
    assert groups == 1
    assert set(two) <= set(strongest.cells)
    assert (strongest.area, strongest.kind, strongest.last) == ("0682R007", "A", LAST)
    assert LAST - strongest.first <= timedelta(days=4)
    assert strongest.observed >= 14 > strongest.expected
    assert strongest.p == 1 / 500, "as strong as 499 replicates can say"


def test_nothing_special_is_no_signal_and_is_known_after_a_few_replicates() -> None:
    found = [emerging.look(background(seed), LAST)[0][0] for seed in range(2, 10)]
    assert sum(one.signal for one in found) == 0
    assert min(one.p for one in found) > 1 / emerging.RECURRENCE


def test_no_reports_no_gatherings() -> None:
    assert emerging.look([], LAST) == ([], 0)
    assert emerging.look([CellDay(int(MIDDLE, 16), LAST, "A", "x", MILLION)], LAST) == ([], 1)


def test_one_event_that_many_told_of_is_no_signal() -> None:
    fire = [CellDay(int(MIDDLE, 16), LAST, "A", "0682R007", MILLION) for _ in range(12)]
    found, _ = emerging.look([*background(1), *fire], LAST)
    assert found[0].recurrence >= emerging.RECURRENCE
    assert not found[0].signal


def test_a_gathering_carries_on_the_case_of_its_place_or_its_cells() -> None:
    rise = [CellDay(int(MIDDLE, 16), LAST, "A", "0682R007", MILLION) for _ in range(14)]
    one = emerging.look([*background(1), *rise], LAST, FEWER)[0][0]
    assert emerging.carried_by(one, {"x": {"lead": ["0682R007", "A"]}}) == "x"
    assert emerging.carried_by(one, {"x": {"lead": ["0682R001", "A"], "cells": [MIDDLE]}}) == "x"
    assert emerging.carried_by(one, {"x": {"lead": ["0682R001", "B"], "cells": [MIDDLE]}}) is None


def test_the_densest_cell_is_first_and_every_number_stands_beside_it() -> None:
    ring = list(h3.grid_disk(MIDDLE, 3))
    now = dict.fromkeys(ring, 1.0) | {MIDDLE: 40.0, "891f2565a6bffff": 1.0}
    found = density.rank([dict.fromkeys(ring, 2.0), {MIDDLE: 10.0}, now])
    first = found.cells[0]
    assert first.cell == MIDDLE
    assert first.expected == 6.0, "the mean of the two periods before"
    assert first.km2 == pytest.approx(0.08, abs=0.012)
    assert first.rate == pytest.approx(40 / first.km2)
    assert first.word == "sure"
    assert {c.word for c in found.cells if c.count < 5} == {"thin"}


def test_the_self_check_says_how_the_last_map_hit() -> None:
    spread = list(h3.grid_disk(MIDDLE, 6))
    then = dict.fromkeys(spread, 1.0) | {MIDDLE: 60.0}
    always = density.rank([then, {MIDDLE: 10.0}]).check
    assert always is not None
    assert (always.inside, always.total) == (10, 10)
    assert always.times == pytest.approx(1 / density.SHARE, rel=0.1)
    never = density.rank([then, {max(spread, key=lambda c: h3.grid_distance(c, MIDDLE)): 5.0}]).check
    assert never is not None
    assert (never.inside, never.times) == (0, 0.0)
    assert density.rank([{MIDDLE: 3.0}]).check is None, "nothing to hold it against"
    assert density.rank([{}]).cells == []


def test_near_repeats_are_seen_where_they_are_and_not_where_they_are_not() -> None:
    dice = np.random.default_rng(5)
    calm = [Event(float(e), float(n), int(d)) for e, n, d in dice.uniform(0, (4000, 4000, 365), (150, 3))]
    followed = [Event(e.east + 60, e.north, e.day + 3) for e in calm[:40]]
    found = {n["kind"]: n for n in density.near_repeats({"A1": calm, "A2": calm + followed, "A3": calm[:5]})}
    assert set(found) == {"A1", "A2"}, "too few to say anything of the third"
    assert found["A1"]["q"] > 0.05
    assert found["A2"]["q"] < 0.05
    assert found["A2"]["pairs"] > found["A2"]["expected"] + 30
    beside = [Event(e.east + 30, e.north + 30, e.day) for e in calm]
    twice = density.near_repeats({"A1": [*calm, *beside]})
    assert twice[0]["events"] == found["A1"]["events"], "the same event told twice is one"


def versions() -> list[tuple[tuple[int, int], Any]]:
    late = NOON + timedelta(days=2)
    first = located(1)
    corrected = located(1, 2, withdrawn=True)
    corrected = corrected.model_copy(
        update={"placement": corrected.placement.model_copy(update={"placed_at": late, "placement": 2})}
    )
    other = located(2, areas=("0682R001",), event_type="B1", count=3)
    return [((1, 1), as_read(first)), ((2, 2), as_read(corrected)), ((1, 1), as_read(other))]


CHOSEN = Selection(NOON.date(), NOON.date())


def test_numbers_are_as_they_were_known() -> None:
    thursday = as_known.standing(versions(), NOON + timedelta(hours=1))
    assert as_known.counts(thursday, CHOSEN, ("area",)) == [
        (("0682R001",), MILLION, 3 * MILLION),
        (("0682R012",), MILLION, MILLION),
    ]
    now = as_known.standing(versions(), NOON + timedelta(days=3))
    assert as_known.counts(now, CHOSEN, ()) == [((), MILLION, 3 * MILLION)], "one was taken back since"
    assert as_known.standing(versions(), NOON - timedelta(seconds=1)) == []
    assert as_known.counts([], CHOSEN, ()) == [((), 0, 0)]
    assert as_known.counts(now, replace(CHOSEN, types=("A",)), ("type",)) == []


@pytest.mark.parametrize("hours", [-1, 0, 1, 47, 49])
@pytest.mark.parametrize("by", [(), ("area",), ("type", "area"), ("day", "source")])
def test_from_the_numbers_of_now_it_is_a_step_back(hours: int, by: tuple[Any, ...]) -> None:
    """Both ways to know: to fold what stood, and to take back from now what came since."""
    at, newest = NOON + timedelta(hours=hours), {fact.report.report_id: v for v, fact in versions()}  # the last is it
    changed = [as_known.Changed(v, f, v == newest[f.report.report_id]) for v, f in versions()]
    late = {c.fact.report.report_id for c in changed if c.newest and c.fact.placement.placed_at > at}
    now = as_known.counts(as_known.standing(versions(), NOON + timedelta(days=9)), CHOSEN, by)
    stepped = as_known.then(now, [c for c in changed if c.fact.report.report_id in late], at, CHOSEN, by)
    assert stepped == as_known.counts(as_known.standing(versions(), at), CHOSEN, by)


def test_a_report_that_was_anonymised_since_counts_from_when_it_came() -> None:
    fact = located(1, 3, anonymised=True)
    placed = fact.placement.model_copy(update={"placed_at": NOON + timedelta(days=900)})
    kept = as_read(fact.model_copy(update={"placement": placed}))
    assert len(as_known.standing([((3, 1), kept)], NOON + timedelta(hours=1))) == 1


def document(days: int, areas: dict[str, int], seen: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "days": days,
        "preliminary": 0.0,
        "totals": {"now": sum(areas.values())},
        "areas": [{"area": a, "now": n} for a, n in areas.items()],
        "kinds": [{"kind": "A", "now": sum(areas.values())}],
        "findings": [{"area": a, "kind": k} for a, k in seen],
    }


def test_two_periods_beside_each_other() -> None:
    earlier = document(14, {"x": 5, "y": 10, "z": 1}, [("x", "A"), ("y", "A")])
    later = document(14, {"x": 60, "y": 11}, [("x", "A"), ("", "B")])
    found = between(earlier, later)
    assert [(a.area, a.then, a.now, a.word) for a in found.areas] == [
        ("x", 5, 60, "sure"), ("y", 10, 11, "unsure"), ("z", 1, 0, "thin"),
    ]  # fmt: skip
    assert (found.came, found.stayed, found.went) == ((("", "B"),), (("x", "A"),), (("y", "A"),))
    hidden = between(earlier, {**later, "findings": [{"id": "h", "area": "", "kind": "B"}]}, (frozenset(), {"h"}))
    assert hidden.came == (), "what somebody hid is not new"
    shorter = between(document(14, {"x": 40}, []), document(7, {"x": 20}, []))
    assert shorter.total.word == "unsure", "half the days, half the reports: nothing has changed"


def test_periods_that_vary_wildly_are_compared_mildly() -> None:
    def seen(before: list[int], now: int) -> dict[str, Any]:
        made = document(14, {"x": now}, [])
        return made | {"kinds": [{"kind": "A", "now": now, "periods": [*before, now]}]}

    assert between(seen([15] * 10, 15), seen([15] * 10, 40)).total.word == "sure"
    assert between(seen([5, 25] * 5, 15), seen([5, 25] * 5, 40)).total.word == "unsure"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=6, max_size=26))
def test_what_is_usual_holds_what_was(before: list[int]) -> None:
    band = findings.usual(before)
    if not any(before):
        assert band is None
        return
    assert band is not None
    low, high = band
    assert 0 <= low <= np.mean(before) <= high
    if Counter(before).most_common(1)[0][1] == len(before):
        assert high - low < 6 * np.sqrt(before[0]) + 2, "no wider than chance where nothing varies"


def test_too_few_periods_say_nothing_of_what_is_usual() -> None:
    assert findings.usual([3] * 5) is None
    assert findings.usual([]) is None
