"""Sources: municipality × day × source × organisation × type × precision → reports: who tells us what, and how exactly.

The same reports as the cube's, so their sums agree. Zero reports and silence belong to the exposure, not here.
"""

from datetime import date
from typing import NamedTuple

from schemas.locations import ReportLocated
from services.analysis.views import MILLION, View, Weight, swedish_day, why_not_counted


class SourceKey(NamedTuple):
    """One source's reports of one day; ``organisation`` is empty where none is known."""

    kommun: str
    day: date
    source: str
    organisation: str
    event_type: str
    precision: str


def contributions(fact: ReportLocated) -> dict[SourceKey, Weight]:
    """One million per report."""
    if why_not_counted(fact) is not None:
        return {}
    report = fact.report
    organisation = "" if report.organisation is None else str(report.organisation)
    day, precision = swedish_day(report.time_from), fact.placement.precision
    key = SourceKey(fact.kommun, day, report.source, organisation, report.event_type, precision)
    return {key: Weight(MILLION, MILLION * report.count)}


SOURCES = View("sources", SourceKey, contributions)
