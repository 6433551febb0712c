"""Coordinate systems: what is declared is transformed, what cannot be right is refused; nothing is guessed."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

WGS84, SWEREF99_TM = "EPSG:4326", "EPSG:3006"
KNOWN = frozenset({WGS84, SWEREF99_TM})
Floats = NDArray[np.float64]


@cache
def _transformer(source: str, target: str) -> Transformer:
    """Building one costs milliseconds; ``always_xy``, since the formal axis order of 3006 is N, E."""
    return Transformer.from_crs(source, target, always_xy=True)


def to_sweref(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """Eastings and northings in EPSG:3006, metres; inf where the point has none."""
    if crs == SWEREF99_TM:
        return x, y
    e, n = _transformer(crs, SWEREF99_TM).transform(x, y)
    return np.asarray(e, dtype=float), np.asarray(n, dtype=float)


def to_wgs84(e: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Longitudes and latitudes in degrees."""
    lon, lat = _transformer(SWEREF99_TM, WGS84).transform(e, n)
    return np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)


def possible(x: float, y: float, crs: str) -> bool:
    """Whether the numbers can be a point of the declared system at all: (0, 0) and degrees beyond the globe cannot."""
    if x == 0 and y == 0:
        return False
    if crs == WGS84:
        return -180 <= x <= 180 and -90 <= y <= 90
    return abs(x) < 10_000_000 and abs(y) < 20_000_000
