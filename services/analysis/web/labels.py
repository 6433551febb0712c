"""What maps and addresses of the picture's pages need to name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from services.analysis.domain.cells import ring
from services.pages import plane
from services.pages.maps import Ring

KIND = re.compile(r"^[A-E](?:\d{1,2}|-X\d{1,3})?$")
"""A group of what is counted, or a type in it, the municipality's own among them."""


def days_from(first: date, days: int, *, back: int = 0) -> str:
    """So many days from the first, or so many times as many before them, as a query."""
    start = first - timedelta(days=back * days)
    return f"from={start}&to={start + timedelta(days=days - 1)}"


def rings(steps: Iterable[Sequence[Any]]) -> list[Ring]:
    """(cell, colour class) as rings to draw on a map."""
    return [(ring(cell), step) for cell, step in steps]


def outer_rings(feature: Mapping[str, Any], step: int) -> list[Ring]:
    """The outlines of a GeoJSON polygon or several, their holes left out."""
    return [([(lon, lat) for lon, lat, *_ in polygon[0]], step) for polygon in plane.polygons(feature)]
