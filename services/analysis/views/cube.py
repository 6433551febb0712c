"""The cube: municipality × day × area set × type × source → reports, and how many were seen.

An area set stands for the areas of every layer that a report lies in (``unplaced`` included), so one row serves all
layers, and each layer's areas sum to the same total. Days are Europe/Stockholm, the day of an interval is that of its
start (contract 7).
"""

from datetime import date
from typing import NamedTuple

from services.analysis.views import View, Weight
from services.analysis.views.fact import Counted


class CubeKey(NamedTuple):
    """One cell of the cube."""

    kommun: str
    day: date
    area_set: int
    event_type: str
    source: str


def contributions(fact: Counted) -> dict[CubeKey, Weight]:
    """One million per report."""
    return {CubeKey(fact.kommun, fact.day, fact.areas.number, fact.event_type, fact.source): fact.weight}


CUBE = View("cube", CubeKey, contributions)
