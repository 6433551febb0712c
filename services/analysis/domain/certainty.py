"""What two counts bear: intervals and a word, never a bare difference."""

from typing import Literal, NamedTuple

Word = Literal["sure", "unsure", "thin"]
FEWEST = 5
"""Below this many reports in both periods together nothing is said about change (house rule; look guide §4)."""


class Interval(NamedTuple):
    """Limits of an expected count."""

    low: float
    high: float


def garwood(count: int, level: float = 0.95) -> Interval:
    """Exact interval of a Poisson mean (Garwood 1936): gamma quantiles of ``count`` and ``count + 1``.

    garwood(0) = (0, 3.689), garwood(5) = (1.623, 11.668).
    """
    from scipy.special import gammaincinv  # half a second, which no process should pay at its start

    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(gammaincinv(count, tail))
    return Interval(low, float(gammaincinv(count + 1, 1 - tail)))


def two_counts_p(now: int, before: int) -> float:
    """Two-sided p of equal rates in two equally long periods: conditional exact binomial test (Przyborowski–Wilenski).

    Given the sum, the first count is binomial(now + before, 1/2).
    """
    from scipy.special import bdtr  # late for the same reason

    total = now + before
    return 1.0 if total == 0 else min(1.0, 2 * float(bdtr(min(now, before), total, 0.5)))


def word(now: int, before: int, alpha: float = 0.05) -> Word:
    """sure: larger than chance reasonably gives; unsure: may be chance; thin: too few to say anything."""
    if now + before < FEWEST:
        return "thin"
    return "sure" if two_counts_p(now, before) < alpha else "unsure"
