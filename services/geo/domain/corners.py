"""A surface as a list of corners that a person can read and write, and back; the way to draw without a mouse.

One corner a line, latitude and longitude or SWEREF 99 TM, as ``coordinates`` reads them. An empty line begins another
part of the surface, the word ``hål`` a hole in the part above.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from services.geo.domain import coordinates, crs

MOST_CORNERS = 5_000
LONGEST_LINE = 100
HOLE = "hål"
_DECIMALS = 6
"""Of a degree: 11 cm."""


class BadCorners(ValueError):
    """The list is no surface. ``what`` is a key of the catalogue's ``layers`` texts, ``line`` the line or 0."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.what, self.line = what, line


def read(written: str) -> Any:
    """The polygon or multipolygon in EPSG:3006; BadCorners."""
    parts: list[list[list[tuple[float, float]]]] = []
    fresh = True
    lines = written.splitlines()
    if len(lines) > MOST_CORNERS:
        raise BadCorners("corners_many")
    for number, line in enumerate((entry.strip() for entry in lines), 1):
        if not line:
            fresh = True
        elif line.lower().rstrip(":") == HOLE:
            if not parts:
                raise BadCorners("corners_hole", number)
            parts[-1].append([])
            fresh = False
        else:
            if fresh:
                parts.append([[]])
                fresh = False
            parts[-1][-1].append(_corner(line, number))
    if not parts:
        raise BadCorners("corners_none")
    return _surface(parts)


def _corner(line: str, number: int) -> tuple[float, float]:
    found = coordinates.read(line) if len(line) <= LONGEST_LINE else None
    if found is None:
        raise BadCorners("corners_line", number)
    e, n = crs.to_sweref(np.array([found.x]), np.array([found.y]), found.crs)
    return round(float(e[0]), 3), round(float(n[0]), 3)


def _surface(parts: Sequence[Sequence[Sequence[tuple[float, float]]]]) -> Any:
    if any(len(set(ring)) < 3 for part in parts for ring in part):
        raise BadCorners("corners_few")
    polygons = [shapely.Polygon(part[0], part[1:]) for part in parts]
    if not all(shapely.is_valid(p) and shapely.area(p) > 1.0 for p in polygons):
        raise BadCorners("corners_cross")
    found = polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)
    if not shapely.is_valid(found):
        raise BadCorners("corners_overlap")
    return found


def write(surface: Any) -> str:
    """The list of a surface's corners in degrees: what ``read`` reads, to 11 cm."""
    parts = []
    for polygon in shapely.get_parts(surface):
        rings = [_ring(shapely.get_exterior_ring(polygon))]
        rings += [f"{HOLE}\n{_ring(r)}" for r in shapely.get_rings(polygon)[1:]]
        parts.append("\n".join(rings))
    return "\n\n".join(parts)


def _ring(ring: Any) -> str:
    points = shapely.get_coordinates(ring)[:-1]
    lon, lat = crs.to_wgs84(points[:, 0], points[:, 1])
    return "\n".join(f"{y:.{_DECIMALS}f}, {x:.{_DECIMALS}f}" for x, y in zip(lon, lat, strict=True))


def around(e: float, n: float, metres: float) -> Any:
    """A round surface of 32 corners about a point (EPSG:3006)."""
    return shapely.buffer(shapely.points(e, n), metres, quad_segs=8)
