"""How much of a period is not here yet: the last weeks are preliminary, not a decrease (statistics reference §4.16)."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

from services.analysis.statistics import delays

LONGEST = 28
HISTORY = 180
"""Days of history that the pattern of lateness is taken from."""


def missing_share(rows: Iterable[tuple[date, int, int]], first: date, last: date, today: date) -> float:
    """Which share of the reports from first to last is still to come, 0 to 1, by how late reports have been.

    ``rows`` = (day, days late, reports) from ``HISTORY`` days before ``today`` on. 0 where nothing is known.
    """
    days = HISTORY + 1
    triangle = np.zeros((days, LONGEST + 1))
    start = today - timedelta(days=HISTORY)
    for day, late, reports in rows:
        at = (day - start).days
        if 0 <= at < days and at + min(late, LONGEST) < days:
            triangle[at, min(late, LONGEST)] += reports
    if not triangle.any():
        return 0.0
    completed = delays.completed(triangle)
    inside = slice(max(0, (first - start).days), max(0, min(days, (last - start).days + 1)))
    here, whole = float(triangle[inside].sum()), float(np.nansum(completed[inside]))
    return max(0.0, 1 - here / whole) if whole else 0.0
