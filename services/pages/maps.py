"""Areas with numbers as SVG: classes carry the colour, an inset shows a town too small for the whole map."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.pages import plane
from services.pages.texts import text
from services.pages.writing import whole

LIMITS = (2, 4, 7, 13)
"""Class limits, fixed for every page: 0–1, 2–3, 4–6, 7–12, 13 and more (look guide §7)."""
LEGEND = ("0–1", "2–3", "4–6", "7–12", "13 eller fler")
_SMALL_SHARE = 0.03
_LETTER = 6.4
"""Rough width of one letter of a label, in drawing units."""


@dataclass(slots=True)
class Shape:
    """One area, ready to draw."""

    code: str
    name: str
    count: str
    step: int
    d: str
    x: float
    y: float
    labelled: bool
    name_fits: bool


@dataclass(slots=True)
class Drawing:
    """One map: shapes in drawing units, a scale bar, perhaps the frame of an inset."""

    caption: str
    width: int
    height: int
    shapes: list[Shape]
    scale_px: float
    scale_text: str
    frame: plane.Box | None = None
    rings: list[tuple[str, int]] = field(default_factory=list)
    """Cells on top of the areas: path and colour class."""


def step(count: float) -> int:
    """The colour class of a count, 1 to 5."""
    return 1 + sum(count >= limit for limit in LIMITS)


def _town(areas: list[plane.Area]) -> list[plane.Area]:
    """The cluster of small areas around the smallest one; empty where an inset would show nothing new."""
    total = sum(a.size for a in areas)
    small = [a for a in areas if a.size < _SMALL_SHARE * total]
    if len(small) < 4:
        return []
    boxes = [a.box() for a in areas]
    extent = max(
        max(b[2] for b in boxes) - min(b[0] for b in boxes), max(b[3] for b in boxes) - min(b[1] for b in boxes)
    )
    cluster = [min(small, key=lambda a: a.size)]
    grew = True
    while grew:
        near = [a for a in small if a not in cluster and any(plane.gap(a, b) < 0.01 * extent for b in cluster)]
        cluster += near
        grew = bool(near)
    return cluster if len(cluster) >= 4 else []


def town_box(features: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """West, south, east, north in degrees of the town that ``draw`` shows as an inset; None where it shows none."""
    own = {area.code for area in _town(plane.laid_out(features))} if features else set()
    boxes = [plane.box(f) for f in features if str(f["id"]) in own]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]


Ring = tuple[Sequence[tuple[float, float]], int]
"""A ring of (longitude, latitude), and its colour class."""


def draw(
    features: Sequence[Mapping[str, Any]], counts: Mapping[str, float], rings: Sequence[Ring] = ()
) -> list[Drawing]:
    """The whole municipality, and its town as an inset where that shows more; nothing without features.

    ``counts``: area → reports. ``rings`` are drawn on top, the last undermost; then areas have no numbers.
    """
    if not features:
        return []
    found = _drawn(features, counts)
    if rings:
        narrow = plane.narrowing(features)
        for drawing, scale, origin in found:
            size = (drawing.width, drawing.height)
            for ring, colour in reversed(rings):
                points = [(lon * narrow * plane.EARTH, -lat * plane.EARTH) for lon, lat in ring]
                cell = plane.Area("", "", [[points]], points[0])
                drawing.rings.append((_path(cell, scale, origin, size), colour))
    return [drawing for drawing, _, _ in found]


def _drawn(
    features: Sequence[Mapping[str, Any]], counts: Mapping[str, float]
) -> list[tuple[Drawing, float, tuple[float, float]]]:
    areas = plane.laid_out(features)
    town = _town(areas)
    in_town = {a.code for a in town}
    main = _drawing(areas, counts, _bounds(areas), width=330, caption=text("overview.map_whole"), skip=in_town)
    if not town:
        return [main]
    bounds = _bounds(town)
    drawing, scale, origin = main
    x0, y0, x1, y1 = bounds
    drawing.frame = (
        round((x0 - origin[0]) * scale, 1),
        round((y0 - origin[1]) * scale, 1),
        round((x1 - x0) * scale, 1),
        round((y1 - y0) * scale, 1),
    )
    others = {a.code for a in areas} - in_town
    return [main, _drawing(areas, counts, bounds, width=312, caption=text("overview.map_inset"), skip=others)]


@dataclass(slots=True)
class Pin:
    """A numbered point in drawing units, with the ring within which it is true."""

    x: float
    y: float
    ring: float


@dataclass(slots=True)
class PinMap:
    """A drawing with pins; degrees of its upper left corner, and how many of them one unit to the right or down is."""

    drawing: Drawing
    pins: list[Pin]
    lon: float
    lat: float
    lon_step: float
    lat_step: float


_CLOSEST = 700.0
"""Metres from the middle to the edge of the closest view: a few streets, so that people know where they are."""


def with_pins(
    features: Sequence[Mapping[str, Any]],
    points: Sequence[tuple[float, float, float]],
    *,
    caption: str,
    width: int = 620,
) -> PinMap:
    """The areas around some points (longitude, latitude, metres of uncertainty); the whole municipality without any."""
    areas = plane.laid_out(features)
    narrow = plane.narrowing(features)
    at = [(lon * narrow * plane.EARTH, -lat * plane.EARTH, radius) for lon, lat, radius in points]
    bounds = _around(at) if at else _bounds(areas)
    drawing, scale, (x0, y0) = _drawing(areas, {}, bounds, width=width, caption=caption, skip=set())
    pins = [
        Pin(round((x - x0) * scale, 1), round((y - y0) * scale, 1), round(min(max(radius * scale, 16.0), width / 2), 1))
        for x, y, radius in at
    ]
    step = 1 / (scale * plane.EARTH)
    return PinMap(drawing, pins, x0 / (narrow * plane.EARTH), -y0 / plane.EARTH, step / narrow, -step)


def _around(points: Sequence[tuple[float, float, float]]) -> plane.Box:
    """A box of four to three around points and their rings."""
    x0, x1 = min(x - r for x, _, r in points), max(x + r for x, _, r in points)
    y0, y1 = min(y - r for _, y, r in points), max(y + r for _, y, r in points)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    half = max(1.15 * (x1 - x0) / 2, 1.15 * (y1 - y0) / 2 * 4 / 3, _CLOSEST)
    return middle[0] - half, middle[1] - half * 3 / 4, middle[0] + half, middle[1] + half * 3 / 4


def _bounds(areas: list[plane.Area]) -> plane.Box:
    boxes = [a.box() for a in areas]
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[2] for b in boxes), max(b[3] for b in boxes)
    margin = 0.03 * max(x1 - x0, y1 - y0)
    return x0 - margin, y0 - margin, x1 + margin, y1 + margin


def _drawing(
    areas: list[plane.Area], counts: Mapping[str, float], bounds: plane.Box, *, width: int, caption: str, skip: set[str]
) -> tuple[Drawing, float, tuple[float, float]]:
    """A drawing of what lies in ``bounds``, its scale and origin. Areas in ``skip`` are drawn without a label."""
    x0, y0, x1, y1 = bounds
    scale = width / (x1 - x0)
    height = round((y1 - y0) * scale) + 24
    shapes = []
    for area in sorted(areas, key=lambda a: -a.size):
        bx0, by0, bx1, by1 = area.box()
        if bx1 < x0 or bx0 > x1 or by1 < y0 or by0 > y1:
            continue
        count = counts.get(area.code, 0)
        x, y = area.label
        name = _short(area.name, (bx1 - bx0) * scale, len(areas))
        shapes.append(
            Shape(
                area.code,
                name,
                whole(round(count)),
                step(count),
                _path(area, scale, (x0, y0), (width, height)),
                round((x - x0) * scale, 1),
                round((y - y0) * scale - 4, 1),
                area.code not in skip,
                bool(name),
            )
        )
    metres = _round_length((x1 - x0) / 6)
    label = f"{metres / 1000:g} km".replace(".", ",") if metres >= 1000 else f"{metres:.0f} m"
    return Drawing(caption, width, height, shapes, round(metres * scale, 1), label), scale, (x0, y0)


def _short(name: str, room: float, areas: int) -> str:
    """The name if it fits in ``room`` units, else its first part (Ingsberg-Nyhem-Hultet → Ingsberg), else nothing.

    A small area alone on the whole map may write across its edge; with many areas that would be a thicket.
    """
    if areas > 40:
        return ""
    allowed = max(room, 60.0)
    return next((n for n in (name, short(name)) if len(n) * _LETTER <= allowed), "")


def short(name: str) -> str:
    """The first part of a name that is put together of several."""
    return name.split("-", maxsplit=1)[0]


def _path(area: plane.Area, scale: float, origin: tuple[float, float], size: tuple[int, int]) -> str:
    """SVG path with one decimal. Points far outside the drawing are pulled to just outside it."""
    (x0, y0), (width, height) = origin, size
    parts = []
    for polygon in area.polygons:
        for ring in polygon:
            points = [
                (
                    min(max((x - x0) * scale, -50.0), width + 50.0),
                    min(max((y - y0) * scale, -50.0), height + 50.0),
                )
                for x, y in ring
            ]
            parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z")
    return "".join(parts)


def _round_length(metres: float) -> float:
    """1, 2 or 5 times a power of ten, not longer than ``metres``."""
    power = 10 ** math.floor(math.log10(metres))
    return float(max(m for m in (1, 2, 5) if m * power <= metres) * power)
