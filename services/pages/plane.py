"""Areas in a plane: GeoJSON in degrees as metres east and south of the middle, true enough within one municipality."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

EARTH = 111_320.0
"""Metres per degree of latitude, and of longitude at the equator."""

Ring = list[tuple[float, float]]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom; of degrees west, south, east, north."""


@dataclass(slots=True)
class Area:
    """One area: outer ring first in each polygon, metres; ``label`` is where its name is written."""

    code: str
    name: str
    polygons: list[list[Ring]]
    label: tuple[float, float]

    @property
    def size(self) -> float:
        """Square metres of the outer rings."""
        return sum(abs(signed_area(p[0])) for p in self.polygons)

    def box(self) -> Box:
        """The area's own."""
        xs, ys = zip(*(point for polygon in self.polygons for point in polygon[0]), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def signed_area(ring: Ring) -> float:
    """Positive for rings that run one way round, negative for the other."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) / 2


def laid_out(features: Sequence[Mapping[str, Any]]) -> list[Area]:
    """Metres east and south of the middle, per area."""
    areas = []
    narrow = narrowing(features)
    for feature in features:
        rings = [
            [[(lon * narrow * EARTH, -lat * EARTH) for lon, lat in ring] for ring in polygon]
            for polygon in polygons(feature)
        ]
        lon, lat = feature["properties"]["label"]
        label = (lon * narrow * EARTH, -lat * EARTH)
        areas.append(Area(str(feature["id"]), feature["properties"]["name"], rings, label))
    return areas


def narrowing(features: Sequence[Mapping[str, Any]]) -> float:
    """How much shorter a degree of longitude is at the features' middle latitude."""
    latitudes = [lat for f in features for p in polygons(f) for _, lat in p[0]]
    return math.cos(math.radians((min(latitudes) + max(latitudes)) / 2))


def polygons(feature: Mapping[str, Any]) -> list[Any]:
    """Those of a feature, one or many."""
    geometry = feature["geometry"]
    coordinates: list[Any] = geometry["coordinates"]
    return [coordinates] if geometry["type"] == "Polygon" else coordinates


def box(feature: Mapping[str, Any]) -> Box:
    """West, south, east, north of a feature in degrees."""
    points = [p for polygon in polygons(feature) for p in polygon[0]]
    lons, lats = zip(*points, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def gap(a: Area, b: Area) -> float:
    """Metres between the boxes of two areas, 0 where they touch."""
    ax0, ay0, ax1, ay1 = a.box()
    bx0, by0, bx1, by1 = b.box()
    return math.hypot(max(0.0, ax0 - bx1, bx0 - ax1), max(0.0, ay0 - by1, by0 - ay1))
