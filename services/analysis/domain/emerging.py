"""What gathers in space and time: the nightly scan of a municipality's reports, and what its clusters say as evidence.

Prospective space-time permutation scan (statistics reference §4.11) of a year, each group of types by itself, over
the H3 cells of resolution 9. A cluster is a signal when chance alone would give its group one as strong less than once
a year of nightly looks. A rise that lasts three days in two blocks is seen here, and hardly in the weekly series.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from services.analysis.domain.case_documents import GATHERED
from services.analysis.statistics.clusters import Cluster, Scan, scan
from services.analysis.views import MILLION

SETTING = Scan(max_days=28, max_radius_km=1.0, min_cases=5, replicates=999, enough=20)
DAYS = 365
RECURRENCE = 365
"""A signal: in its group, chance alone gives one as strong once in so many nights or more seldom (§4.11)."""
AT_ONCE = 2
"""Groups that are scanned side by side: what takes the time lets go of the interpreter."""
FEWEST_APART = 3
"""Different cells and days with reports: six people who report one fire are one event."""
Document = dict[str, Any]


class CellDay(NamedTuple):
    """Reports of one H3 cell (resolution 9), day, group of types and area, in millionths."""

    cell: int
    day: date
    group: str
    area: str
    reports: int


@dataclass(frozen=True, slots=True)
class Emerging:
    """One cluster. ``cells`` = H3's names, from the middle outwards; ``area`` holds most of it."""

    kind: str
    area: str
    cells: tuple[str, ...]
    first: date
    last: date
    observed: int
    expected: float
    ratio: float
    p: float
    spread: int

    @property
    def recurrence(self) -> int:
        """Nights between clusters as strong by chance alone."""
        return round(1 / self.p)

    @property
    def signal(self) -> bool:
        """Seldom enough to be told, and not one event that many told of: on three days or in three cells at least."""
        return self.recurrence >= RECURRENCE and self.spread >= FEWEST_APART

    def document(self) -> Document:
        """As it is kept."""
        return {
            "kind": self.kind,
            "area": self.area,
            "cells": list(self.cells),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "observed": self.observed,
            "expected": round(self.expected, 4),
            "llr": round(self.ratio, 6),
            "p": self.p,
            "recurrence": self.recurrence,
        }


def look(rows: Iterable[CellDay], last: date, setting: Scan = SETTING) -> tuple[list[Emerging], int]:
    """Clusters that end on ``last``, the least likely first, and how many groups were scanned."""
    by_group: dict[str, dict[tuple[int, date], int]] = defaultdict(lambda: defaultdict(int))
    areas: dict[str, dict[tuple[int, date], dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    first = last - timedelta(days=DAYS - 1)
    for row in rows:
        if first <= row.day <= last:
            by_group[row.group][row.cell, row.day] += row.reports
            shares = areas[row.group][row.cell, row.day]
            shares[row.area] = shares.get(row.area, 0) + row.reports

    def of_group(kind: str) -> list[Emerging]:
        return _of_group(kind, by_group[kind], areas[kind], (first, last), setting)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [one for some in pool.map(of_group, sorted(by_group)) for one in some]
    return sorted(found, key=lambda e: (e.p, -e.ratio)), len(by_group)


def _of_group(
    kind: str,
    sums: Mapping[tuple[int, date], int],
    areas: Mapping[tuple[int, date], Mapping[str, int]],
    span: tuple[date, date],
    setting: Scan,
) -> list[Emerging]:
    import h3

    first = span[0]
    cells = sorted({cell for cell, _ in sums})
    at = {cell: i for i, cell in enumerate(cells)}
    grid = np.zeros((len(cells), DAYS), np.int64)
    for (cell, day), reports in sums.items():
        grid[at[cell], (day - first).days] = round(reports / MILLION)
    names = [f"{cell:x}" for cell in cells]
    places = np.array([h3.cell_to_latlng(name) for name in names])
    return [_emerging(kind, cluster, (cells, names), areas, first) for cluster in scan(places, grid, setting, most=3)]


def _emerging(
    kind: str,
    cluster: Cluster,
    known: tuple[Sequence[int], Sequence[str]],
    areas: Mapping[tuple[int, date], Mapping[str, int]],
    first: date,
) -> Emerging:
    cells, names = known
    start, end = (first + timedelta(days=d) for d in (cluster.first_day, cluster.last_day))
    inside = {cells[i] for i in cluster.locations}
    weights: dict[str, int] = defaultdict(int)
    spread = 0
    for (cell, day), shares in areas.items():
        if cell in inside and start <= day <= end:
            spread += 1
            for area, share in shares.items():
                weights[area] += share
    area = max(sorted(weights), key=lambda a: weights[a])
    members = tuple(names[i] for i in cluster.locations)
    counted = (cluster.cases, cluster.expected, cluster.llr, cluster.p)
    return Emerging(kind, area, members, start, end, *counted, spread)


def evidence(found: Emerging) -> Document:
    """A cluster as a case's evidence, beside the weekly series' fields that it has."""
    return {
        "area": found.area,
        "kind": found.kind,
        "method": GATHERED,
        "days": (found.last - found.first).days + 1,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "observed": found.observed,
        "expected": round(found.expected, 4),
        "cells": list(found.cells),
        "p": found.p,
        "recurrence": found.recurrence,
        "state": "case",
    }


def parameters() -> Document:
    """How is looked, and what is a signal: kept with every night and every case."""
    return {"setting": asdict(SETTING), "recurrence": RECURRENCE, "apart": FEWEST_APART}


def counted_again(rows: Iterable[CellDay], evidence: Document) -> int:
    """The reports of a case's gathering as they are now: of its kind, in its cells, on its days."""
    cells = {int(name, 16) for name in evidence["cells"]}
    first, last = (date.fromisoformat(evidence[day]) for day in ("first", "last"))
    sums: dict[tuple[int, date], int] = defaultdict(int)
    for row in rows:
        if row.group == evidence["kind"] and row.cell in cells and first <= row.day <= last:
            sums[row.cell, row.day] += row.reports
    return sum(round(reports / MILLION) for reports in sums.values())


def carried_by(found: Emerging, documents: Mapping[str, Document]) -> str | None:
    """The open case that a cluster belongs to: one of the same place and kind, or one whose cells it shares."""
    cells = set(found.cells)
    for ident, document in documents.items():
        if document["lead"] == [found.area, found.kind]:
            return ident
        if document["lead"][1] == found.kind and cells & set(document.get("cells", ())):
            return ident
    return None
