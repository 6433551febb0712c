"""Density and groups of points, for pictures only: both hang on a width that somebody chose (reference §4.14)."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CHUNK = 2_000


def gauss(points: npt.ArrayLike, at: npt.ArrayLike, width: float) -> Floats:
    """Events per square metre at every place: Σ exp(−d²/2σ²)/(2πσ²), σ in metres, no correction at edges."""
    return _summed(points, at, lambda d2: np.exp(-d2 / (2 * width**2)) / (2 * np.pi * width**2))


def quartic(points: npt.ArrayLike, at: npt.ArrayLike, width: float) -> Floats:
    """The same with a kernel that ends at h = width·√8: 3/(πh²)·(1 − d²/h²)²."""
    h2 = 8 * width**2
    return _summed(points, at, lambda d2: np.where(d2 < h2, 3 / (np.pi * h2) * (1 - d2 / h2) ** 2, 0.0))


def _summed(points: npt.ArrayLike, at: npt.ArrayLike, kernel: Callable[[Floats], Floats]) -> Floats:
    xy, places = (np.asarray(some, float).reshape(-1, 2) for some in (points, at))
    parts = [
        kernel(((places[i : i + CHUNK, None, :] - xy[None, :, :]) ** 2).sum(axis=2)).sum(axis=1)
        for i in range(0, len(places), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def groups(points: npt.ArrayLike, reach: float, fewest: int) -> npt.NDArray[np.int64]:
    """DBSCAN's group of every point, 0 = alone. ``fewest`` includes the point; print both numbers with the picture."""
    xy = np.asarray(points, float)
    if not len(xy):
        return np.zeros(0, np.int64)
    from sklearn.cluster import DBSCAN

    return np.asarray(DBSCAN(eps=reach, min_samples=fewest).fit_predict(xy) + 1)
