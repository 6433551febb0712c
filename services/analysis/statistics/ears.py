"""EARS C1 and C2: is this week unusual beside the few before it (statistics reference §4.5).

The fallback where history is short. C3 is not shipped: its alarm does not depend on the week that it speaks of.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEAST_SPREAD = 0.5
"""After seven weeks of nothing a single report would alarm; with this floor the limit is 1.5."""


def limits(
    weeks: npt.ArrayLike,
    *,
    baseline: int = 7,
    lag: int = 0,
    alpha: float = 0.001,
    least_spread: float = LEAST_SPREAD,
) -> Floats:
    """U for every week (an alarm is y > U), NaN where history is too short: M + z·max(S, ``least_spread``).

    The window is the ``baseline`` weeks that end ``lag`` + 1 weeks before: lag 0 is C1, lag 2 is C2.
    """
    from scipy.special import ndtri

    mean, spread = windows(weeks, baseline=baseline, lag=lag)
    return np.asarray(mean + float(ndtri(1 - alpha)) * np.maximum(spread, least_spread))


def windows(weeks: npt.ArrayLike, *, baseline: int, lag: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation (n − 1) of each week's window, NaN where it begins before the series does."""
    y = np.asarray(weeks, float)
    mean, spread = np.full(len(y), np.nan), np.full(len(y), np.nan)
    first = baseline + lag
    if len(y) > first:
        each = np.lib.stride_tricks.sliding_window_view(y, baseline)[: len(y) - first]
        mean[first:], spread[first:] = each.mean(axis=1), each.std(axis=1, ddof=1)
    return mean, spread
