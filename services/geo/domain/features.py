"""Features as GIS clients ask for them: coordinate systems with their axis order, boxes, times, GeoJSON.

OGC API – Features Part 1 (OGC 17-069r4) and Part 2 (OGC 18-058r1). CRS84 is longitude, latitude; EPSG:4326 latitude,
longitude; EPSG:3006 northing, easting, as their definitions say.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import h3
import msgspec
import numpy as np

from services.geo.domain import crs

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
SYSTEMS: dict[str, tuple[str, bool]] = {
    CRS84: (crs.WGS84, False),
    f"{_EPSG}4326": (crs.WGS84, True),
    f"{_EPSG}3857": (crs.WEB_MERCATOR, False),
    f"{_EPSG}3006": (crs.SWEREF99_TM, True),
}
"""URI → the system, and whether its first axis is north."""
STORAGE = f"{_EPSG}3006"
SWEDISH = ZoneInfo("Europe/Stockholm")
SWEDEN = (200_000.0, 6_000_000.0, 1_000_000.0, 7_800_000.0)
"""Sweden with a margin, W, S, E, N in EPSG:3006."""
NOTHING = (0.0, 0.0, -1.0, -1.0)
"""A box that holds nothing."""
BEND = 200.0
"""Metres by which an edge may bend between nine points of it, over the whole country."""
_MARGIN = 0.03
"""Degrees added to a box before it is covered with cells: a cell's centre may lie outside a box that it touches."""


class BadQuery(ValueError):
    """A parameter that cannot be understood; its name, for the error's text."""


class _Point(msgspec.Struct):
    lon: float
    lat: float
    e: float
    n: float


class _Area(msgspec.Struct):
    layer: str
    area: str


class _Placement(msgspec.Struct):
    precision: str
    areas: list[_Area]
    point: _Point | None = None
    radius_m: float | None = None
    placed_at: str = ""
    located_kommun: str | None = None


class _Report(msgspec.Struct):
    event_type: str
    source: str
    time_from: str
    time_to: str
    severity: int
    count: int = 1
    ongoing: bool = False
    confirmed: bool = False
    invented: bool = False


class Located(msgspec.Struct):
    """What of a located report GIS clients are shown; no text, no organisation, no person."""

    report: _Report
    placement: _Placement


_DECODER = msgspec.json.Decoder(Located)


class Output(NamedTuple):
    """A system to answer in, and its URI."""

    uri: str
    system: str
    north_first: bool


def output(uri: str | None) -> Output:
    """The system that was asked for; BadQuery for one that is not offered."""
    chosen = uri or CRS84
    if chosen not in SYSTEMS:
        raise BadQuery("crs")
    return Output(chosen, *SYSTEMS[chosen])


def box(written: str | None, bbox_crs: str | None) -> tuple[float, float, float, float] | None:
    """A box as W, S, E, N in EPSG:3006; four numbers, or six of which heights are left out."""
    if written is None or not written.strip():
        return None
    try:
        numbers = [float(v) for v in written.split(",")]
    except ValueError:
        raise BadQuery("bbox") from None
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise BadQuery("bbox")
    system, north_first = SYSTEMS.get(bbox_crs or CRS84, (None, False))
    if system is None:
        raise BadQuery("bbox-crs")
    west, south, east, north = (numbers[i] for i in ((1, 0, 3, 2) if north_first else (0, 1, 2, 3)))
    if south > north or west > east:
        raise BadQuery("bbox")
    if system == crs.SWEREF99_TM:
        return _within(west, south, east, north, SWEDEN)
    extent = crs.EXTENTS[system]
    west, south, east, north = _within(west, south, east, north, (extent.west, extent.south, extent.east, extent.north))
    if west > east or south > north:
        return NOTHING
    # Edges bend between systems, so the box is widened to hold what its edges hold.
    across, up = np.linspace(west, east, 9), np.linspace(south, north, 9)
    x = np.concatenate([across, across, np.full(9, west), np.full(9, east)])
    y = np.concatenate([np.full(9, south), np.full(9, north), up, up])
    e, n = crs.to_sweref(x, y, system)
    real = np.isfinite(e) & np.isfinite(n)
    if not real.any():
        raise BadQuery("bbox")
    return (
        float(e[real].min()) - BEND,
        float(n[real].min()) - BEND,
        float(e[real].max()) + BEND,
        float(n[real].max()) + BEND,
    )


def _within(
    west: float, south: float, east: float, north: float, limits: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """The part of a box that lies in the limits; what lies outside Sweden holds nothing of ours."""
    return max(west, limits[0]), max(south, limits[1]), min(east, limits[2]), min(north, limits[3])


def cells(around: tuple[float, float, float, float]) -> list[int] | None:
    """H3 cells of resolution 7 that cover a box in EPSG:3006; None when they would be too many to look up."""
    west, south, east, north = around
    if east < west or north < south:
        return []
    if (east - west) > 60_000 or (north - south) > 60_000:
        return None
    corners = np.array([(west, south), (west, north), (east, north), (east, south)])
    lon, lat = crs.to_wgs84(corners[:, 0], corners[:, 1])
    polygon = h3.LatLngPoly(
        [
            (float(lat.min()) - _MARGIN, float(lon.min()) - 2 * _MARGIN),
            (float(lat.max()) + _MARGIN, float(lon.min()) - 2 * _MARGIN),
            (float(lat.max()) + _MARGIN, float(lon.max()) + 2 * _MARGIN),
            (float(lat.min()) - _MARGIN, float(lon.max()) + 2 * _MARGIN),
        ]
    )
    return [int(c, 16) for c in h3.polygon_to_cells(polygon, 7)]


def interval(written: str | None) -> tuple[datetime | None, datetime | None]:
    """A moment, or an interval with ``..`` or nothing for an open end (RFC 3339)."""
    if written is None or not written.strip():
        return None, None
    ends = written.split("/")
    if len(ends) > 2:
        raise BadQuery("datetime")
    first, last = _moment(ends[0]), _moment(ends[-1])
    if last is not None and "T" not in ends[-1]:
        last += timedelta(days=1, microseconds=-1)  # a day as the end means the whole of it
    if first is not None and last is not None and first > last:
        raise BadQuery("datetime")
    return first, last


def _moment(written: str) -> datetime | None:
    if written in {"", ".."}:
        return None
    try:
        found = datetime.fromisoformat(written.replace(" ", "+"))
    except ValueError:
        raise BadQuery("datetime") from None
    if not 1900 < found.year < 2200:
        raise BadQuery("datetime")
    return found if found.tzinfo is not None else found.replace(tzinfo=SWEDISH)


def read(event: str) -> Located:
    """A stored event as it is shown."""
    return _DECODER.decode(event)


def properties(located: Located) -> dict[str, Any]:
    """The attributes of a located report."""
    report, placement = located.report, located.placement
    areas = {a.layer: a.area for a in placement.areas}
    return {
        "event_type": report.event_type,
        "source": report.source,
        "time_from": report.time_from,
        "time_to": report.time_to,
        "severity": report.severity,
        "count": report.count,
        "ongoing": report.ongoing,
        "confirmed": report.confirmed,
        "precision": placement.precision,
        "radius_m": placement.radius_m,
        "located_kommun": placement.located_kommun,
        "area": areas.get("regso"),
        "invented": report.invented,
    }


def geometry_of(located: Located, chosen: Output) -> dict[str, Any] | None:
    """The point in the system that was asked for, axes in its order."""
    point = located.placement.point
    if point is None:
        return None
    if chosen.system == crs.WGS84:
        pair = (point.lon, point.lat)
    elif chosen.system == crs.SWEREF99_TM:
        pair = (point.e, point.n)
    else:
        x, y = crs.transform(np.array([point.lon]), np.array([point.lat]), crs.WGS84, chosen.system)
        pair = (round(float(x[0]), 2), round(float(y[0]), 2))
    return {"type": "Point", "coordinates": pair[::-1] if chosen.north_first else pair}


def feature(ident: object, located: Located, chosen: Output) -> dict[str, Any]:
    """A located report as a GeoJSON feature."""
    return {
        "type": "Feature",
        "id": str(ident),
        "geometry": geometry_of(located, chosen),
        "properties": properties(located),
    }


def touches(geometry: Mapping[str, Any], around: tuple[float, float, float, float]) -> bool:
    """Whether a GeoJSON geometry in CRS84 may touch a box in EPSG:3006, by its own box."""
    points = np.array(list(_pairs(geometry["coordinates"])), dtype=float)
    e, n = crs.to_sweref(points[:, 0], points[:, 1], crs.WGS84)
    west, south, east, north = around
    return bool(e.max() >= west and e.min() <= east and n.max() >= south and n.min() <= north)


def _pairs(node: Any) -> Iterator[Sequence[float]]:
    if node and isinstance(node[0], int | float):
        yield node
        return
    for part in node:
        yield from _pairs(part)


def turned(geometry: Mapping[str, Any], chosen: Output) -> Mapping[str, Any]:
    """A GeoJSON geometry in CRS84, given in the system that was asked for."""
    if chosen.uri == CRS84:
        return geometry

    def change(node: Any) -> Any:
        if node and isinstance(node[0], list | tuple) and node[0] and isinstance(node[0][0], int | float):
            points = np.array(node, dtype=float)
            x, y = crs.transform(points[:, 0], points[:, 1], crs.WGS84, chosen.system)
            digits = 5 if chosen.system == crs.WGS84 else 1
            pairs = np.column_stack([y, x] if chosen.north_first else [x, y]).round(digits)
            return pairs.tolist()
        return [change(part) for part in node]

    return {"type": geometry["type"], "coordinates": change(geometry["coordinates"])}
