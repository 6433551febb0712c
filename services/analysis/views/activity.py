"""Activity: municipality × day × area set × organisation × appointment × kind → reports: who was active, and where.

The exposure of the statistics: a reporter is active on a day when anything was reported, also that all was calm
(*nollrapport*). Counted in other views is what happened; here is who looked. An appointment's token is opaque and
leads nowhere once ingest has forgotten whose it was; systems have none and are not in here. Distinct tokens are
counted when the view is read, since "how many different" is no sum.
"""

from datetime import date
from typing import NamedTuple

from services.analysis.views import View, Weight, swedish_day
from services.analysis.views.fact import Present


class ActivityKey(NamedTuple):
    """What one reporter sent on one day from one place; ``kind`` is event, zero or calendar."""

    kommun: str
    day: date
    area_set: int
    organisation: str
    reporter_token: str
    kind: str


def contributions(fact: Present) -> dict[ActivityKey, Weight]:
    """One million per report, whatever it says."""
    day = swedish_day(fact.time_from)
    key = ActivityKey(fact.kommun, day, fact.areas.number, fact.organisation, fact.reporter_token, fact.kind)
    return {key: fact.weight}


ACTIVITY = View("activity", ActivityKey, contributions)
