"""Near repeats: do events follow each other more closely in space and time than chance gives (reference §4.13).

Knox 1964 with bands, as a diagnosis per type of event. Reports of one event must be merged first: they are same-day
repeats of our own making.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bands:
    """Edges in metres and days, the first of each 0: bands are [a, b), or (a, b] with ``closed`` right."""

    distances: Sequence[float]
    spans: Sequence[float]
    metric: Literal["euclid", "manhattan"] = "euclid"
    closed: Literal["left", "right"] = "left"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows (distance bands) and columns (day bands)."""
        return len(self.distances) - 1, len(self.spans) - 1

    def of(self, values: Floats, edges: Sequence[float]) -> Ints:
        """The band of every value, −1 outside; with closed right ends the first band has both its ends."""
        band = np.searchsorted(np.asarray(edges, float), values, side="right" if self.closed == "left" else "left") - 1
        if self.closed == "right":
            band = np.where(values == edges[0], 0, band)
        return np.asarray(np.where(band >= len(edges) - 1, -1, band), np.int64)


class Repeats(NamedTuple):
    """Pairs by distance band (rows) and day band (columns); ``p`` from permuted dates, None when none were asked."""

    observed: Ints
    expected: Floats
    p: Floats | None

    @property
    def ratio(self) -> Floats:
        """Observed beside expected; NaN where nothing is expected."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.observed / self.expected)


class _Pairs(NamedTuple):
    """All i < j that lie in a distance band."""

    first: Ints
    second: Ints
    row: Ints


def repeats(points: npt.ArrayLike, days: npt.ArrayLike, bands: Bands, *, replicates: int = 0, seed: int = 1) -> Repeats:
    """Pairs in every band. Expected = row total × column total / pairs, which is exact under permutation.

    p = (1 + permutations of the dates that reach the observed) / (replicates + 1).
    """
    when = np.asarray(days, float)
    pairs = _pairs(np.asarray(points, float), bands)
    observed = _table(pairs, when, bands)
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0, keepdims=True) / max(1, int(observed.sum()))
    if not replicates:
        return Repeats(observed, expected, None)
    reached = np.zeros(bands.shape, np.int64)
    dice = np.random.default_rng(seed)
    # Nearly all pairs are in the farthest band. Where every pair is in some band, permuting leaves the columns' sums as
    # they are, so that row is what the others leave.
    whole = len(pairs.row) == len(when) * (len(when) - 1) // 2 and bool(np.isinf(bands.spans[-1]))
    most = int(observed.sum(axis=1).argmax())
    few = _Pairs(*(column[pairs.row != most] for column in pairs)) if whole else pairs
    for _ in range(replicates):
        table = _table(few, dice.permutation(when), bands)
        if whole:
            table[most] = observed.sum(axis=0) - table.sum(axis=0)
        reached += table >= observed
    return Repeats(observed, expected, (1 + reached) / (replicates + 1))


def _pairs(xy: Floats, bands: Bands) -> _Pairs:
    found: list[tuple[Any, Any, Any]] = []
    for i in range(len(xy) - 1):
        gap = np.abs(xy[i + 1 :] - xy[i])
        far = gap.sum(axis=1) if bands.metric == "manhattan" else np.hypot(gap[:, 0], gap[:, 1])
        row = bands.of(far, bands.distances)
        inside = np.flatnonzero(row >= 0)
        found.append((np.full(len(inside), i), i + 1 + inside, row[inside]))
    if not found:
        return _Pairs(*(np.zeros(0, np.int64) for _ in range(3)))
    return _Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _table(pairs: _Pairs, when: Floats, bands: Bands) -> Ints:
    column = bands.of(np.abs(when[pairs.second] - when[pairs.first]), bands.spans)
    inside = column >= 0
    rows, columns = bands.shape
    flat = pairs.row[inside] * columns + column[inside]
    return np.asarray(np.bincount(flat, minlength=rows * columns).reshape(rows, columns))
