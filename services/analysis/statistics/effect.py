"""Did a measure help: the weighted displacement difference with its uncertainty (statistics reference §4.3).

Wheeler & Ratcliffe 2018. What it says is only as good as its control areas: chosen by the same measure, not at a peak,
with reporters as active before as after.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.analysis.statistics.counts import Interval


class Pair(NamedTuple):
    """Counts of one area before and after, and how large the area is beside the others."""

    before: int
    after: int
    weight: float = 1.0


class Effect(NamedTuple):
    """Events more (positive) or fewer than expected; ``z`` is NaN when every count is zero."""

    local: float
    local_error: float
    displaced: float
    displaced_error: float
    total: float
    error: float
    z: float
    interval: Interval


NOWHERE = Pair(0, 0)


def _difference(treated: Pair, control: Pair, time: tuple[float, float]) -> tuple[float, float]:
    """(T1 − T0) − (C1 − C0) of weighted counts, and its variance: the sum of the four cells' variances."""
    value, variance = 0.0, 0.0
    for pair, sign in ((treated, 1), (control, -1)):
        before, after = pair.weight * time[0], pair.weight * time[1]
        value += sign * (pair.after / after - pair.before / before)
        variance += pair.before / before**2 + pair.after / after**2
    return value, variance


def displacement_difference(
    treated: Pair,
    control: Pair,
    displaced: tuple[Pair, Pair] = (NOWHERE, NOWHERE),
    *,
    time: tuple[float, float] = (1.0, 1.0),
    dispersion: float = 1.0,
    level: float = 0.95,
) -> Effect:
    """The difference, standard errors widened by √dispersion, and the interval at ``level``.

    ``displaced`` = (area that may have received events, its control). ``time`` = lengths of the periods.
    """
    wide = math.sqrt(max(1.0, dispersion))
    local, local_variance = _difference(treated, control, time)
    moved, moved_variance = _difference(*displaced, time)
    error = wide * math.sqrt(local_variance + moved_variance)
    total = local + moved
    return Effect(
        local,
        wide * math.sqrt(local_variance),
        moved,
        wide * math.sqrt(moved_variance),
        total,
        error,
        total / error if error else math.nan,
        _around(total, error, level),
    )


def harm_difference(
    treated: Mapping[str, Pair], control: Mapping[str, Pair], weights: Mapping[str, float], level: float = 0.95
) -> tuple[float, float, Interval]:
    """(harm more or less, standard error, interval): types weighted by the municipality's own table of harm."""
    total, variance = 0.0, 0.0
    for kind, weight in weights.items():
        value, spread = _difference(treated[kind], control[kind], (1.0, 1.0))
        total += weight * value
        variance += weight**2 * spread
    error = math.sqrt(variance)
    return total, error, _around(total, error, level)


def _around(value: float, error: float, level: float) -> Interval:
    from scipy.special import ndtri

    reach = float(ndtri((1 + level) / 2)) * error
    return Interval(value - reach, value + reach)


def dispersion(observed: Sequence[float], expected: Sequence[float], parameters: int = 1) -> float:
    """φ = Σ(y − μ)²/μ/(n − p), at least 1, from counts before the measure; 1 when there are too few of them."""
    free = len(observed) - parameters
    if free <= 0:
        return 1.0
    return max(1.0, sum((y - m) ** 2 / m for y, m in zip(observed, expected, strict=True) if m > 0) / free)


def minimum_detectable(mean: float) -> float:
    """Events that must go for 80 % power when each of the four cells holds ``mean``: 2.8·√(4m). mean 50 → 39.6."""
    return 2.8 * math.sqrt(4 * mean)
