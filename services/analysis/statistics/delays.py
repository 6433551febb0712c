"""Reports that come late: what share of a day is here by now, and what it will come to (statistics reference §4.16).

Lawless 1994: the chance of each delay from the days old enough to have shown it, chained from the longest.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def arrived_share(triangle: npt.ArrayLike) -> Floats:
    """F(d) for d = 0 … D: the share of a day's events that are here d days later.

    ``triangle[t, j]`` = events of day t that came j days late; the last row is today, later cells are not known yet
    and are not read. 1 for delays that nobody has seen.
    """
    n = np.asarray(triangle, float)
    days, longest = n.shape[0], n.shape[1] - 1
    hazard = np.zeros(longest + 1)
    for j in range(1, longest + 1):
        old_enough = n[: max(0, days - j)]
        upto = old_enough[:, : j + 1].sum()
        hazard[j] = old_enough[:, j].sum() / upto if upto else 0.0
    share = np.ones(longest + 1)
    for d in range(longest - 1, -1, -1):
        share[d] = share[d + 1] * (1 - hazard[d + 1])
    return share


def completed(triangle: npt.ArrayLike) -> Floats:
    """For every day what its events will come to: what is here, divided by the share that is here at its age.

    NaN where the share is nothing.
    """
    n = np.asarray(triangle, float)
    days, longest = n.shape[0], n.shape[1] - 1
    share = arrived_share(n)
    ages = np.minimum(days - 1 - np.arange(days), longest)
    here = np.array([n[t, : age + 1].sum() for t, age in enumerate(ages)])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(share[ages] > 0, here / share[ages], np.nan))
