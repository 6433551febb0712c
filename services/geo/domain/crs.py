"""Coordinate systems: what is declared is transformed, what cannot be right is refused, swapped axes are put right.

Which of Sweden's local zones a number belongs to cannot be guessed (read in the wrong one it still lands in some kommun
99.7 times in a hundred), so the sender declares it.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

WGS84, SWEREF99_TM, WEB_MERCATOR = "EPSG:4326", "EPSG:3006", "EPSG:3857"
LOCAL_ZONES = tuple(f"EPSG:{code}" for code in range(3007, 3019))
"""SWEREF 99 12 00, 13 30, 15 00, 16 30, 18 00, 14 15, 15 45, 17 15, 18 45, 20 15, 21 45, 23 15."""
RT90 = tuple(f"EPSG:{code}" for code in range(3019, 3025))
"""RT90 7.5, 5 and 2.5 gon V, 0 gon, 2.5 and 5 gon O; nearly always the third."""
ZONES = frozenset({*LOCAL_ZONES, *RT90})
"""Systems whose numbers look alike, so that a wrong declaration shows only by where the points come to lie."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Extent(NamedTuple):
    """Where Sweden lies in a system: least and greatest easting (or longitude) and northing (or latitude)."""

    west: float
    east: float
    south: float
    north: float

    def holds(self, x: Floats, y: Floats) -> Flags:
        """Which points lie inside; NaN lies nowhere."""
        return np.asarray((x >= self.west) & (x <= self.east) & (y >= self.south) & (y <= self.north))


EXTENTS: dict[str, Extent] = {
    WGS84: Extent(10.5, 24.3, 55.0, 69.2),
    SWEREF99_TM: Extent(245_000, 920_000, 6_110_000, 7_680_000),
    WEB_MERCATOR: Extent(1_170_000, 2_700_000, 7_380_000, 10_740_000),
    **dict.fromkeys(LOCAL_ZONES, Extent(-650_000, 850_000, 6_110_000, 7_700_000)),
    **dict.fromkeys(RT90, Extent(750_000, 2_200_000, 6_110_000, 7_700_000)),
}
"""Geo reference §5, rounded outwards; zones and gon hold all of Sweden, since some give points of the whole country in
one of them. Eastings and northings never overlap within a system, so swapped axes can always be told."""
KNOWN = frozenset(EXTENTS)


@cache
def _transformer(source: str, target: str) -> Transformer:
    """Building one costs milliseconds; ``always_xy``, since the formal axis order of most of them is N, E."""
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


def transform(x: Floats, y: Floats, source: str, target: str) -> tuple[Floats, Floats]:
    """Points of one system in another, x east and y north in both."""
    if source == target:
        return x, y
    to_x, to_y = _transformer(source, target).transform(x, y)
    return np.asarray(to_x, dtype=float), np.asarray(to_y, dtype=float)


def degrees_box(west: float, south: float, east: float, north: float) -> list[float]:
    """A box in EPSG:3006 as west, south, east, north in degrees, five decimals."""
    lon, lat = to_wgs84(np.array([west, west, east, east]), np.array([south, north, south, north]))
    return [round(float(v), 5) for v in (lon.min(), lat.min(), lon.max(), lat.max())]


def upright(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """The points with x east and y north: those that lie in Sweden only the other way round are turned."""
    extent = EXTENTS[crs]
    swapped = ~extent.holds(x, y) & extent.holds(y, x)
    return np.where(swapped, y, x), np.where(swapped, x, y)


def possible(x: float, y: float, crs: str) -> bool:
    """Whether the numbers can be a point of the declared system at all: (0, 0) and degrees beyond the globe cannot."""
    if x == 0 and y == 0:
        return False
    if crs == WGS84:
        return -180 <= x <= 180 and -90 <= y <= 90
    return abs(x) < 20_000_000 and abs(y) < 20_000_000


def suggested(x: Floats, y: Floats) -> list[str]:
    """The systems in which most points lie in Sweden; local zones, which cannot be told apart, as a range of codes."""

    def fits(code: str) -> bool:
        return bool(EXTENTS[code].holds(*upright(x, y, code)).mean() > 0.9)

    known = [c for c in (WGS84, SWEREF99_TM, WEB_MERCATOR) if fits(c)]
    ranges = (LOCAL_ZONES, RT90)
    return known or [f"{codes[0]}–{codes[-1].removeprefix('EPSG:')}" for codes in ranges if fits(codes[0])]
