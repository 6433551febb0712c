"""The cube: municipality × day × area set × type × source → reports, and how many were seen.

An area set stands for the areas of every layer that a report lies in (``unplaced`` included), so one row serves all
layers, and each layer's areas sum to the same total. Days are Europe/Stockholm, the day of an interval is that of its
start (contract 7). Zero reports and the calendar never enter (contract 8). A withdrawn or merged report contributes
nothing.
"""

from datetime import date
from typing import NamedTuple

from schemas.locations import ReportLocated
from services.analysis.views import MILLION, View, Weight, area_set, swedish_day, why_not_counted


class CubeKey(NamedTuple):
    """One cell of the cube."""

    kommun: str
    day: date
    area_set: int
    event_type: str
    source: str


def contributions(fact: ReportLocated) -> dict[CubeKey, Weight]:
    """One million per report."""
    if why_not_counted(fact) is not None:
        return {}
    report = fact.report
    day, areas = swedish_day(report.time_from), area_set(fact).number
    key = CubeKey(fact.kommun, day, areas, report.event_type, report.source)
    return {key: Weight(MILLION, MILLION * report.count)}


CUBE = View("cube", CubeKey, contributions)
