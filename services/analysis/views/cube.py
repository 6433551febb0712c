"""The cube: municipality × layer × area × day × type × source → reports, and how many were seen.

Days are Europe/Stockholm, the day of an interval is that of its start (contract 7). Zero reports and the calendar
never enter (contract 8). A withdrawn or merged report contributes nothing. Every layer's areas, ``unplaced`` included,
sum to the same total.
"""

from collections import defaultdict
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.locations import ReportLocated
from schemas.taxonomy import counts_as_event
from services.analysis.views import Weight, shares

SWEDEN = ZoneInfo("Europe/Stockholm")


class CubeKey(NamedTuple):
    """One cell of the cube."""

    kommun: str
    layer: str
    area: str
    day: date
    event_type: str
    source: str


def why_not_counted(fact: ReportLocated) -> str | None:
    """Why the fact contributes nothing: withdrawn, merged, not_an_event; None when it counts."""
    if fact.report.withdrawn:
        return "withdrawn"
    if fact.report.merged_into is not None:
        return "merged"
    return None if counts_as_event(fact.report.event_type) else "not_an_event"


def contributions(fact: ReportLocated) -> dict[CubeKey, Weight]:
    """One million per layer, shared equally over the layer's matching areas."""
    if why_not_counted(fact) is not None:
        return {}
    report = fact.report
    day = report.time_from.astimezone(SWEDEN).date()
    by_layer: dict[str, list[str]] = defaultdict(list)
    for ref in fact.placement.areas:
        by_layer[ref.layer].append(ref.area)
    result: dict[CubeKey, Weight] = {}
    for layer, areas in by_layer.items():
        distinct = sorted(set(areas))
        for area, share in zip(distinct, shares(len(distinct)), strict=True):
            key = CubeKey(fact.kommun, layer, area, day, report.event_type, report.source)
            result[key] = Weight(share, share * report.count)
    return result
