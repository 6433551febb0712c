"""Where it is dense: cells ranked by counts shrunk to their neighbourhood, beside what is usual, and how the map hit.

A description of what was reported, never a forecast, never about persons.

Cells are H3's of resolution 9 (statistics reference §4.12). *Expected* is the mean of the same cell over the periods
before; the rate is per square kilometre of the cell's own area, since cells in Sweden differ by a seventh. Gi* says
where the neighbourhood is above the mean by more than chance (Benjamini–Hochberg over all cells).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from schemas.values import UNPLACED
from services.analysis.domain.certainty import FEWEST, Word, judged
from services.analysis.domain.series import own as is_own
from services.analysis.statistics import hotspots, multiplicity, repeats

SHARE = 0.05
"""Of the cells, in the self-check: the densest twentieth."""
BANDS = repeats.Bands((0.0, 200.0, 400.0, float("inf")), (0.0, 7.0, 14.0, 28.0, float("inf")))
"""Within 200 m and a week is what is told; the others make the table whole."""
REPLICATES = 999
FEWEST_EVENTS = 30
SAME = 50.0
"""Metres."""
MOST_EVENTS = 3_000
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the map. ``expected`` None where there is no period before; ``km2`` its own area."""

    cell: str
    count: float
    expected: float | None
    density: float
    km2: float
    z: float | None
    q: float
    word: Word

    @property
    def rate(self) -> float:
        """Reports per square kilometre."""
        return self.count / self.km2


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """How the map of the period before hit this one: reports in its densest twentieth, of how many, times chance."""

    inside: int
    total: int
    times: float


@dataclass(frozen=True, slots=True)
class Density:
    """The cells, the densest first; ``check`` None where there was no period before to map."""

    cells: Sequence[Cell]
    check: SelfCheck | None


def rank(periods: Sequence[Mapping[str, float]]) -> Density:
    """``periods``: cell → reports, the oldest first, the one that is shown last. Cells without a place are left out."""
    import h3

    now, before = periods[-1], periods[:-1]
    density = hotspots.shrunken(now, _ring)
    cells = sorted(density)
    at = {cell: i for i, cell in enumerate(cells)}
    near = [[at[n] for n in _ring(cell) if n in at] for cell in cells]
    counted = [now.get(cell, 0.0) for cell in cells]
    z = hotspots.gi_star(counted, near) if len(cells) > 1 else np.full(len(cells), np.nan)
    q = _above(z)
    found = [
        Cell(
            cell,
            now.get(cell, 0.0),
            sum(p.get(cell, 0.0) for p in before) / len(before) if before else None,
            density[cell],
            h3.cell_area(cell, unit="km^2"),
            None if np.isnan(z[i]) else float(z[i]),
            float(q[i]),
            judged(now.get(cell, 0.0), float(q[i])),
        )
        for i, cell in enumerate(cells)
    ]
    found.sort(key=lambda c: (-c.density / c.km2, c.cell))
    return Density(found, _check(before[-1], now) if before and before[-1] else None)


@lru_cache(maxsize=100_000)
def _ring(cell: str) -> tuple[str, ...]:
    """Its six neighbours; a town's cells are asked for again and again."""
    import h3

    return tuple(other for other in h3.grid_disk(cell, 1) if other != cell)


def _above(z: Any) -> Any:
    """BH-adjusted one-sided p of every z."""
    from scipy.special import ndtr

    p = np.where(np.isnan(z), 1.0, ndtr(-np.nan_to_num(z)))
    return multiplicity.adjusted(p) if len(p) else p


def _check(before: Mapping[str, float], now: Mapping[str, float]) -> SelfCheck | None:
    """Only what happened where the earlier map had cells is counted, as in the reference's hold-out."""
    ranking = hotspots.shrunken(before, _ring)
    top = int(SHARE * len(ranking))
    inside = [cell for cell in ranking if now.get(cell)]
    if not top or not inside:
        return None
    order = sorted(ranking, key=lambda cell: (-ranking[cell], now.get(cell, 0.0)))
    return SelfCheck(
        round(sum(now.get(cell, 0.0) for cell in order[:top])),
        round(sum(now[cell] for cell in inside)),
        hotspots.hit_rate(now, ranking, SHARE),
    )


_STEPS = (0.02, 0.05, 0.10, 0.25)
"""Shares of the cells that the darkest four classes cover: by rank, since densities have long tails."""
MOST_DRAWN, MOST_TOLD = 200, 8


def steps(cells: Sequence[Cell]) -> list[tuple[str, int]]:
    """(cell, colour class from 1 to 5) of those that have reports, the densest first."""
    return [(c.cell, 5 - sum(i / len(cells) >= limit for limit in _STEPS)) for i, c in enumerate(cells) if c.count]


def told(found: Density, areas: Mapping[str, str], weeks: int) -> Document:
    """What a draft says of it: the densest cells with the area that most of each lies in, and the map's classes.

    Only cells with five reports and more: a picture goes to more people than single places do.
    """
    enough = {c.cell for c in found.cells if c.count >= FEWEST}
    top = [c for c in found.cells if c.cell in enough][:MOST_TOLD]
    return {
        "weeks": weeks,
        "cells": [
            {
                "cell": c.cell,
                "area": areas.get(c.cell, UNPLACED),
                "count": round(c.count),
                "expected": None if c.expected is None else round(c.expected, 4),
                "word": c.word,
            }
            for c in top
        ],
        "map": [[cell, step] for cell, step in steps(found.cells) if cell in enough][:MOST_DRAWN],
        "check": None if found.check is None else asdict(found.check),
    }


def own(periods: Sequence[Mapping[str, float]], areas: Mapping[str, str], kommun: str) -> list[dict[str, float]]:
    """The periods without cells that lie in another municipality; ``areas``: cell → the area that most lies in."""
    return [{cell: n for cell, n in period.items() if is_own(areas.get(cell, UNPLACED), kommun)} for period in periods]


class Event(NamedTuple):
    """One report with a point: metres east and north (EPSG:3006), and its day as a number."""

    east: float
    north: float
    day: int


def near_repeats(events: Mapping[str, Sequence[Event]]) -> list[Document]:
    """Per type: how many pairs lie within 200 m and a week, beside what chance gives; q over the types.

    Reports of the same type, day and 50 metres are taken as one event: they are likely the same, told twice.
    """
    found: list[Document] = []
    for kind in sorted(events):
        once = _once(sorted(events[kind], key=lambda e: (e.day, e.east, e.north))[-MOST_EVENTS:])
        if len(once) < FEWEST_EVENTS:
            continue
        table = repeats.repeats([(e.east, e.north) for e in once], [e.day for e in once], BANDS, replicates=REPLICATES)
        assert table.p is not None  # noqa: S101 - narrows the type: replicates were asked for
        found.append(
            {
                "kind": kind,
                "events": len(once),
                "pairs": int(table.observed[0, 0]),
                "expected": round(float(table.expected[0, 0]), 4),
                "p": float(table.p[0, 0]),
            }
        )
    for one, q in zip(found, multiplicity.adjusted([f["p"] for f in found]), strict=True):
        one["q"] = float(q)
    return found


def _of_day(kept: Sequence[Event], day: int) -> Iterator[Event]:
    """Those at the end, as long as they are of the day."""
    return takewhile(lambda event: event.day == day, reversed(kept))


def _once(events: Sequence[Event]) -> list[Event]:
    """Without those within 50 metres of one of the same day; ``events`` in the order of days."""
    kept: list[Event] = []
    for event in events:
        if not any(math.dist(k[:2], event[:2]) <= SAME for k in _of_day(kept, event.day)):
            kept.append(event)
    return kept
