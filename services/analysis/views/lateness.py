"""Lateness: municipality × day × source × days late → reports: how much of the last days is not here yet.

A report's day is that of the cube (the start of its interval), its lateness the days from then until its first version
came in; 60 stands for that and more. What came before it happened (a wrong clock) is not late.
"""

from datetime import date
from typing import NamedTuple

from services.analysis.views import View, Weight, swedish_day
from services.analysis.views.fact import Counted

LONGEST = 60


class LatenessKey(NamedTuple):
    """One day's reports of one source that came equally late."""

    kommun: str
    day: date
    source: str
    late: int


def contributions(fact: Counted) -> dict[LatenessKey, Weight]:
    """One million per report."""
    late = (swedish_day(fact.received_at) - fact.day).days
    return {LatenessKey(fact.kommun, fact.day, fact.source, min(max(late, 0), LONGEST)): fact.weight}


LATENESS = View("lateness", LatenessKey, contributions)
