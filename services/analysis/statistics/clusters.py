"""Emerging clusters: the space-time permutation scan (statistics reference §4.11; Kulldorff et al. 2005).

Needs only cases with place and day, no population, and absorbs a rise in reporting that all areas share, but not a
local one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
EARTH_KM = 6367.0


@dataclass(frozen=True, slots=True)
class Scan:
    """How to look: circles up to a radius around every location, over the last days (or any, when not prospective)."""

    max_days: int = 28
    max_radius_km: float = 1.0
    max_share: float = 0.5
    min_cases: int = 2
    replicates: int = 999
    prospective: bool = True
    seed: int = 1
    enough: int | None = None
    """Stop drawing when so many replicates were as strong as the strongest (Besag & Clifford 1991, sequential Monte
    Carlo): what is nothing special is known after a few, and p stays a fair one."""


class Cluster(NamedTuple):
    """More cases than their places and days foretell. ``locations`` from the centre outwards, days inclusive.

    ``p`` is the rank among replicates in which the days were dealt out anew.
    """

    locations: tuple[int, ...]
    first_day: int
    last_day: int
    cases: int
    expected: float
    llr: float
    p: float

    @property
    def recurrence(self) -> float:
        """Days between clusters as strong as this by chance alone, when looked at daily."""
        return 1 / self.p


class _Zones(NamedTuple):
    """All circles: locations in order of distance, one stretch per centre; a circle is a stretch up to ``ends``."""

    order: Ints
    starts: Ints
    ends: Ints


def scan(locations: npt.ArrayLike, cases: npt.ArrayLike, setting: Scan, *, most: int = 10) -> list[Cluster]:
    """Clusters that share no location, the strongest first.

    ``locations`` (n, 2) latitude and longitude in degrees; ``cases`` (n, days) counts, the last day is now.
    """
    grid = np.asarray(cases, np.int64)
    total = int(grid.sum())
    if total < setting.min_cases:
        return []
    zones = _zones(np.asarray(locations, float), setting.max_radius_km)
    by_place = grid.sum(axis=1)
    zone_cases = _circle_sums(by_place[:, None], zones)[:, 0]
    kept = zone_cases <= setting.max_share * total
    windows = _windows(grid.shape[1], setting)
    by_day = grid.sum(axis=0)
    days = np.array([by_day[a : b + 1].sum() for a, b in windows])
    expected = zone_cases[:, None] * days[None, :] / total
    ratios = _ratios(_counted(grid, zones, windows), expected, total, setting.min_cases)
    ratios[~kept] = 0.0
    strongest = _replicated(grid, (zones, windows, kept), setting, observed=float(ratios.max(initial=0.0)))
    found: list[Cluster] = []
    taken: set[int] = set()
    for flat in np.argsort(-ratios, axis=None, kind="stable"):
        zone, window = divmod(int(flat), len(windows))
        ratio = float(ratios[zone, window])
        if ratio <= 0 or len(found) == most:
            break
        members = tuple(int(i) for i in zones.order[zones.starts[zone] : zones.ends[zone] + 1])
        if taken.isdisjoint(members):
            taken.update(members)
            first, last = windows[window]
            count = int(grid[list(members), first : last + 1].sum())
            p = (1 + int((strongest >= ratio - 1e-9).sum())) / (len(strongest) + 1)
            found.append(Cluster(members, first, last, count, float(expected[zone, window]), ratio, p))
    return found


def _zones(locations: Floats, radius: float) -> _Zones:
    """Circles that are whole: a radius counts only when everything at that distance is inside."""
    lat, lon = np.radians(locations[:, 0]), np.radians(locations[:, 1])
    order, starts, ends = [], [], []
    at = 0
    for i in range(len(locations)):
        half = np.sin((lat - lat[i]) / 2) ** 2 + np.cos(lat) * np.cos(lat[i]) * np.sin((lon - lon[i]) / 2) ** 2
        far = np.round(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1, half))), 9)
        near = np.flatnonzero(far <= radius)
        near = near[np.argsort(far[near], kind="stable")]
        whole = np.flatnonzero(np.append(far[near][1:] > far[near][:-1], True))
        order.append(near)
        starts.append(np.full(len(whole), at))
        ends.append(at + whole)
        at += len(near)
    return _Zones(np.concatenate(order), np.concatenate(starts), np.concatenate(ends))


def _windows(days: int, setting: Scan) -> list[tuple[int, int]]:
    if setting.prospective:
        return [(days - d, days - 1) for d in range(1, min(setting.max_days, days) + 1)]
    return [(a, a + d - 1) for d in range(1, setting.max_days + 1) for a in range(days - d + 1)]


def _circle_sums(values: Ints, zones: _Zones) -> Ints:
    """Sums over the locations of every circle, per column."""
    running = np.cumsum(values[zones.order], axis=0)
    return np.asarray(running[zones.ends] - running[zones.starts] + values[zones.order[zones.starts]])


def _counted(grid: Ints, zones: _Zones, windows: Sequence[tuple[int, int]]) -> Ints:
    """Cases of every circle in every window."""
    upto = np.concatenate([np.zeros((len(grid), 1), np.int64), np.cumsum(grid, axis=1)], axis=1)
    each = np.stack([upto[:, b + 1] - upto[:, a] for a, b in windows], axis=1)
    return _circle_sums(each, zones)


def _ratios(counted: Ints, expected: Floats, total: int, fewest: int) -> Floats:
    """c·ln(c/μ) + (C − c)·ln((C − c)/(C − μ)) where c > μ, else 0; only where it can matter is a logarithm taken."""
    found = np.zeros(counted.shape)
    where = np.nonzero((counted > expected) & (counted >= fewest))
    c, mu = counted[where].astype(float), expected[where]
    rest = total - c
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(rest > 0, rest * np.log(rest / (total - mu)), 0.0)
    found[where] = c * np.log(c / mu) + other
    return found


class _Strongest:
    """The largest of ``_ratios`` for many counts of one expectation, with few logarithms.

    A likelihood ratio is never above its chi-square, (c − μ)²·C / (μ·(C − μ)), since ln x ≤ x − 1. So only what could
    beat the ratio of the largest chi-square is looked at.
    """

    def __init__(self, expected: Floats, total: int, fewest: int) -> None:
        self._expected, self._total, self._fewest = expected.ravel(), total, fewest
        possible = (expected > 0) & (expected < total)  # nothing is more than everything, nor any of nothing
        inside = np.where(possible, expected, 0.5 * total)
        self._mean = expected.astype(np.float32)
        self._root = np.where(possible, np.sqrt(total / (inside * (total - inside))), 0.0).astype(np.float32)
        self._above = np.empty_like(self._mean)  # a new one each time costs as much as the sum

    def __call__(self, counted: npt.NDArray[np.float32]) -> float:
        if not counted.size:  # one place alone: no circle holds but a part
            return 0.0
        above = np.subtract(counted, self._mean, out=self._above)
        above *= self._root
        above *= counted >= self._fewest
        largest = int(above.argmax())
        if above.flat[largest] <= 0:
            return 0.0
        counts = counted.ravel()
        least = self._of(counts, np.array([largest]))
        return self._of(counts, np.flatnonzero(above.ravel() >= _ROUNDED * np.sqrt(least)))

    def _of(self, counts: npt.NDArray[np.float32], where: Ints) -> float:
        found = _ratios(counts[where].astype(np.int64), self._expected[where], self._total, self._fewest)
        return float(found.max(initial=0.0))


_ROUNDED = 0.999
"""Chi-squares are in single precision; what is so near below the limit is looked at too."""


def _replicated(
    grid: Ints,
    looked: tuple[_Zones, Sequence[tuple[int, int]], npt.NDArray[np.bool_]],
    setting: Scan,
    *,
    observed: float,
) -> Floats:
    """The strongest cluster of every replicate that was drawn: the same places and days, dealt to each other anew."""
    zones, windows, kept = looked
    place = np.repeat(np.arange(len(grid)), grid.sum(axis=1))
    members = _different(grid, zones, kept)
    by_day = grid.sum(axis=0)
    in_window = np.array([by_day[a : b + 1].sum() for a, b in windows])
    expected = (members @ grid.sum(axis=1).astype(np.float32)).astype(float)[:, None] * in_window[None, :] / len(place)
    first, last = (np.array(edge) for edge in zip(*windows, strict=True))
    # Dealing all days out anew and looking at the last ones is dealing these alone to as many of the cases.
    start = int(first.min())
    width = grid.shape[1] - start
    recent = np.repeat(np.arange(width), by_day[start:])
    strongest = _Strongest(expected, len(place), setting.min_cases)
    dice = np.random.default_rng(setting.seed)
    best = np.zeros(setting.replicates)
    upto = np.zeros((len(grid), width + 1), np.float32)
    for r in range(setting.replicates):
        dealt = dice.choice(place, len(recent), replace=False) * width + recent
        np.cumsum(np.bincount(dealt, minlength=len(grid) * width).reshape(len(grid), width), axis=1, out=upto[:, 1:])
        counted = members @ (upto[:, last + 1 - start] - upto[:, first - start])
        best[r] = strongest(counted)
        if setting.enough is not None and (best[: r + 1] >= observed - 1e-9).sum() >= setting.enough:
            return best[: r + 1]
    return best


def _different(grid: Ints, zones: _Zones, kept: npt.NDArray[np.bool_]) -> Any:
    """The circles that differ in the cases they can hold, as a sparse matrix (circles, locations).

    In single precision: counts below 2²⁴ are exact in it.
    """
    from scipy.sparse import csr_array

    marks = np.random.default_rng(0).integers(1, 2**62, len(grid)) * (grid.sum(axis=1) > 0)
    sums = _circle_sums(marks[:, None], zones)[:, 0]  # a set's own number: overflow wraps and does no harm
    _, once = np.unique(np.where(kept, sums, 0), return_index=True)
    once = once[kept[once]]
    rows = [zones.order[zones.starts[z] : zones.ends[z] + 1] for z in once]
    rows = [row[marks[row] != 0] for row in rows]
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    return csr_array((np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), len(grid)))
