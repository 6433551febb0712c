"""Open states: what is broken, dark or littered (types of kind *state*) until somebody says that it is over.

Kept as changes: +1 on the day a state was first seen, −1 on the day it was closed. Open at the end of a day is the sum
over all days up to it, so the same view answers for today and for any day before. A state is closed by a revision with
``ongoing = false``, its end is ``time_to`` (contract 2).
"""

from datetime import date
from functools import cache
from typing import NamedTuple

from schemas.locations import ReportLocated
from schemas.taxonomy import current
from services.analysis.views import MILLION, View, Weight, area_set, swedish_day, why_not_counted


class StateKey(NamedTuple):
    """The changes of one day."""

    kommun: str
    day: date
    area_set: int
    event_type: str


@cache
def is_state(event_type: str) -> bool:
    """Whether reports of this type tell of something that lasts."""
    return current().group(event_type).kind == "state"


def contributions(fact: ReportLocated) -> dict[StateKey, Weight]:
    """One million on the first day, the same taken back on the day of closing; nothing when both are one."""
    report = fact.report
    if not is_state(report.event_type) or why_not_counted(fact) is not None:
        return {}
    opened = swedish_day(report.time_from)
    closed = None if report.ongoing else swedish_day(report.time_to)
    if closed == opened:
        return {}
    areas, weight = area_set(fact).number, Weight(MILLION, MILLION * report.count)
    result = {StateKey(fact.kommun, opened, areas, report.event_type): weight}
    if closed is not None:
        ended = StateKey(fact.kommun, closed, areas, report.event_type)
        result[ended] = Weight(-weight.reports, -weight.seen)
    return result


STATES = View("states", StateKey, contributions, signed=True)
