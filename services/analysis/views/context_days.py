"""Published items by place, day and type: its own view, never summed with reports.

The place is a municipality where the publisher named one exactly, else a county, else nothing; never an area.
"""

from datetime import date
from typing import NamedTuple

from schemas.context import ContextLocated
from services.analysis.views import MILLION, View, Weight, swedish_day


class ContextKey(NamedTuple):
    """One cell; ``located_kommun`` and ``located_lan`` are empty where the publisher named none."""

    kommun: str
    day: date
    precision: str
    located_kommun: str
    located_lan: str
    event_type: str


def published(fact: ContextLocated) -> ContextLocated | None:
    """The item, None when its publisher has withdrawn it."""
    return None if fact.context.withdrawn else fact


def day_of(fact: ContextLocated) -> date:
    """The day the item happened, or was published where no time is stated."""
    return swedish_day(fact.context.occurred_at or fact.context.published_at)


def contributions(fact: ContextLocated) -> dict[ContextKey, Weight]:
    """One item on the day it happened, or on the day it was published where no time is stated."""
    item, place = fact.context, fact.placement
    key = ContextKey(
        fact.kommun, day_of(fact), place.precision, place.located_kommun or "", place.located_lan or "", item.event_type
    )
    return {key: Weight(MILLION, MILLION)}


CONTEXT_DAYS = View("context_days", ContextKey, contributions)
