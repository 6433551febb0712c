"""The lines of a municipality's streets, drawn from its addresses: a register has points, a map wants lines.

Along a street the house numbers rise; the middle of both sides lies near its own. It is a picture to read
names by, not a survey: gaps break it, and nothing is placed by it.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from services.geo.domain.geocoding.register import Register
from services.geo.domain.tiling import Drawable

LONGEST_GAP_METRES = 250.0
"""Neighbouring numbers farther apart than this are two parts of the street."""
STEP_METRES = 80.0
"""Along a straight street one point is drawn for so many metres: enough addresses of both sides for a middle."""
BENT = 0.35
"""A street this wide for its length turns."""
CALM_METRES = 10.0
WINDING = 1.6
"""A line this long for its reach goes to and fro between houses, as round a square: its main direction is drawn."""
Floats = NDArray[np.float64]


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


def _line(points: Floats, numbers: NDArray[np.int_]) -> Any | None:
    """The street's middle along rising numbers, broken at gaps; None for what is no line."""
    points = points[np.argsort(numbers, kind="stable")]
    if len(points) < 2:
        return None
    parts = np.split(points, np.flatnonzero(np.hypot(*np.diff(points, axis=0).T) > LONGEST_GAP_METRES) + 1)
    drawn = [shapely.linestrings(p) for part in parts if len(p := _middle(part)) > 1]
    if not drawn:
        return None
    return drawn[0] if len(drawn) == 1 else shapely.multilinestrings(drawn)


def _middle(part: Floats) -> Floats:
    """A calm line through addresses on both sides: across the street's own direction, or along a bend, their middle."""
    if len(part) < 3:
        return part
    centre = part.mean(axis=0)
    axes = np.linalg.svd(part - centre, full_matrices=False)[2]
    along, across = (part - centre) @ axes.T[:, 0], (part - centre) @ axes.T[:, 1]
    if np.ptp(across) > BENT * np.ptp(along):
        bend = _bend(part)
        if np.hypot(*np.diff(bend, axis=0).T).sum() < WINDING * np.ptp(along):
            return bend
    edges = np.linspace(along.min(), along.max(), max(2, round(np.ptp(along) / STEP_METRES)) + 1)
    step = np.clip(np.digitize(along, edges) - 1, 0, len(edges) - 2)
    found = [(along[step == k].mean(), np.median(across[step == k])) for k in np.unique(step)]
    found = [(along.min(), found[0][1]), *found, (along.max(), found[-1][1])]
    return _calm(centre + np.array(found) @ axes)


def _bend(part: Floats) -> Floats:
    """Means of neighbours by number: courts and yards of a street that turns cannot be told from its line."""
    span = min(len(part), max(4, len(part) // 5))
    kernel = np.ones(span) / span
    return _calm(np.column_stack([np.convolve(part[:, axis], kernel, mode="valid") for axis in (0, 1)]))


def _calm(line: Floats) -> Floats:
    """Without points on top of each other, and without turns smaller than a house's depth."""
    moved = np.concatenate([[True], np.hypot(*np.diff(line, axis=0).T) > 1.0])
    kept: Floats = line[moved]
    if len(kept) > 2:
        kept = shapely.get_coordinates(shapely.simplify(shapely.linestrings(kept), CALM_METRES))
    return kept
