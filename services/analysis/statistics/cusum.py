"""CUSUM of counts: a slow rise that no single week shows (statistics reference §4.7; Rossi et al. 1999)."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

Scale = Literal["standard", "rossi", "anscombe", "second"]


class Step(NamedTuple):
    """After one week: the sum, the count at which it would have alarmed, and whether it did."""

    sum: float
    threshold: float
    alarm: bool


def score(count: float, mean: float, scale: Scale) -> float:
    """How far a count lies above its mean, in standard deviations on the chosen scale."""
    root = math.sqrt(mean)
    if scale == "standard":
        return (count - mean) / root
    if scale == "rossi":
        return (count - 3 * mean + 2 * math.sqrt(mean * count)) / (2 * root)
    centre = mean ** (2 / 3) - (mean ** (-1 / 3) / 9 if scale == "second" else 0)
    return float(1.5 * (count ** (2 / 3) - centre) / mean ** (1 / 6))


def count_at(value: float, mean: float, scale: Scale) -> float:
    """The count whose score is ``value``: the inverse of ``score``; 0 where every count scores more."""
    root = math.sqrt(mean)
    if scale == "standard":
        return max(0.0, mean + value * root)
    if scale == "rossi":
        return float(max(0.0, math.sqrt(max(0.0, 4 * mean + 2 * value * root)) - root) ** 2)
    centre = mean ** (2 / 3) - (mean ** (-1 / 3) / 9 if scale == "second" else 0)
    return float(max(0.0, centre + value * mean ** (1 / 6) / 1.5) ** 1.5)


def run(
    weeks: Sequence[float], mean: float, *, k: float = 1.04, h: float = 2.26, scale: Scale = "rossi", reset: bool = True
) -> list[Step]:
    """S = max(0, S + x − k), an alarm at S ≥ h. ``reset`` starts from 0 after one, else one spike alarms for weeks.

    ``mean`` must be above 0. A week of which nothing is known (NaN) leaves S as it is.
    """
    if not mean > 0:
        raise ValueError("the mean must be above 0")
    found: list[Step] = []
    total = 0.0
    for count in weeks:
        threshold = count_at(h + k - total, mean, scale)
        known = not math.isnan(count)
        total = max(0.0, total + score(count, mean, scale) - k) if known else total
        found.append(Step(total, threshold, known and total >= h))
        if reset and found[-1].alarm:
            total = 0.0
    return found
