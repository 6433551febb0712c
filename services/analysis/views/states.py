"""Open states: what is broken, dark or littered (types of kind *state*) until somebody says that it is over.

Kept as changes: +1 on the day a state was first seen, −1 on the day it was closed. Open at the end of a day is the sum
over all days up to it, so the same view answers for today and for any day before. A state is closed by a revision with
``ongoing = false``, its end is ``time_to`` (contract 2).
"""

from datetime import date
from functools import cache
from typing import NamedTuple

from schemas.taxonomy import current
from services.analysis.views import View, Weight, swedish_day
from services.analysis.views.fact import Counted


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


def stands_until(fact: Counted) -> date | None:
    """The day on which a state was closed, the last of all days while nobody has said so; None for what never stood."""
    if not is_state(fact.event_type):
        return None
    closed = date.max if fact.ongoing else swedish_day(fact.time_to)
    return closed if closed > fact.day else None


def contributions(fact: Counted) -> dict[StateKey, Weight]:
    """One million on the first day, the same taken back on the day of closing; nothing when both are one."""
    until = stands_until(fact)
    if until is None:
        return {}
    opened = StateKey(fact.kommun, fact.day, fact.areas.number, fact.event_type)
    if until == date.max:
        return {opened: fact.weight}
    return {opened: fact.weight, opened._replace(day=until): Weight(-fact.weight.reports, -fact.weight.seen)}


STATES = View("states", StateKey, contributions, signed=True)
