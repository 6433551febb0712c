"""Cells: municipality × week × H3 cell × type → reports, for density and hot spots.

Cells are attributes that geo gave for counting, never for assignment to areas (geo reference §4). A report without a
point is in cell 0, so that each resolution sums to the cube's total. One row holds both resolutions, since H3's cells
do not nest exactly: a point's cell of resolution 9 is not always the parent of its cell of resolution 10.
"""

from datetime import date
from typing import NamedTuple

from schemas.locations import ReportLocated
from services.analysis.views import MILLION, View, Weight, monday, swedish_day, why_not_counted

NO_CELL = 0


class CellKey(NamedTuple):
    """H3's 64-bit numbers of resolution 9 and 10 (edges of about 200 and 75 m, statistics reference §4.12)."""

    kommun: str
    week: date
    r9: int
    r10: int
    event_type: str


def contributions(fact: ReportLocated) -> dict[CellKey, Weight]:
    """One million per report."""
    if why_not_counted(fact) is not None:
        return {}
    report, cells = fact.report, fact.placement.cells
    r9, r10 = (int(cells[r], 16) if r in cells else NO_CELL for r in ("9", "10"))
    key = CellKey(fact.kommun, monday(swedish_day(report.time_from)), r9, r10, report.event_type)
    return {key: Weight(MILLION, MILLION * report.count)}


CELLS = View("cells", CellKey, contributions)
