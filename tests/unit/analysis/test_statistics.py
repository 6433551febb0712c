"""The methods against published numbers, laws that hold for any input, and the ends of their range."""

import json
import math
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from services.analysis import acceptance
from services.analysis.acceptance.cases import compare
from services.analysis.statistics import (
    bayes,
    clusters,
    counts,
    cusum,
    delays,
    density,
    ears,
    effect,
    farrington,
    hotspots,
    multiplicity,
    rates,
    repeats,
    surveys,
    trend,
)
from services.analysis.statistics.baseline import baseline
from services.analysis.statistics.clusters import Scan
from services.analysis.statistics.effect import Pair
from services.analysis.statistics.repeats import Bands
from tests.support.data import shared

WEEKS = st.lists(st.integers(0, 40), min_size=1, max_size=120)
START = date(2020, 12, 28)  # the Monday of week 53


def _mondays(n: int, start: date = START) -> list[date]:
    return [start + timedelta(weeks=i) for i in range(n)]


def test_every_published_number_is_met() -> None:
    results = acceptance.run(Path(shared("stats/index.json")))
    gates = [r for r in results if r.gate]
    assert [(r.id, r.note) for r in gates if not r.ok] == []
    assert (len(results), len(gates)) == (86, 78)


def test_a_wrong_number_is_not_met(tmp_path: Path) -> None:
    """The table can fail: another expectation, another function, a missing file, another length."""
    case = {"id": "a", "function": "naus_scan_p", "input": {"L": 208, "mu": 0.6, "n": 6}, "tol": 1e-5}
    wrong = [
        case | {"expect": 0.0391},
        case | {"expect": 0.03902},
        case | {"function": "crystal_ball", "expect": 1},
        {"id": "b", "function": "ears", "input": "no.csv", "params": {"method": "C1"}, "expect": "no.csv", "tol": 0},
    ]
    (tmp_path / "index.json").write_text(json.dumps(wrong))
    assert [r.ok for r in acceptance.run(tmp_path / "index.json")] == [False, True, False, False]
    assert not compare([1.0, 2.0], [1.0], {"": 1e-9})
    assert not compare({"a": 1.0}, {"a": math.nan}, {"": 1e-9})
    assert not compare({"a": 1.0}, {"a": 1.0, "b": 2.0}, {"": 1e-9})
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(ValueError, match="not a list of cases"):
        acceptance.run(tmp_path / "index.json")


@given(k=st.integers(0, 5000), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_an_interval_holds_its_count_and_grows_with_it(k: int, level: float) -> None:
    low, high = counts.garwood(k, level)
    assert low <= k <= high
    assert counts.garwood(k + 1, level).low > low


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.02, 50), st.floats(0.02, 50))
def test_two_counts_bear_what_scipy_says(k1: int, k2: int, n1: float, n2: float) -> None:
    """Listed at once here, searched for there."""
    if k1 + k2 == 0:
        return
    theirs = binomtest(k1, k1 + k2, n1 / (n1 + n2))
    assert counts.exact_p(k1, n1, k2, n2) == pytest.approx(float(theirs.pvalue), rel=1e-9, abs=1e-200)
    share = theirs.proportion_ci(0.95, method="exact")
    low, high = counts.ratio_interval(k1, n1, k2, n2)
    assert low == pytest.approx(n2 / n1 * share.low / (1 - share.low) if share.low < 1 else math.inf, rel=1e-7)
    assert high == (math.inf if share.high >= 1 else pytest.approx(n2 / n1 * share.high / (1 - share.high), rel=1e-7))


@pytest.mark.parametrize(
    ("k1", "k2", "n1", "n2"),
    [(12_600, 320_000, 1, 26), (12_100, 320_000, 1, 26), (3, 90_000, 1, 26), (9, 1_000_000, 1e-6, 1),
     (40_000, 41_000, 1, 1)],
)  # fmt: skip
def test_so_do_large_counts(k1: int, k2: int, n1: float, n2: float) -> None:
    theirs = float(binomtest(k1, k1 + k2, n1 / (n1 + n2)).pvalue)
    assert counts.exact_p(k1, n1, k2, n2) == pytest.approx(theirs, rel=1e-7, abs=1e-200)


@settings(max_examples=40, deadline=None)  # the first of them imports statsmodels
@given(k1=st.integers(0, 200), k2=st.integers(0, 200), n1=st.sampled_from([1, 2, 7]), n2=st.sampled_from([1, 3]))
def test_two_counts_do_not_know_which_is_first(k1: int, k2: int, n1: int, n2: int) -> None:
    for test in (counts.e_test, counts.exact_p):
        p = test(k1, n1, k2, n2)
        assert 0 <= p <= 1
        assert p == pytest.approx(test(k2, n2, k1, n1), abs=1e-9)
    low, high = counts.ratio_interval(k1, n1, k2, n2)
    assert low <= high


def test_the_weekly_band_of_a_known_mean() -> None:
    assert counts.weekly_band(16) == pytest.approx((6.25, 30.25))
    assert counts.weekly_band(1).low == 0


def test_two_large_counts_are_tested_at_once() -> None:
    assert counts.e_test(40_000, 1, 40_100, 1) > 0.5
    assert counts.e_test(40_000, 1, 42_000, 1) < 1e-6


@settings(max_examples=60)
@given(weeks=WEEKS)
def test_limits_are_silent_without_history_and_never_look_ahead(weeks: list[int]) -> None:
    """A later week changes nothing before it, so an alarm is what it was on its day."""
    ways: list[tuple[Callable[[list[int]], npt.NDArray[np.float64]], int]] = [
        (partial(ears.limits, lag=2), 9),
        (bayes.limits, 159),
    ]
    for limits, needed in ways:
        found = limits(weeks)
        assert np.isnan(found[:needed]).all()
        assert not np.isnan(found[needed:]).any()
        assert np.array_equal(limits([*weeks, 99])[:-1], found, equal_nan=True)


def test_nothing_but_zeros_raises_no_alarm() -> None:
    zeros = [0] * 260
    assert np.nanmax(ears.limits(zeros, lag=2)) == pytest.approx(1.545, abs=1e-3)
    assert np.nanmin(bayes.limits(zeros)) >= 0
    found = farrington.verdict(zeros, _mondays(260), 259)
    assert found is not None
    assert not found.alarm
    assert found.expected < 0.01
    assert not any(step.alarm for step in cusum.run(zeros, 0.5))
    assert trend.trend(zeros, _mondays(260)) is None


def test_one_event_and_short_history_say_nothing() -> None:
    assert farrington.verdict([1], _mondays(1), 0) is None
    assert farrington.verdict([0] * 210, _mondays(210), 209) is None
    assert trend.trend([3, 4], _mondays(2)) is None
    assert hotspots.shrunken({}, lambda _: []) == {}
    assert repeats.repeats([[0, 0]], [0], Bands([0, 200, math.inf], [0, 7, math.inf])).observed.sum() == 0
    assert len(density.groups([], 100, 3)) == 0
    assert clusters.scan([[59.0, 18.0]], [[1]], Scan(replicates=9)) == []
    assert clusters.scan([[59.0, 18.0]], [[0, 4, 6]], Scan(replicates=9)) == [], "all in one place is no gathering"


def test_a_rise_is_found_and_a_year_of_53_weeks_keeps_the_season() -> None:
    dice = np.random.default_rng(7)
    dates = _mondays(320)
    season = np.array([5 + 4 * math.sin(2 * math.pi * d.timetuple().tm_yday / 365.25) for d in dates])
    weeks = dice.poisson(season)
    at = 315
    quiet = farrington.verdict(weeks, dates, at)
    weeks[at] = 3 * season[at] + 6
    loud = farrington.verdict(weeks, dates, at)
    assert quiet is not None
    assert loud is not None
    assert quiet.expected == pytest.approx(season[at], rel=0.4)
    assert loud.alarm
    assert loud.p < 0.001 < quiet.p
    base = baseline(dates, at, years=4, half=0, seasons=1, past=26)
    assert base is not None
    assert [at - i for i in base.weeks.tolist()] == [209, 157, 104, 52]


def test_twice_the_reporters_are_no_rise_when_they_are_the_exposure() -> None:
    dice = np.random.default_rng(11)
    reporters = np.array([20] * 280 + [40] * 20)
    weeks = dice.poisson(0.5 * reporters)
    blind = [farrington.verdict(weeks, _mondays(300), t) for t in range(285, 300)]
    seeing = [farrington.verdict(weeks, _mondays(300), t, exposure=reporters) for t in range(285, 300)]
    assert sum(v.alarm for v in blind if v) >= 5
    assert sum(v.alarm for v in seeing if v) <= 1


@given(p=st.lists(st.floats(0, 1), max_size=30))
def test_adjusted_p_is_never_smaller_and_keeps_the_order(p: list[float]) -> None:
    q = multiplicity.adjusted(p)
    assert all(b >= a - 1e-12 for a, b in zip(p, q, strict=True))
    order = np.argsort(p, kind="stable")
    assert all(np.diff(q[order]) >= -1e-12)
    assert all(multiplicity.adjusted(p, "by") >= q - 1e-12)


@given(
    areas=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5000)), min_size=2, max_size=40),
)
def test_a_shrunken_rate_lies_between_its_own_and_the_mean(areas: list[tuple[int, int]]) -> None:
    o, n = (np.array(column, float) for column in zip(*areas, strict=True))
    mean = o.sum() / n.sum()
    for rate, own in zip(rates.shrunken(o, n), o / n, strict=True):
        assert min(own, mean) - 1e-12 <= rate <= max(own, mean) + 1e-12
    for low, high in rates.rank_intervals(o, n, draws=50):
        assert 1 <= low <= high <= len(areas)


def test_a_measure_says_what_it_could_have_seen() -> None:
    found = effect.displacement_difference(Pair(10, 6), Pair(10, 10))
    assert found.interval.low < 0 < found.interval.high
    wide = effect.displacement_difference(Pair(10, 6), Pair(10, 10), dispersion=4)
    assert wide.error == pytest.approx(2 * found.error)
    assert effect.minimum_detectable(50) == pytest.approx(0.79 * 50, rel=0.01)
    assert math.isnan(effect.displacement_difference(Pair(0, 0), Pair(0, 0)).z)


def test_the_best_map_has_the_best_hit_rate() -> None:
    seen = {f"c{i}": float(max(0, 10 - i)) for i in range(100)}
    assert hotspots.hit_rate(seen, seen, 0.05) == pytest.approx((10 + 9 + 8 + 7 + 6) / 55 / 0.05)
    assert hotspots.hit_rate(seen, dict.fromkeys(seen, 1.0), 0.05) == 0, "a map of ties is not flattered"
    assert hotspots.hit_rate({}, seen, 0.05) == 0
    assert np.isnan(hotspots.gi_star([3, 3, 3], [[1], [0, 2], [1]])).all()


def test_a_planted_cluster_is_found_where_and_when_it_is() -> None:
    dice = np.random.default_rng(5)
    places = [[59.30 + 0.01 * i, 18.0 + 0.01 * j] for i in range(8) for j in range(8)]
    grid = dice.poisson(0.15, (64, 60))
    grid[[9, 10], -5:] += dice.poisson(1.2, (2, 5))
    found = clusters.scan(places, grid, Scan(max_days=10, max_radius_km=3, replicates=199))
    assert {9, 10} <= set(found[0].locations)
    assert found[0].p <= 0.01
    assert found[0].last_day == 59
    quiet = clusters.scan(places, dice.poisson(0.15, (64, 60)), Scan(max_days=10, max_radius_km=3, replicates=199))
    assert quiet[0].p > 0.01


def test_late_reports_complete_the_last_days() -> None:
    """Half come at once, the rest a day later: yesterday is whole, today is doubled."""
    triangle = [[10, 10, 0]] * 20 + [[10, 10, 0], [10, 0, 0]]
    assert delays.arrived_share(triangle).tolist() == pytest.approx([0.5, 1, 1])
    assert delays.completed(triangle)[-2:].tolist() == pytest.approx([20, 20])
    assert np.isnan(delays.completed([[0, 5], [0, 5], [0, 0]])[-1])


def test_shares_at_their_ends_have_intervals() -> None:
    assert surveys.share_interval(0, 20) == pytest.approx((0, 0.161125), abs=1e-6)
    assert surveys.Estimate(1.0, 0.0, 10).share_interval() == (1.0, 1.0)


def test_missing_numbers_are_no_alarm() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(ears.limits([*range(20), math.nan, 3, 4, 5], lag=2)[-1])
        assert np.isnan(ears.limits([math.nan] * 12)[-1])
        assert not np.isnan(ears.limits([math.nan, *range(20)])[-1]), "one of long ago is out of the window"


def test_a_week_of_which_nothing_is_known_is_left_out() -> None:
    dice = np.random.default_rng(3)
    weeks, dates = dice.poisson(6, 320).astype(float), _mondays(320)
    gap = weeks.copy()
    gap[[40, 150, 200, 263]] = math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, without = (trend.trend(y, dates) for y in (weeks, gap))
        quiet, seen = (farrington.verdict(y, dates, 315) for y in (weeks, gap))
        assert farrington.verdict(np.where(np.arange(320) == 315, math.nan, weeks), dates, 315) is None
        assert farrington.verdict(np.where(np.arange(320) < 200, math.nan, weeks), dates, 315) is None
        yearly = [np.abs(np.arange(320) - (315 - 52 * n)) <= 4 for n in range(1, 6)]
        season = np.where(np.any(yearly, axis=0), math.nan, weeks)
        assert farrington.verdict(season, dates, 315) is None, "nothing is known of this time of the year"
        assert farrington.verdict(weeks, dates, 315, exposure=np.where(gap > 0, 3.0, math.nan)) is not None
        assert trend.trend([math.nan] * 320, dates) is None
    assert whole is not None
    assert without is not None
    assert without.percent == pytest.approx(whole.percent, abs=without.error * 100)
    assert quiet is not None
    assert seen is not None
    assert seen.expected == pytest.approx(quiet.expected, rel=0.1)
    steps = cusum.run([9, 7, math.nan, 9], 6.0)
    assert steps[2].sum == steps[1].sum
    assert not steps[2].alarm
    assert steps[3] == cusum.run([9, 7, 9], 6.0)[2]


def test_a_cell_of_which_nothing_is_known_is_in_nobodys_neighbourhood() -> None:
    line = [[1], [0, 2], [1, 3], [2, 4], [3]]
    found = hotspots.gi_star([1, 2, 9, math.nan, 4], line)
    assert np.isnan(found[3])
    known = hotspots.gi_star([1, 2, 9, 4], [[1], [0, 2], [1], []])
    assert found[[0, 1, 2, 4]].tolist() == pytest.approx(known.tolist())
    assert hotspots.gi_star([], []).tolist() == []
    assert np.isnan(hotspots.gi_star([math.nan, math.nan], [[1], [0]])).all()


def test_a_single_event_is_no_trend_and_nothing_at_all_is_no_crash() -> None:
    assert trend.trend([0] * 299 + [1], _mondays(300)) is None, "any steepness fits one event"
    assert trend.trend([0] * 295 + [1] * 5, _mondays(300)) is None
    assert trend.trend([], []) is None
    assert rates.shrunken([], []).tolist() == []
    assert density.gauss([], [[0, 0]], 10).tolist() == density.quartic([], [[0, 0]], 10).tolist() == [0]
    assert surveys.share_interval(0, 0) == surveys.exact_share_interval(0, 0) == (0, 1)
    assert surveys.effective_answers([]) == 0
    nowhere = repeats.repeats(
        [[0.0, 0.0], [1.0, 1.0], [math.nan, 2.0]], [0, 1, 2], Bands([0, 200, math.inf], [0, 7, math.inf])
    )
    assert nowhere.observed.tolist() == [[1, 0], [0, 0]]


def test_what_cannot_be_is_refused_with_a_reason() -> None:
    for wrong, why in (
        (lambda: farrington.verdict([1.0] * 320, _mondays(320), 315, exposure=[0.0] * 320), "exposure"),
        (lambda: cusum.run([0, 1], 0.0), "mean"),
        (lambda: rates.shrunken([0, 1], [0, 10]), "populations"),
        (lambda: multiplicity.adjusted([0.1, math.nan]), "between 0 and 1"),
        (lambda: clusters.scan([[59.0, 18.0], [59.1, 18.0]], [[1.0, math.nan], [2.0, 3.0]], Scan(replicates=9)), "NaN"),
    ):
        with pytest.raises(ValueError, match=why):
            wrong()


@given(st.integers(0, 2**32 - 1))
def test_the_strongest_circle_of_a_replicate_is_the_one_that_the_formula_gives(seed: int) -> None:
    dice = np.random.default_rng(seed)
    total = int(dice.integers(2, 60))
    expected = dice.choice([0.0, 0.25, 1.0, total / 2, float(total)], (7, 5)) + dice.choice([0.0, 0.5], (7, 5))
    counted = np.minimum(dice.integers(0, 2 * total, (7, 5)), total)
    counted[expected == 0] = 0
    usual = np.minimum(expected, total)
    wanted = clusters._ratios(counted, usual, total, 2).max()
    assert clusters._Strongest(usual, total, 2)(counted.astype(np.float32)) == pytest.approx(wanted, abs=1e-10)
