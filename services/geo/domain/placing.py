"""Where a report is: pure decisions over a batch, from what the sender gave to areas, cells and a reason."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import h3
import numpy as np

from schemas.locations import Precision, UnplacedReason
from schemas.reports import ReportReceived
from schemas.values import PlaceAsGiven, UtcTime
from services.geo.domain import crs
from services.geo.domain.writing import Placement, Point
from services.geo.layers import Layers

CELL_RESOLUTIONS = (7, 8, 9, 10)
"""H3 resolutions kept as attributes for counting; never for assignment (geo reference §4)."""


class Settled(NamedTuple):
    """A placement without its number."""

    precision: Precision
    reason: UnplacedReason | None = None
    radius_m: float | None = None
    point: Point | None = None
    regso: str | None = None
    kommun: str | None = None
    lan: str | None = None


def settle(reports: Sequence[ReportReceived], layers: Layers) -> list[Settled]:
    """Where each report is. Coordinates win over an area code, which wins over text; all points in one bulk test."""
    answers: list[Settled | None] = [_without_point(r.place, layers) for r in reports]
    by_crs: dict[str, list[int]] = defaultdict(list)
    for i, report in enumerate(reports):
        given = report.place.coordinates
        if answers[i] is None and given is not None:
            by_crs[given.crs].append(i)
    for system, indices in by_crs.items():
        points = [c for i in indices if (c := reports[i].place.coordinates) is not None]
        x, y = crs.upright(np.array([c.x for c in points]), np.array([c.y for c in points]), system)
        e, n = crs.to_sweref(x, y, system)
        lon, lat = (x, y) if system == crs.WGS84 else crs.to_wgs84(e, n)
        finite = np.isfinite(e) & np.isfinite(n)
        found = layers.index.find(np.where(finite, e, 0.0), np.where(finite, n, 0.0)).tolist()
        rows = zip(indices, points, finite.tolist(), found, *(v.tolist() for v in (lon, lat, e, n)), strict=True)
        for i, given, real, at, *numbers in rows:
            point = _point(*numbers) if real else None
            if at < 0 or point is None:
                answers[i] = Settled("gps", "outside_sweden", given.accuracy_m, point)
            else:
                area = layers.regso[at]
                answers[i] = Settled("gps", None, given.accuracy_m, point, area.code, area.kommun, area.lan)
    return [a if a is not None else Settled("none", "no_place") for a in answers]


def _point(lon: float, lat: float, e: float, n: float) -> Point:
    """Rounded to what a phone can know: a decimetre."""
    return Point(round(lon, 6), round(lat, 6), round(e, 1), round(n, 1))


def _without_point(place: PlaceAsGiven, layers: Layers) -> Settled | None:
    """The answer for a place without usable coordinates; None when the coordinates must be looked up."""
    given = place.coordinates
    if given is not None:
        if given.crs not in crs.KNOWN:
            return Settled("none", "unknown_crs")
        if not crs.possible(given.x, given.y, given.crs):
            return Settled("none", "impossible_coordinates")
        return None
    if place.area_code is not None:
        return _by_code(place.area_code, layers)
    if place.text is not None:
        return Settled("none", "no_register")
    return Settled("none", "no_place")


def _by_code(code: str, layers: Layers) -> Settled:
    if (area := layers.by_code.get(code)) is not None:
        return Settled("area", None, regso=area.code, kommun=area.kommun, lan=area.lan)
    if (kommun := layers.kommuner.get(code)) is not None:
        return Settled("kommun", None, kommun=kommun.code, lan=kommun.lan)
    if code in layers.lan:
        return Settled("lan", None, lan=code)
    return Settled("none", "unknown_area")


def to_placement(settled: Settled, layers: Layers, *, number: int, now: UtcTime) -> Placement:
    """The placement as published: one entry per layer, ``unplaced`` where the layer has no answer."""
    cells: dict[str, str] = {}
    if settled.point is not None and settled.reason is None:
        cells = {str(r): h3.latlng_to_cell(settled.point.lat, settled.point.lon, r) for r in CELL_RESOLUTIONS}
    return Placement(
        placement=number,
        placed_at=now,
        precision=settled.precision,
        reason=settled.reason,
        radius_m=settled.radius_m,
        point=settled.point,
        located_kommun=settled.kommun,
        located_lan=settled.lan,
        areas=layers.refs(settled.regso, settled.kommun, settled.lan),
        cells=cells,
    )


def locate(lon: float, lat: float, layers: Layers) -> dict[str, Any] | None:
    """Area, kommun and län names of one WGS84 point; None outside Sweden."""
    if not crs.possible(lon, lat, crs.WGS84):
        return None
    e, n = crs.to_sweref(np.array([lon]), np.array([lat]), crs.WGS84)
    found = int(layers.index.find(e, n)[0])
    if found < 0:
        return None
    area = layers.regso[found]
    kommun = layers.kommuner[area.kommun or ""]
    return {"area": area.code, "name": area.name, "kommun": kommun.code, "kommun_name": kommun.name, "lan": area.lan}
