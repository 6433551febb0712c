"""The long trend: percent a year with its interval, season taken out (statistics reference §4.15)."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.analysis.statistics.counts import Interval

YEAR = 365.25
PARAMETERS = 4


class Trend(NamedTuple):
    """log μ = a + b·t + c·sin 2πt + d·cos 2πt, t in years since the first date.

    ``error`` is that of b, widened by the dispersion; ``tau`` is Kendall's τ_b beside it, which knows no model.
    """

    coefficients: tuple[float, float, float, float]
    error: float
    p: float
    dispersion: float
    percent: float
    interval: Interval
    tau: float
    tau_p: float


def trend(counts: npt.ArrayLike, dates: Sequence[date], level: float = 0.95) -> Trend | None:
    """The trend of a series; weeks of which nothing is known (NaN) are left out.

    None below two years, and where no more than five weeks had anything: four parameters then fit whatever it was.
    """
    known = ~np.isnan(np.asarray(counts, float))
    y = np.asarray(counts, float)[known]
    days = np.array([(d - dates[0]).days for d in dates], float)[known]
    if np.count_nonzero(y) <= PARAMETERS + 1 or days[-1] - days[0] < 2 * YEAR - 14:
        return None
    import statsmodels.api as sm
    from scipy.special import stdtr, stdtrit
    from scipy.stats import kendalltau

    t = days / YEAR
    design = np.column_stack([np.ones(len(t)), t, np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)])
    fit = sm.GLM(y, design, family=sm.families.Poisson()).fit(scale="X2", tol=1e-10)
    free = len(y) - PARAMETERS
    slope, error = float(fit.params[1]), float(fit.bse[1])
    reach = float(stdtrit(free, (1 + level) / 2)) * error
    low, high = (100 * float(np.expm1(slope + side * reach)) for side in (-1, 1))
    rank = kendalltau(t, y)
    a, b, c, d = (float(v) for v in fit.params)
    return Trend(
        (a, b, c, d),
        error,
        float(2 * stdtr(free, -abs(slope) / error)),
        float(fit.scale),
        100 * float(np.expm1(slope)),
        Interval(low, high),
        float(rank.statistic),
        float(rank.pvalue),
    )
