"""The numbers as they were known at a moment: those of now, and what the versions that came since have changed.

A version was known from when it was placed. Of a report that was anonymised since, only that version is left; it counts
from when the report came in, since gallring changes no number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.analysis.domain.selection import GroupBy, Selection
from services.analysis.views import MILLION
from services.analysis.views.fact import AreaShare, Counted, LocatedReport, counted

_OF: Mapping[GroupBy, Callable[[Counted, AreaShare], Any]] = {
    "day": lambda fact, _share: fact.day,
    "week": lambda fact, _share: fact.week,
    "area": lambda _fact, share: share.area,
    "type": lambda fact, _share: fact.event_type,
    "group": lambda fact, _share: fact.event_type[0],
    "source": lambda fact, _share: fact.source,
    "layer": lambda _fact, share: share.layer,
}
Version = tuple[int, int]
Sums = list[tuple[tuple[Any, ...], int, int]]
"""(groups, reports, seen) in millionths, in the order of the groups."""


class Changed(NamedTuple):
    """A version of a report."""

    version: Version
    fact: LocatedReport
    newest: bool


def then(now: Sums, changed: Sequence[Changed], at: datetime, chosen: Selection, by: tuple[GroupBy, ...]) -> Sums:
    """What ``now`` was at a moment. ``changed``: all versions of the reports whose newest one was placed after it."""
    newest = [found for one in changed if one.newest and (found := counted(one.fact)) is not None]
    stood = standing(((one.version, one.fact) for one in changed), at)
    sums = {group: [reports, seen] for group, reports, seen in now}
    for sign, facts in ((-1, newest), (1, stood)):
        for group, reports, seen in counts(facts, chosen, by):
            row = sums.setdefault(group, [0, 0])
            row[0] += sign * reports
            row[1] += sign * seen
    return [(group, *sums[group]) for group in sorted(sums) if any(sums[group]) or not by]  # type: ignore[misc]  # two sums each


def standing(versions: Iterable[tuple[Version, LocatedReport]], at: datetime) -> list[Counted]:
    """Of every report the newest version that was known at a moment, of those that count."""
    newest: dict[Any, tuple[Version, LocatedReport]] = {}
    for version, fact in versions:
        known_from = fact.report.received_at if fact.report.anonymised else fact.placement.placed_at
        ident = fact.report.report_id
        if known_from <= at and (ident not in newest or newest[ident][0] < version):
            newest[ident] = (version, fact)
    return [found for _, fact in newest.values() if (found := counted(fact)) is not None]


def counts(facts: Iterable[Counted], chosen: Selection, by: tuple[GroupBy, ...]) -> Sums:
    """What ``store.numbers.counts`` says of the same facts."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    if not by:
        sums[()] = [0, 0]
    for fact in facts:
        if not (chosen.first <= fact.day <= chosen.last and _wanted(fact, chosen)):
            continue
        for share in fact.areas.shares:
            if share.layer == chosen.layer and (not chosen.areas or share.area in chosen.areas):
                row = sums[tuple(_OF[g](fact, share) for g in by)]
                row[0] += fact.weight.reports // MILLION * share.share
                row[1] += fact.weight.seen // MILLION * share.share
    return [(group, *sums[group]) for group in sorted(sums)]  # type: ignore[misc]  # two sums each


def _wanted(fact: Counted, chosen: Selection) -> bool:
    kinds = not chosen.types or fact.event_type in chosen.types or fact.event_type[0] in chosen.types
    return kinds and (not chosen.sources or fact.source in chosen.sources)
