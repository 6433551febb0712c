"""Published items by place, day and type: its own view, never summed with reports.

The place is a municipality where the publisher named one exactly, else a county, else nothing; never an area.
"""

from datetime import date
from typing import NamedTuple

from schemas.context import ContextLocated
from services.analysis.views import MILLION, Weight
from services.analysis.views.cube import SWEDEN


class ContextKey(NamedTuple):
    """One cell; ``located_kommun`` and ``located_lan`` are empty where the publisher named none."""

    kommun: str
    precision: str
    located_kommun: str
    located_lan: str
    day: date
    event_type: str


def contributions(fact: ContextLocated) -> dict[ContextKey, Weight]:
    """One item on the day it happened, or on the day it was published where no time is stated."""
    item, place = fact.context, fact.placement
    if item.withdrawn:
        return {}
    day = (item.occurred_at or item.published_at).astimezone(SWEDEN).date()
    key = ContextKey(
        fact.kommun, place.precision, place.located_kommun or "", place.located_lan or "", day, item.event_type
    )
    return {key: Weight(MILLION, MILLION)}
