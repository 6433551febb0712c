"""Many tests at once: the share of false alarms among the alarms (statistics reference §4.10)."""

from typing import Literal

import numpy as np
import numpy.typing as npt


def adjusted(p: npt.ArrayLike, method: Literal["bh", "by"] = "bh") -> npt.NDArray[np.float64]:
    """q of every p: Benjamini–Hochberg 1995 (independent or positively dependent), Benjamini–Yekutieli 2001 (any)."""
    values = np.asarray(p, float)
    if values.size == 0:
        return values
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(values, method=method), float)
