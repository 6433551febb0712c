"""The point that a form sends when nobody chose a place, often the town hall: it repeats far above all others."""

from collections.abc import Sequence
from typing import NamedTuple

LEAST = 20
"""Reports at one exact point below which nothing is said."""
FAR_ABOVE = 10
"""Times the count that one point in a hundred exceeds: property systems send each building's point often too."""


class Repeated(NamedTuple):
    """An exact point (EPSG:3006, decimetres) and how many reports lie at it."""

    e: float
    n: float
    reports: int


def stand_out(most: Sequence[Repeated], usual: float) -> list[Repeated]:
    """The points among the most frequent ones that nobody can have chosen so often."""
    return [p for p in most if p.reports >= LEAST and p.reports >= FAR_ABOVE * max(1.0, usual)]
