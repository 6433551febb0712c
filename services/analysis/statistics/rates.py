"""Stable rates of small areas, and how sure a rank is (statistics reference §4.4)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.analysis.statistics.counts import Interval

Floats = npt.NDArray[np.float64]


class Prior(NamedTuple):
    """What the areas have in common: the mean rate and how much true rates vary around it."""

    mean: float
    variance: float


def prior(counts: npt.ArrayLike, populations: npt.ArrayLike) -> Prior:
    """Marshall's (1991) global estimate by moments: m = ΣO/ΣN, A = max(0, s² − m/N̄). Populations must be above 0.

    No areas have nothing in common: 0 and 0.
    """
    o, n = np.asarray(counts, float), np.asarray(populations, float)
    if (n <= 0).any():
        raise ValueError("populations must be above 0")
    if not len(n):
        return Prior(0.0, 0.0)
    mean = o.sum() / n.sum()
    spread = float((n * (o / n - mean) ** 2).sum() / n.sum())
    return Prior(float(mean), max(0.0, spread - float(mean) / float(n.mean())))


def shrunken(counts: npt.ArrayLike, populations: npt.ArrayLike) -> Floats:
    """Empirical Bayes rates: small areas are drawn to the mean, large ones keep their own."""
    o, n = np.asarray(counts, float), np.asarray(populations, float)
    mean, variance = prior(o, n)
    if variance == 0:
        return np.full(len(o), mean)
    return np.asarray(mean + variance / (variance + mean / n) * (o / n - mean))


def rank_intervals(
    counts: npt.ArrayLike, populations: npt.ArrayLike, *, draws: int = 2_000, seed: int = 1, level: float = 0.90
) -> list[Interval]:
    """Between which ranks (1 = highest rate) each area lies; a rank is never shown without it.

    Ranks of draws from the posterior Gamma(m²/A + O, rate m/A + N); every rank when the rates do not differ (A = 0).
    """
    o, n = np.asarray(counts, float), np.asarray(populations, float)
    mean, variance = prior(o, n)
    if variance == 0 or mean == 0:
        return [Interval(1.0, float(len(o)))] * len(o)
    rates = np.random.default_rng(seed).gamma(mean**2 / variance + o, 1 / (mean / variance + n), size=(draws, len(o)))
    ranks = (-rates).argsort(axis=1).argsort(axis=1) + 1
    tail = (1 - level) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0)
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
