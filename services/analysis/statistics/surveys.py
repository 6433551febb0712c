"""Estimates of a survey with weights, strata or clusters (statistics reference §4.17)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.analysis.statistics.counts import Interval

Floats = npt.NDArray[np.float64]


class Answers(NamedTuple):
    """One row per answer. ``strata`` and ``clusters`` name groups, ``population`` is the size of each row's stratum.

    ``population`` counts what was drawn: people, or clusters where those were; None = drawn from so many that it makes
    no difference.
    """

    values: Floats
    weights: Floats
    strata: npt.NDArray[np.object_]
    clusters: npt.NDArray[np.object_] | None = None
    population: Floats | None = None


class Estimate(NamedTuple):
    """A mean or share, its standard error, and the degrees of freedom of its interval."""

    value: float
    error: float
    free: int

    def interval(self, level: float = 0.95) -> Interval:
        """Symmetric, by t."""
        reach = _t(self.free, level) * self.error
        return Interval(self.value - reach, self.value + reach)

    def share_interval(self, level: float = 0.95) -> Interval:
        """Of a share, on the logit scale: never below 0 or above 1. The point itself at 0 and 1."""
        p = self.value
        if not 0 < p < 1:
            return Interval(p, p)
        centre, reach = np.log(p / (1 - p)), _t(self.free, level) * self.error / (p * (1 - p))
        low, high = (float(1 / (1 + np.exp(-(centre + side * reach)))) for side in (-1, 1))
        return Interval(low, high)


def _t(free: int, level: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(free, (1 + level) / 2) if free > 0 else ndtri((1 + level) / 2))


def mean(answers: Answers) -> Estimate:
    """Σwy/Σw with the variance of its linearised terms, summed per cluster where clusters were drawn."""
    value = float((answers.weights * answers.values).sum() / answers.weights.sum())
    terms = answers.weights * (answers.values - value) / answers.weights.sum()
    return _estimate(value, terms, answers)


def post_stratified(answers: Answers, classes: npt.ArrayLike, totals: dict[str, float]) -> Estimate:
    """The mean with weights moved so that every class sums to its known total; residuals from the class' mean."""
    of = np.asarray(classes, object)
    weights, residuals = answers.weights.copy(), np.zeros(len(of))
    for name, total in totals.items():
        here = of == name
        weights[here] *= total / answers.weights[here].sum()
        residuals[here] = answers.values[here] - np.average(answers.values[here], weights=weights[here])
    value = float((weights * answers.values).sum() / weights.sum())
    return _estimate(value, weights * residuals / weights.sum(), answers)


def _estimate(value: float, terms: Floats, answers: Answers) -> Estimate:
    variance, drawn, strata = 0.0, 0, 0
    for name in dict.fromkeys(answers.strata.tolist()):
        here = answers.strata == name
        sums = terms[here]
        if answers.clusters is not None:
            _, which = np.unique(answers.clusters[here].astype(str), return_inverse=True)
            sums = np.bincount(which, weights=sums)
        n = len(sums)
        rest = 1.0 if answers.population is None else 1 - n / float(answers.population[here][0])
        if n > 1:
            variance += rest * n / (n - 1) * float(((sums - sums.mean()) ** 2).sum())
        drawn, strata = drawn + n, strata + 1
    return Estimate(value, float(np.sqrt(max(0.0, variance))), drawn - strata)


def design_effect(answers: Answers, estimate: Estimate) -> float:
    """The variance beside that of a simple random sample of as many answers: Var/((1 − n/N)·s²/n), N = Σw."""
    w, y = answers.weights, answers.values
    n, total = len(y), w.sum()
    spread = n / (n - 1) * float((w * (y - estimate.value) ** 2).sum() / total)
    return float(estimate.error**2 / ((1 - n / total) * spread / n))


def effective_answers(weights: npt.ArrayLike) -> float:
    """Kish's number: (Σw)²/Σw², 0 of nothing. Below 50 in an area, pool areas or years."""
    w = np.asarray(weights, float)
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def share_interval(count: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's interval of an unweighted share; 0 of 20 gives (0, 0.161), and no answers leave it anywhere."""
    if not n:
        return Interval(0.0, 1.0)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    return Interval(max(0.0, float(low)), min(1.0, float(high)))


def exact_share_interval(count: int, n: int, level: float = 0.95) -> Interval:
    """Clopper–Pearson's interval: never too narrow, for very few answers or none."""
    if not n:
        return Interval(0.0, 1.0)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=1 - level, method="beta")
    return Interval(float(low), float(high))
