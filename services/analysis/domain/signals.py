"""Is the last week unusual: every series by the method its history bears, all tests of a run taken together.

The ladder (statistics reference §2.3): Farrington flexible from four years of history, Bayes from two, EARS C2 with a
floor below. From two years on the last four weeks together are tested beside the last one, by Bayes, each at half of
alpha: most series are so sparse that a lasting rise shows in no single week (§1.3). An alarm needs at least five
reports in four weeks, and must stand both as it is counted and beside the number of active reporters, where that is
known. Over all series of a run Benjamini–Hochberg decides which alarms are *cases*; the others are only *watched*.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analysis.domain.series import Series, SeriesKey
from services.analysis.statistics import bayes, ears, farrington, multiplicity

Method = Literal["farrington", "bayes", "c2", "none"]
State = Literal["case", "watch", "quiet"]
FEWEST_IN_FOUR_WEEKS = 5
_C2_LONG, _C2_SHORT, _C2_LAG = 28, 7, 2
_SPAN = 4
"""Weeks that are tested together."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """How signals are sought: kept with every case, so that it can be understood later."""

    alpha: float = 0.01
    discovery: float = 0.10
    farrington_weeks: int = 4 * 52 + 5
    bayes_weeks: int = 2 * 52 + 6
    c2_weeks: int = 10


class Side(NamedTuple):
    """One way of counting: expected, the limit that an alarm is above, and the chance of at least as many."""

    expected: float
    limit: float
    p: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What one series' last week, or its last four together (``weeks``), bears.

    ``adjusted`` is beside the reporters, None where those are not known.
    """

    key: SeriesKey
    method: Method
    history: int
    observed: int
    last_four: int
    plain: Side
    adjusted: Side | None
    q: float = 1.0
    state: State = "quiet"
    weeks: int = 1
    tests: int = 1

    @property
    def p(self) -> float:
        """The more careful of the two sides, times the number of tests that it is the best of (Bonferroni)."""
        one = self.plain.p if self.adjusted is None else max(self.plain.p, self.adjusted.p)
        return min(1.0, self.tests * one)

    @property
    def alarm(self) -> bool:
        """Both sides point up (reference §5.7), and there is enough to speak of."""
        both = self.plain.alarm and (self.adjusted is None or self.adjusted.alarm)
        return both and self.last_four >= FEWEST_IN_FOUR_WEEKS

    @property
    def exceedance(self) -> float:
        """How far above: 1 at the limit, by the more careful side. Ranks cases."""
        return min((self.observed - s.expected) / max(s.limit - s.expected, 0.5) for s in self.sides)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The one or two ways of counting."""
        return (self.plain,) if self.adjusted is None else (self.plain, self.adjusted)


def run(series: Sequence[Series], dates: Sequence[date], ladder: Ladder) -> list[Finding]:
    """Every series' last week, with q over the whole run; the most unusual first."""
    findings = [assess(one, dates, ladder) for one in series]
    # Those with too little to speak of were tested too: leaving them out would choose the tests by their outcome.
    p = [f.p if f.last_four >= FEWEST_IN_FOUR_WEEKS else 1.0 for f in findings]
    judged = [
        replace(f, q=float(q), state=_state(f, float(q), ladder))
        for f, q in zip(findings, multiplicity.adjusted(p), strict=True)
    ]
    return sorted(judged, key=lambda f: (f.state != "case", f.state != "watch", -f.exceedance))


def _state(finding: Finding, q: float, ladder: Ladder) -> State:
    if not finding.alarm:
        return "quiet"
    return "case" if q <= ladder.discovery else "watch"


def assess(series: Series, dates: Sequence[date], ladder: Ladder, spans: Sequence[int] = (1, 4)) -> Finding:
    """The last week of one series, or its last four, whichever is the more unusual; ``spans`` may name only one.

    Method none where there is no history to hold it against.
    """
    y = np.asarray(series.weeks, float)
    dates = dates[len(dates) - len(y) :]  # a series may begin later than the others
    history = len(y) - 1
    method = _method(history, ladder)
    quiet = Side(float(y[:-1].mean()) if history else 0.0, float("inf"), 1.0, alarm=False)
    if method == "none" or (series.last_four < FEWEST_IN_FOUR_WEEKS and len(spans) > 1):
        return Finding(series.key, method, history, series.weeks[-1], series.last_four, quiet, None)
    size = None if series.exposure is None else np.asarray(series.exposure, float)
    both = history >= ladder.bayes_weeks
    found = []
    for span in spans if both else (1,):
        way: Method = "bayes" if span == _SPAN else method
        alpha = ladder.alpha / 2 if both else ladder.alpha
        plain = _side(way, y, dates, None, (alpha, span))
        seen = size if size is not None and _known_lately(size, span) else None
        adjusted = None if seen is None else _side(way, y, dates, seen, (alpha, span))
        observed = int(y[-span:].sum())
        found.append(
            Finding(
                series.key,
                way,
                history,
                observed,
                series.last_four,
                plain,
                adjusted,
                weeks=span,
                tests=2 if both else 1,
            )
        )
    return min(found, key=lambda f: (not f.alarm, f.p))


def _method(history: int, ladder: Ladder) -> Method:
    if history >= ladder.farrington_weeks:
        return "farrington"
    if history >= ladder.bayes_weeks:
        return "bayes"
    return "c2" if history >= ladder.c2_weeks else "none"


def _side(
    method: Method,
    y: npt.NDArray[np.float64],
    dates: Sequence[date],
    size: npt.NDArray[np.float64] | None,
    asked: tuple[float, int],
) -> Side:
    alpha, span = asked
    if method == "farrington":
        setting = replace(farrington.PRODUCT, alpha=alpha)
        found = farrington.verdict(y, dates, len(y) - 1, exposure=size, setting=setting)
        if found is not None:
            return Side(found.expected, found.limit, found.p, found.observed > found.limit)
    if method in {"farrington", "bayes"}:
        return _bayes(y, size, alpha, span)
    return _c2(y, size, alpha)


def _known_lately(size: npt.NDArray[np.float64], span: int) -> bool:
    """Whether the reporters are known of the last weeks, and of those of a year before that they are held against."""
    return not np.isnan(size[-(bayes.YEAR + 4 + span) :]).any()


def _bayes(y: npt.NDArray[np.float64], size: npt.NDArray[np.float64] | None, alpha: float, span: int) -> Side:
    """b3w3, or b2w3 below three years, of the last ``span`` weeks together.

    With reporters, weeks weigh by how many of them there were beside now.
    """
    at = len(y) - 1
    years = min(3, (at - 3 - span + 1) // bayes.YEAR)
    of_each = (bayes.reference_weeks(at - back, years=years, half=3) for back in range(span))
    weeks = np.array(sorted({week for each in of_each for week in each}))
    if size is not None:
        weeks = weeks[~np.isnan(size[weeks])]
    now = y[at - span + 1 :].sum()
    weight = float(len(weeks) / span if size is None else size[weeks].sum() / size[at - span + 1 :].sum())
    total = y[weeks].sum()
    limit, p = float(bayes.limit(total, weight, alpha)), float(bayes.exceedance(now, total, weight))
    return Side(float(total / weight), limit, p, bool(now > limit))


def _c2(y: npt.NDArray[np.float64], size: npt.NDArray[np.float64] | None, alpha: float) -> Side:
    """C2 over 28 weeks where there are so many, else over seven at a tenth of alpha; counts scaled to the reporters."""
    at = len(y) - 1
    scaled = y if size is None else y * size[at] / size
    span = _C2_LONG if at >= _C2_LONG + _C2_LAG else _C2_SHORT
    strict = alpha if span == _C2_LONG else alpha / 10
    from scipy.special import ndtr, ndtri

    mean, spread = (float(v[at]) for v in ears.windows(scaled, baseline=span, lag=_C2_LAG))
    spread = max(spread, ears.LEAST_SPREAD)
    limit = mean + float(ndtri(1 - strict)) * spread
    return Side(mean, limit, float(ndtr(-(y[at] - mean) / spread)), bool(y[at] > limit))
