"""What one count and two counts bear: exact intervals, tests, limits around a norm (statistics reference §4.1–4.2)."""

import math
from typing import NamedTuple

LARGE = 2_000
"""Above this the sum over all pairs of counts is replaced by its normal limit, the score test."""
_WIDE, _ALSO = 40, 60
"""Of many reports, outcomes further from the mean than so many standard deviations, and so many more, have no chance
worth a digit."""


class Interval(NamedTuple):
    """Limits of an estimate, in its unit; ``high`` may be infinite."""

    low: float
    high: float


class Limits(NamedTuple):
    """Rates between which an area of a size would lie by chance alone: exact (in steps) and smooth."""

    exact: Interval
    smooth: Interval


def garwood(count: int, level: float = 0.95) -> Interval:
    """Exact interval of a Poisson mean (Garwood 1936): gamma quantiles of ``count`` and ``count + 1``.

    garwood(0) = (0, 3.689), garwood(5) = (1.623, 11.668).
    """
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(gammaincinv(count, tail))
    return Interval(low, float(gammaincinv(count + 1, 1 - tail)))


def widened(count: int, dispersion: float, level: float = 0.95) -> Interval:
    """The interval of a mean whose counts vary ``dispersion`` times as much as chance alone (quasi-Poisson).

    Garwood's at so many fewer, scaled back; his own where the dispersion is 1.
    """
    from scipy.special import gammaincinv

    tail, fewer = (1 - level) / 2, count / dispersion
    low = 0.0 if count == 0 else float(gammaincinv(fewer, tail))
    return Interval(low * dispersion, float(gammaincinv(fewer + 1, 1 - tail)) * dispersion)


def funnel(rate: float, population: float, alpha: float = 0.05) -> Limits:
    """Limits of a rate around the norm ``rate`` (events per head) for an area of ``population`` heads.

    The smooth ones are those of Garwood at the expected count, which need not be whole.
    """
    from scipy.special import gammaincinv
    from scipy.stats import poisson

    expected = rate * population
    steps = Interval(*(float(poisson.ppf(p, expected)) / population for p in (alpha / 2, 1 - alpha / 2)))
    low = float(gammaincinv(expected, alpha / 2)) if expected > 0 else 0.0
    return Limits(steps, Interval(low / population, float(gammaincinv(expected + 1, 1 - alpha / 2)) / population))


def e_test(k1: int, n1: float, k2: int, n2: float) -> float:
    """Two-sided p of equal rates k1/n1 and k2/n2 (Krishnamoorthy & Thomson 2004, score variance).

    statsmodels has the variance that we mean; scipy's is Wald, which differs when exposures do.
    """
    if k1 + k2 == 0:
        return 1.0
    from statsmodels.stats.rates import test_poisson_2indep

    method = "etest" if k1 + k2 <= LARGE else "score"
    # It divides by the second count, and ties that rounding decides may fall otherwise the other way round.
    first, second = sorted([(k1, n1), (k2, n2)])
    return min(1.0, float(test_poisson_2indep(*first, *second, method=method).pvalue))


def exact_p(k1: int, n1: float, k2: int, n2: float) -> float:
    """The conditional exact p (Przyborowski & Wilenski 1940): given the sum, k1 is binomial; safe for tiny counts."""
    n, share = k1 + k2, n1 / (n1 + n2)
    if n == 0:
        return 1.0
    # What scipy's binomtest does, at once for all outcomes that count: a draft asks thousands of times, and its way
    # around costs a millisecond each. Outcomes no likelier than the seen one, with its tolerance for ties.
    import numpy as np
    from scipy.special import gammaln, xlog1py, xlogy

    mean = n * share
    reach = _WIDE * math.sqrt(mean * (1 - share)) + _ALSO if n > LARGE else n
    x = np.append(np.arange(max(0, math.floor(mean - reach)), min(n, math.ceil(mean + reach)) + 1), k1)
    log = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + xlogy(x, share) + xlog1py(n - x, -share)
    return min(1.0, float(np.exp(log[:-1][log[:-1] <= log[-1] + 1e-7]).sum()))


def ratio_interval(k1: int, n1: float, k2: int, n2: float, level: float = 0.95) -> Interval:
    """Interval of the rate ratio (k1/n1)/(k2/n2) by Clopper–Pearson; (0, inf) when both are zero."""
    if k1 + k2 == 0:
        return Interval(0.0, math.inf)
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    shares = (
        0.0 if k1 == 0 else float(betaincinv(k1, k2 + 1, tail)),
        1.0 if k2 == 0 else float(betaincinv(k1 + 1, k2, 1 - tail)),
    )
    low, high = (math.inf if s >= 1 else n2 / n1 * s / (1 - s) for s in shares)
    return Interval(low, high)


def weekly_band(mean: float, z: float = 3.0) -> Interval:
    """Where weekly counts lie around a *known* mean (square-root scale); 16 gives (6.25, 30.25)."""
    root = math.sqrt(mean)
    return Interval(max(0.0, root - z / 2) ** 2, (root + z / 2) ** 2)


def some_window_p(windows: int, mean: float, most: int) -> float:
    """Chance that *some* window among ``windows`` of mean ``mean`` holds at least ``most`` events (Naus 1982).

    The windows slide; the approximation holds for small results. some_window_p(208, 0.6, 6) = 0.03902.
    """
    from scipy.stats import poisson

    n = most

    def p(j: int) -> float:
        return float(poisson.pmf(j, mean))

    def f(j: int) -> float:
        return float(poisson.cdf(j, mean))

    q2 = f(n - 1) ** 2 - (n - 1) * p(n) * p(n - 2) - (n - 1 - mean) * p(n) * f(n - 3)
    a1 = 2 * p(n) * f(n - 1) * ((n - 1) * f(n - 2) - mean * f(n - 3))
    a2 = 0.5 * p(n) ** 2 * ((n - 1) * (n - 2) * f(n - 3) - 2 * (n - 2) * mean * f(n - 4) + mean**2 * f(n - 5))
    a3 = sum(p(2 * n - r) * f(r - 1) ** 2 for r in range(1, n))
    a4 = sum(p(2 * n - r) * p(r) * ((r - 1) * f(r - 2) - mean * f(r - 3)) for r in range(2, n))
    q3 = f(n - 1) ** 3 - a1 + a2 + a3 - a4
    return min(1.0, max(0.0, 1 - q2 * (q3 / q2) ** (windows - 2)))
