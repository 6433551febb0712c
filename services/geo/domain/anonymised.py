"""Pure: a report after gallring keeps the areas that it had, at the middle of its cell instead of its point.

The door has taken the written place and the coordinates away. What geo knows is enough to count it where it counted:
the areas of every layer as they were; for a layer's later version the middle of the cell is looked up, and what has no
point keeps its code.
"""

from collections.abc import Mapping

import h3
import numpy as np
from msgspec import Struct, json, structs

from services.geo.domain import crs
from services.geo.domain.reading import Coordinates, Place, Report
from services.geo.domain.writing import AreaRef, Placement, Point

RESOLUTION = "10"
"""The finest cells that anything counts by: edges of about 75 m."""
NOTE, AGAIN = "anonymised", "placed_again"
UNPLACED = "unplaced"


class _Stored(Struct, frozen=True, gc=False):
    """The part of a located report that is read here."""

    placement: Placement


_STORED = json.Decoder(_Stored)


def placement_in(event: str) -> Placement:
    """The placement in a located report that geo stored."""
    return _STORED.decode(event).placement


def middle(placement: Placement) -> Point | None:
    """The middle of the cell that the placement lies in; None for one without a point."""
    cell = placement.cells.get(RESOLUTION)
    if cell is None:
        return None
    lat, lon = h3.cell_to_latlng(cell)
    e, n = crs.to_sweref(np.array([lon]), np.array([lat]), crs.WGS84)
    return Point(lon, lat, float(e[0]), float(n[0]))


def standing_in(report: Report, before: Placement) -> Report:
    """The report to be settled, with the middle of its cell as its place."""
    point = middle(before)
    if point is None:
        return report
    place = Place(Coordinates(point.lon, point.lat), area_code=report.place.area_code)
    return structs.replace(report, place=place)


def as_before(fresh: Placement, before: Placement) -> Placement:
    """The fresh placement with everything that was known before: areas of the same versions, cells, precision."""
    known = {(area.layer, area.version): area for area in before.areas}
    named = {area.layer: area.area for area in before.areas if area.area != UNPLACED}
    again = (AGAIN,) if AGAIN in fresh.notes else ()
    return Placement(
        placement=fresh.placement,
        placed_at=fresh.placed_at,
        precision=before.precision,
        reason=before.reason,
        radius_m=before.radius_m,
        point=middle(before),
        located_kommun=before.located_kommun,
        located_lan=before.located_lan,
        areas=tuple(known.get((area.layer, area.version)) or _named(area, named) for area in fresh.areas),
        cells=before.cells,
        places=before.places,
        notes=(NOTE, *again),
    )


def _named(area: AreaRef, named: Mapping[str, str]) -> AreaRef:
    """An area of a later version: what was found there, else the code that it had in this layer."""
    return area if area.area != UNPLACED else structs.replace(area, area=named.get(area.layer, UNPLACED))
