"""Findings of a period: what was more or less than usual, how sure that is, and what could be wrong with it.

Every place and kind is held against its own periods before (26 of them, fewer where there are not so many): the ratio
with its exact interval, both widened by how much the periods vary beyond chance; beside the number of active reporters
where most came from them. *Sure* is what stands on both sides with q < 0.05 over all that was tested.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from services.analysis.domain.certainty import Word, judged
from services.analysis.domain.exposure import beside, forgotten
from services.analysis.domain.preliminary import waited_for
from services.analysis.domain.series import SeriesKey, keys_of, own
from services.analysis.statistics import counts, multiplicity
from services.analysis.statistics.counts import Interval
from services.analysis.views import MILLION

PERIODS = 26
ENOUGH_PERIODS = 6
MOST = 8
_UNSURE_SHOWN = 3


class PeriodRow(NamedTuple):
    """Reports of one period (0 is the oldest), area and type in millionths; how many came from reporters."""

    at: int
    area: str
    event_type: str
    reports: int
    by_reporters: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One place and kind over the periods, the oldest first, the one that is shown last.

    ``active`` = active reporters per period from ``since`` on, None where most reports come from elsewhere, or those of
    some period are forgotten. Periods before ``since`` are shown, and nothing is held against them.
    """

    key: SeriesKey
    periods: tuple[int, ...]
    active: tuple[float, ...] | None
    since: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a period bears. Ratios are times the expected; ``adjusted`` per active reporter, None where not known."""

    key: SeriesKey
    observed: int
    expected: float
    interval: Interval
    ratio: Interval
    adjusted: float | None
    adjusted_ratio: Interval | None
    periods: int
    dispersion: float
    p: float
    q: float = 1.0
    word: Word = "thin"

    @property
    def direction(self) -> Literal["up", "down"]:
        """Above or below the expected."""
        return "up" if self.observed >= self.expected else "down"

    @property
    def times(self) -> float:
        """Observed beside expected; the observed itself where nothing was expected."""
        return self.observed / self.expected if self.expected else float(self.observed)


def judge(measured: Iterable[Measured], missing: float = 0.0) -> list[Finding]:
    """Every series with at least six periods before it, q and word over all of them.

    ``missing``: the share of the last period's reports that are still to come; no decrease is told out of them.
    """
    found = [_measure(one, missing) for one in measured if len(one.periods) - one.since > ENOUGH_PERIODS]
    q = multiplicity.adjusted([f.p for f in found])
    return [
        replace(f, q=float(v), word=judged(f.observed + f.expected, float(v))) for f, v in zip(found, q, strict=True)
    ]


def _measure(one: Measured, missing: float) -> Finding:
    before, now = one.periods[one.since : -1], one.periods[-1]
    spread = dispersion(before)
    p, ratio = _compared(now, 1, sum(before), len(before), spread)
    expected = sum(before) / len(before)
    adjusted, adjusted_ratio = None, None
    if one.active is not None and any(before):
        eyes, eyes_before = one.active[-1], sum(one.active[:-1])
        adjusted = (now / eyes) / (sum(before) / eyes_before)
        p_beside, adjusted_ratio = _compared(now, eyes, sum(before), eyes_before, spread)
        same_side = (adjusted >= 1) == (now >= expected)
        p = max(p, p_beside if same_side else 1.0)
    p = max(
        p, waited_for(lambda share: _compared(now, share, sum(before), len(before), spread)[0], now, expected, missing)
    )
    seen = counts.widened(now, spread)
    return Finding(one.key, now, expected, seen, ratio, adjusted, adjusted_ratio, len(before), spread, p)


def judged_alone(one: Measured, missing: float = 0.0) -> Finding | None:
    """One series that somebody chose to look at, q = p; None with too few periods to say anything."""
    return next(iter(judge([one], missing)), None)


@dataclass(frozen=True, slots=True)
class BesideYear:
    """A period beside the same weeks a year before: reports then, what the difference bears, the ratio's interval."""

    then: int
    word: Word
    ratio: Interval


def beside_year(one: Measured, then: int, missing: float = 0.0) -> BesideYear:
    """The last period beside ``then``; both vary as the periods before did. Reporters then are not known as well."""
    now, spread = one.periods[-1], dispersion(one.periods[:-1])
    p, ratio = _compared(now, 1, then, 1, spread)
    late = waited_for(lambda share: _compared(now, share, then, 1, spread)[0], now, then, missing)
    return BesideYear(then, judged(now + then, max(p, late)), ratio)


def usual(before: Sequence[int]) -> tuple[int, int] | None:
    """Between what a period's count lies 19 times of 20, by the periods before; None where they are too few.

    Negative binomial with their mean and dispersion, Poisson where they vary no more than chance.
    """
    from scipy.stats import nbinom, poisson

    if len(before) < ENOUGH_PERIODS or not any(before):
        return None
    mean, spread = float(np.mean(before)), dispersion(before)
    usually = poisson(mean) if spread == 1 else nbinom(mean / (spread - 1), 1 / spread)
    return int(usually.ppf(0.025)), int(usually.ppf(0.975))


def dispersion(before: Sequence[int]) -> float:
    """Variance beside mean of the periods before, at least 1; 1 where nothing happened in them."""
    if len(before) < 2 or not any(before):
        return 1.0
    return max(1.0, float(np.var(before, ddof=1)) / float(np.mean(before)))


def _compared(now: int, exposure: float, before: int, exposure_before: float, spread: float) -> tuple[float, Interval]:
    """p and the interval of the ratio; counts are taken as so many fewer as they vary beyond chance."""
    a, b = round(now / spread), round(before / spread)
    return counts.exact_p(a, exposure, b, exposure_before), counts.ratio_interval(a, exposure, b, exposure_before)


def shown(findings: Sequence[Finding]) -> list[Finding]:
    """What belongs on the first page: all that is sure, then the widest of the unsure; none says what another says.

    Of two that may hold the same reports the surer is shown, of equally sure ones the more exact place and kind.
    """
    wanted = [f for f in findings if f.word != "thin" and not (f.key.area == "" and f.key.kind == "")]
    wanted.sort(key=lambda f: (f.word != "sure", f.p, -len(f.key.area), -len(f.key.kind)))
    kept: list[Finding] = []
    for finding in wanted:
        if len(kept) == MOST or (finding.word == "unsure" and _unsure(kept) == _UNSURE_SHOWN):
            continue
        if finding.word == "unsure" and finding.p >= 1:
            continue  # there is nothing to it but reports that are still to come, or more who report
        if finding.word == "unsure" and max(finding.times, 1 / max(finding.times, 0.01)) < 1.5:
            continue
        if not any(finding.key.overlaps(other.key) and finding.direction == other.direction for other in kept):
            kept.append(finding)
    return kept


def _unsure(kept: Sequence[Finding]) -> int:
    return sum(f.word == "unsure" for f in kept)


def of_picture(kommun: str) -> Callable[[PeriodRow], Set[SeriesKey]]:
    """What a lägesbild tells of: areas, groups and types, but nothing that was seen in another municipality."""
    return lambda row: keys_of(row.area, row.event_type, types_in_areas=True) if own(row.area, kommun) else frozenset()


def measure(
    rows: Iterable[PeriodRow],
    active: Mapping[str, Sequence[int]],
    periods: int,
    keys: Callable[[PeriodRow], Set[SeriesKey]],
) -> list[Measured]:
    """The series over so many periods that ``keys`` says a row is in; empty ones are left out.

    ``active``: area (or the whole, "") → active reporters per period.
    """
    sums: dict[SeriesKey, list[int]] = {}
    mine: dict[SeriesKey, int] = {}
    told = [0] * periods
    for row in rows:
        for key in keys(row):
            sums.setdefault(key, [0] * periods)[row.at] += row.reports
            mine[key] = mine.get(key, 0) + row.by_reporters
        told[row.at] += row.by_reporters
    gone = any(forgotten(active[""], told)) if "" in active else False
    found = []
    for key in sorted(sums):
        seen = 2 * mine[key] >= sum(sums[key]) and not gone
        since, eyes = beside(active.get(key.area, [0] * periods), theirs=seen)
        found.append(Measured(key, tuple(round(n / MILLION) for n in sums[key]), eyes, since))
    return found
