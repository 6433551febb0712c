"""Sources: municipality × day × source × organisation × type × precision → reports: who tells us what, and how exactly.

The same reports as the cube's, so their sums agree. Zero reports and silence belong to the exposure, not here.
"""

from datetime import date
from typing import NamedTuple

from services.analysis.views import View, Weight
from services.analysis.views.fact import Counted


class SourceKey(NamedTuple):
    """One source's reports of one day; ``organisation`` is empty where none is known."""

    kommun: str
    day: date
    source: str
    organisation: str
    event_type: str
    precision: str


def contributions(fact: Counted) -> dict[SourceKey, Weight]:
    """One million per report."""
    key = SourceKey(fact.kommun, fact.day, fact.source, fact.organisation, fact.event_type, fact.precision)
    return {key: fact.weight}


SOURCES = View("sources", SourceKey, contributions)
