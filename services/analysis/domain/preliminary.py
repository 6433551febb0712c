"""How much of a period is not here yet: the last weeks are preliminary, not a decrease (statistics reference §4.16)."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

import numpy as np

from services.analysis.statistics import delays
from services.analysis.views import MILLION, SWEDEN
from services.analysis.views.lateness import LONGEST as UNTOLD

LONGEST = 28
"""After so many days nothing more is waited for."""
HISTORY = 180
"""Days of history that the pattern of lateness is taken from."""
_BROUGHT_IN, _MANY = 0.25, 20
"""A day on which more than this share of what came, and so many, was over four weeks old brought history in: nobody was
late. Where reports are few, a single late one is a large share of its day."""

Late = tuple[date, int, int]
"""(day, days late, reports in millionths)."""


def missing_share(rows: Iterable[Late], first: date, last: date, today: date) -> float:
    """Which share of the reports from first to last is still to come, 0 to 1, by how late reports have been.

    ``rows`` from ``HISTORY`` days before ``today`` on. 0 where nothing is known. Every day of the period weighs alike:
    one of which nothing is here yet is not complete for that. What an import brought says nothing about lateness, and
    is left out.
    """
    days = HISTORY + 1
    triangle = np.zeros((days, LONGEST + 1))
    start = today - timedelta(days=HISTORY)
    for day, late, reports in _as_it_came(list(rows)):
        at = (day - start).days
        if 0 <= at < days and at + min(late, LONGEST) < days:
            triangle[at, min(late, LONGEST)] += reports
    if not triangle.any():
        return 0.0
    share = delays.arrived_share(triangle)
    ages = [min((today - first).days - n, LONGEST) for n in range((last - first).days + 1)]
    return float(np.mean([1 - share[max(age, 0)] for age in ages])) if ages else 0.0


def still_to_come(rows: Iterable[Late], first: date, last: date, now: datetime) -> float:
    """The same of a period that may not be over: what of it lies ahead is missing too."""
    at = now.astimezone(SWEDEN)
    late = missing_share(rows, first, min(last, at.date()), at.date())
    if last < at.date():
        return late
    whole = (last - first).days + 1
    gone = (at - datetime.combine(first, time(), SWEDEN)) / timedelta(days=1)
    return 1 - (1 - late) * min(1.0, max(0.0, gone / whole))


def waited_for(p: Callable[[float], float], now: float, expected: float, missing: float) -> float:
    """The p that a decrease has beside what should have come by now; 0 where nothing is missing, or nothing is fewer.

    ``p``: of the count at a share of the period. 1 where it is fewer only by what is still to come.
    """
    if not missing or now >= expected:
        return 0.0
    by_now = 1 - missing
    return p(by_now) if now < expected * by_now else 1.0


def _as_it_came(rows: list[Late]) -> list[Late]:
    """Those that came in by themselves; of ``UNTOLD`` days and more it is not known when they came."""
    came, old = Counter[date](), Counter[date]()
    for day, late, reports in rows:
        if late < UNTOLD:
            came[day + timedelta(days=late)] += reports
            old[day + timedelta(days=late)] += reports if late > LONGEST else 0
    return [
        (day, late, reports)
        for day, late, reports in rows
        if late < UNTOLD and old[at := day + timedelta(days=late)] <= max(_MANY * MILLION, _BROUGHT_IN * came[at])
    ]
