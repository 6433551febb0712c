"""From findings to cases: exceedances of overlapping series are one case, which is followed until it is over.

A case is led by its most unusual series; other alarms that may hold the same reports are its evidence. It goes on while
any of its series alarms, and is over after four weeks without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.analysis.domain.series import SeriesKey
from services.analysis.domain.signals import Finding

OVER_AFTER = timedelta(weeks=4)


@dataclass(frozen=True, slots=True)
class Open:
    """A case that is not over: the series in it, and the last week in which any of them alarmed."""

    case_id: str
    lead: SeriesKey
    series: frozenset[SeriesKey]
    last_week: date


@dataclass(frozen=True, slots=True)
class Move:
    """What a week does to one case; ``case`` is None for one that opens, ``evidence`` empty for one that ends."""

    state: Literal["opened", "changed", "closed"]
    case: Open | None
    evidence: tuple[Finding, ...]


def merged(findings: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    """Cases and what supports them: each lead with the alarms that overlap it, no finding in two.

    A watched alarm supports a case and never opens one.
    """
    alarms = sorted((f for f in findings if f.state != "quiet"), key=lambda f: (f.state != "case", -f.exceedance))
    groups: list[list[Finding]] = []
    for finding in alarms:
        group = next((g for g in groups if g[0].key.overlaps(finding.key)), None)
        if group is not None:
            group.append(finding)
        elif finding.state == "case":
            groups.append([finding])
    return [tuple(g) for g in groups]


def follow(open_cases: Sequence[Open], findings: Sequence[Finding], week: date) -> list[Move]:
    """What this week does: a group that shares a series with an open case carries it on, others open.

    An open case also goes on by alarms that are only watched. One that was quiet for four weeks is closed.
    """
    moves: list[Move] = []
    used: set[str] = set()
    for group in merged(findings):
        case = _carried_by(group, [c for c in open_cases if c.case_id not in used])
        if case is not None:
            used.add(case.case_id)
        moves.append(Move("opened" if case is None else "changed", case, _led(group, case)))
    by_key = {f.key: f for f in findings if f.state != "quiet"}
    taken = {f.key for move in moves for f in move.evidence}
    for case in open_cases:
        if case.case_id in used:
            continue
        going_on = [by_key[key] for key in sorted(case.series) if key in by_key and key not in taken]
        if going_on:
            moves.append(Move("changed", case, _led(sorted(going_on, key=lambda f: -f.exceedance), case)))
        elif week - case.last_week >= OVER_AFTER:
            moves.append(Move("closed", case, ()))
    return moves


def _carried_by(group: Sequence[Finding], cases: Sequence[Open]) -> Open | None:
    """The case that a group carries on: the one whose lead is in it, else one that shares an area's series with it.

    What is of the whole municipality (a group, a type, everything) is in many cases' evidence and says nothing about
    which of them goes on, but where there is nothing else or both are of the whole themselves.
    """
    keys = {f.key for f in group}
    led = next((c for c in cases if c.lead in keys), None)
    return led or next((c for c in cases if _goes_on(c, group[0].key, keys)), None)


def _goes_on(case: Open, lead: SeriesKey, keys: set[SeriesKey]) -> bool:
    if not case.lead.overlaps(lead):
        return False  # another kind of thing, or another place: what both lie in says nothing
    shared, whole = {key for key in case.series & keys if key.area or key.kind}, not case.lead.area and not lead.area
    return any(key.area for key in shared) or (bool(shared) and (whole or keys <= case.series))


def _led(group: Sequence[Finding], case: Open | None) -> tuple[Finding, ...]:
    """The evidence with the case's own lead first, where that alarms."""
    if case is None:
        return tuple(group)
    return tuple(sorted(group, key=lambda f: f.key != case.lead))
