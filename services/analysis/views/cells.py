"""Cells: municipality × week × H3 cell × type → reports, for density and hot spots.

Cells are attributes that geo gave for counting, never for assignment to areas (geo reference §4). A report without a
point is in cell 0, so that each resolution sums to the cube's total. One row holds both resolutions, since H3's cells
do not nest exactly: a point's cell of resolution 9 is not always the parent of its cell of resolution 10.
"""

from datetime import date
from typing import NamedTuple

from services.analysis.views import View, Weight
from services.analysis.views.fact import Counted


class CellKey(NamedTuple):
    """H3's 64-bit numbers of resolution 9 and 10 (edges of about 200 and 75 m, statistics reference §4.12)."""

    kommun: str
    week: date
    r9: int
    r10: int
    event_type: str


def contributions(fact: Counted) -> dict[CellKey, Weight]:
    """One million per report."""
    return {CellKey(fact.kommun, fact.week, fact.r9, fact.r10, fact.event_type): fact.weight}


CELLS = View("cells", CellKey, contributions)
