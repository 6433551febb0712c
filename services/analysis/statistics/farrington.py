"""Farrington flexible: is this week above what a model of four years foretells (statistics reference §4.8).

Farrington et al. 1996, Noufaily et al. 2013. A quasi-Poisson model with trend, seasons and, where it is known, the
number of active reporters as exposure; weeks that were unusual themselves weigh less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analysis.statistics.baseline import Baseline, baseline

Floats = npt.NDArray[np.float64]
ENOUGH_EVENTS, ENOUGH_WEEKS = 5, 4


@dataclass(frozen=True, slots=True)
class Setting:
    """How the method is run. The defaults are the product's (reference §4.8)."""

    years: int = 4
    half: int = 3
    seasons: int = 10
    past: int = 26
    alpha: float = 0.01
    trend: bool = True
    trend_below: float = 1.0
    reweight: bool = True
    unusual: float = 2.58
    threshold: Literal["plugin", "delta"] = "plugin"
    frequency: int = 52
    by_date: bool = True


PRODUCT = Setting()


class Verdict(NamedTuple):
    """One week: the expected count, the limit (an alarm is above it), and the chance of at least what was seen.

    ``enough``: at least five events in four weeks; otherwise nothing is said, whatever the limit.
    """

    observed: float
    expected: float
    limit: float
    p: float
    dispersion: float
    trend: float | None
    enough: bool

    @property
    def alarm(self) -> bool:
        """Above the limit, with enough to speak of."""
        return self.enough and self.observed > self.limit


class _Fit(NamedTuple):
    coefficients: Floats
    mean: Floats
    dispersion: float
    leverage: Floats
    covariance: Floats


def verdict(
    weeks: npt.ArrayLike,
    dates: Sequence[date],
    at: int,
    *,
    exposure: npt.ArrayLike | None = None,
    setting: Setting = PRODUCT,
) -> Verdict | None:
    """What week ``at`` (from 0) bears; None when history is too short. ``exposure`` must be above 0 in every week.

    A week of which nothing is known (NaN, as a count or as its exposure) is not in the baseline; None when it is the
    one that is asked of, when more than half of the baseline is such, or all of the same season.
    """
    y = np.asarray(weeks, float)
    size = np.ones(len(y)) if exposure is None else np.asarray(exposure, float)
    if (size <= 0).any():
        raise ValueError("the exposure must be above 0 in every week")
    base = baseline(
        dates,
        at,
        years=setting.years,
        half=setting.half,
        seasons=setting.seasons,
        past=setting.past,
        frequency=setting.frequency,
        by_date=setting.by_date,
    )
    known = ~np.isnan(y + size)
    if base is None or not known[at] or 2 * known[base.weeks].sum() < len(base.weeks):
        return None
    base = base.of(known[base.weeks])
    if not (base.seasons == setting.seasons).any():
        return None
    fit, row, trended = _fitted(y, base, np.log(size), float(np.log(size[at])), setting)
    expected = float(np.exp(row @ fit.coefficients + np.log(size[at])))
    spread = max(1.0, fit.dispersion)
    if setting.threshold == "delta":
        limit, p = _delta(float(y[at]), expected, fit, row, setting.alpha)
    else:
        limit, p = _plugin(float(y[at]), expected, spread, setting.alpha)
    enough = float(np.nansum(y[max(0, at - ENOUGH_WEEKS + 1) : at + 1])) >= ENOUGH_EVENTS
    slope = float(fit.coefficients[1]) if trended else None
    return Verdict(float(y[at]), expected, limit, p, spread, slope, enough)


def _fitted(
    y: Floats, base: Baseline, offset: Floats, offset_now: float, setting: Setting
) -> tuple[_Fit, Floats, bool]:
    """The model with its trend, or without where the trend is not to be trusted (step 5)."""
    seen, log_size = y[base.weeks], offset[base.weeks]
    if setting.trend and setting.years >= 3:
        fit, row = _reweighted(seen, base, log_size, setting, trend=True)
        foretold = float(np.exp(row @ fit.coefficients + offset_now))
        if _p_of_trend(fit, len(seen)) < setting.trend_below and foretold <= seen.max(initial=0):
            return fit, row, True
    fit, row = _reweighted(seen, base, log_size, setting, trend=False)
    return fit, row, False


def _p_of_trend(fit: _Fit, n: int) -> float:
    from scipy.special import stdtr

    error = np.sqrt(fit.covariance[1, 1] * fit.dispersion)
    if not error > 0:
        return 0.0
    return float(2 * stdtr(n - len(fit.coefficients), -abs(fit.coefficients[1]) / error))


def _reweighted(
    seen: Floats, base: Baseline, log_size: Floats, setting: Setting, *, trend: bool
) -> tuple[_Fit, Floats]:
    """Fit, weigh down what was unusual, fit again (steps 3–4); and the row of the week asked."""
    levels = sorted(set(base.seasons.tolist()))[1:]
    columns = [
        np.ones(len(seen)),
        *([base.times] if trend else []),
        *((base.seasons == s).astype(float) for s in levels),
    ]
    design = np.column_stack(columns)
    row = np.array([1.0, *([base.now] if trend else []), *(float(s == setting.seasons) for s in levels)])
    fit = _poisson(seen, design, log_size, np.ones(len(seen)))
    if setting.reweight:
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(max(1.0, fit.dispersion) * (1 - fit.leverage))
            unusual = 1.5 * (seen ** (2 / 3) * fit.mean ** (-1 / 6) - np.sqrt(fit.mean)) / spread
        weights = np.where(unusual > setting.unusual, 1 / np.maximum(unusual, setting.unusual) ** 2, 1.0)
        fit = _poisson(seen, design, log_size, weights * len(seen) / weights.sum())
    return fit, row


def _poisson(y: Floats, design: Floats, offset: Floats, weights: Floats) -> _Fit:
    """Quasi-Poisson by iteratively reweighted least squares, from μ = y + 0.1 until the deviance rests (1e-8).

    Not statsmodels': the published numbers hang on this stop, and this is what a weekly run does 34 800 times.
    Dispersion and leverage are those of the last step's working weights, as in the published ones.
    """
    mean = y + 0.1
    linear = np.log(mean)
    before = np.inf
    for _ in range(25):
        working = weights * mean
        root = np.sqrt(working)
        q, r = np.linalg.qr(design * root[:, None])
        diagonal = np.abs(np.diag(r))
        if diagonal.min() < 1e-7 * diagonal.max():  # a season without weeks of its own, or nothing seen in it at all
            r = r + np.eye(len(r)) * 1e-7 * diagonal.max()
        coefficients = np.linalg.solve(r, q.T @ (root * (linear - offset + (y - mean) / mean)))
        linear = np.clip(design @ coefficients + offset, -30, 30)
        mean = np.exp(linear)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviance = float(2 * (weights * (np.where(y > 0, y * np.log(y / mean), 0) - (y - mean))).sum())
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
            break
        before = deviance
    free = max(1, len(y) - design.shape[1])
    inverse = np.linalg.inv(r)
    dispersion = float((working * ((y - mean) / mean) ** 2).sum() / free)
    return _Fit(coefficients, mean, dispersion, (q**2).sum(axis=1), inverse @ inverse.T)


def _plugin(observed: float, expected: float, dispersion: float, alpha: float) -> tuple[float, float]:
    """Limit and p of a negative binomial with the fitted mean and dispersion; Poisson when they do not differ."""
    from scipy.stats import nbinom, poisson

    known = poisson(expected) if dispersion <= 1 else nbinom(expected / (dispersion - 1), 1 / dispersion)
    return float(known.ppf(1 - alpha)), float(known.sf(observed - 1))


def _delta(observed: float, expected: float, fit: _Fit, row: Floats, alpha: float) -> tuple[float, float]:
    """Limit and p on the ⅔ power scale with the error of the estimate; for comparison with published numbers."""
    from scipy.special import ndtr, ndtri

    variance = expected**2 * float(row @ fit.covariance @ row) * fit.dispersion
    tau = max(1.0, fit.dispersion) + variance / expected
    error = np.sqrt(4 / 9 * expected ** (1 / 3) * tau)
    limit = max(0.0, expected ** (2 / 3) + float(ndtri(1 - alpha)) * error) ** 1.5
    return float(limit), float(ndtr(-(observed ** (2 / 3) - expected ** (2 / 3)) / error))
