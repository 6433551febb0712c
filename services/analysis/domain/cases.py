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
        keys = {f.key for f in group}
        case = next((c for c in open_cases if c.case_id not in used and c.series & keys), None)
        if case is not None:
            used.add(case.case_id)
        moves.append(Move("opened" if case is None else "changed", case, group))
    by_key = {f.key: f for f in findings if f.state != "quiet"}
    taken = {f.key for move in moves for f in move.evidence}
    for case in open_cases:
        if case.case_id in used:
            continue
        going_on = tuple(by_key[key] for key in sorted(case.series) if key in by_key and key not in taken)
        if going_on:
            moves.append(Move("changed", case, going_on))
        elif week - case.last_week >= OVER_AFTER:
            moves.append(Move("closed", case, ()))
    return moves
