"""The lines of a municipality's streets, drawn from its addresses: a register has points, a map wants lines.

Along a street the house numbers rise; a running mean over both sides lies near its middle. It is a picture to read
names by, not a survey: gaps break it, and nothing is placed by it.
"""

from typing import Any

import numpy as np
import shapely

from services.geo.domain.geocoding.register import Register
from services.geo.domain.tiling import Drawable

LONGEST_GAP_METRES = 250.0
"""Neighbouring numbers farther apart than this are two parts of the street."""
_SPAN = 4
"""Addresses in the running mean: two of each side."""


def lines(register: Register) -> Drawable:
    """A (multi)line per street with two addresses or more, EPSG:3006; ``name``, and ``size``: how many addresses."""
    shapes: list[Any] = []
    about: list[dict[str, str | int | float]] = []
    for street in register.streets:
        rows = slice(street.start, street.end)
        line = _line(np.column_stack([register.e[rows], register.n[rows]]), np.array(register.number[rows]))
        if line is not None:
            shapes.append(line)
            about.append({"name": street.name, "size": street.end - street.start})
    return Drawable(np.array(shapes, dtype=object), about)


def doors(register: Register) -> Drawable:
    """Every address as a point with its number, EPSG:3006."""
    points = shapely.points(np.column_stack([register.e, register.n]))
    numbers = [
        "" if number < 0 else f"{number}{letter}"
        for number, letter in zip(register.number, register.letter, strict=True)
    ]
    return Drawable(points, [{"number": number} for number in numbers])


def _line(points: Any, numbers: Any) -> Any | None:
    """The running mean along rising numbers, broken at gaps; None for what is no line."""
    order = np.argsort(numbers, kind="stable")
    points = points[order]
    if len(points) < 2:
        return None
    parts = np.split(points, np.flatnonzero(np.hypot(*np.diff(points, axis=0).T) > LONGEST_GAP_METRES) + 1)
    drawn = [shapely.linestrings(p) for part in parts if len(p := _smooth(part)) > 1]
    if not drawn:
        return None
    return drawn[0] if len(drawn) == 1 else shapely.multilinestrings(drawn)


def _smooth(part: Any) -> Any:
    """Means of ``_SPAN`` neighbours, between the part's own ends; without points on top of each other."""
    span = min(_SPAN, len(part))
    kernel = np.ones(span) / span
    mean = np.column_stack([np.convolve(part[:, axis], kernel, mode="valid") for axis in (0, 1)])
    if len(mean) < 2:
        mean = part[[0, -1]] if len(part) > 1 else mean
    moved = np.concatenate([[True], np.hypot(*np.diff(mean, axis=0).T) > 1.0])
    return mean[moved]
