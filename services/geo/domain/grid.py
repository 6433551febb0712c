"""Which boxes may hold a point: a grid of square cells, each with the list of the boxes that reach into it.

An STRtree asks for a geometry per point and walks a tree; here a point's cell is two divisions, for one point or many.
"""

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 4_000_000
"""All of Sweden in cells of half a kilometre: 16 MB, and as much for the lists."""
SMALLEST_CELL = 50.0
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class Grid:
    """A grid over boxes (west, south, east, north in metres, one row each)."""

    def __init__(self, boxes: Floats, margin: float) -> None:
        self._boxes = boxes + np.array([-margin, -margin, margin, margin])
        west, south = self._boxes[:, 0].min(), self._boxes[:, 1].min()
        width, height = self._boxes[:, 2].max() - west, self._boxes[:, 3].max() - south
        self._west, self._south = float(west), float(south)
        self._cell = max(SMALLEST_CELL, float(np.sqrt(width * height / MOST_CELLS)))
        self._columns, self._rows = int(width / self._cell) + 1, int(height / self._cell) + 1
        left, low = self._at(self._boxes[:, 0], self._boxes[:, 1])
        right, high = self._at(self._boxes[:, 2], self._boxes[:, 3])
        across = right - left + 1
        box, nth = _expanded(across * (high - low + 1))
        cell = (low[box] + nth // across[box]) * self._columns + left[box] + nth % across[box]
        counts = np.bincount(cell, minlength=self._columns * self._rows)
        self._start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        self._members = box[np.argsort(cell, kind="stable")].astype(np.int32)

    def _at(self, x: Floats, y: Floats) -> tuple[Indices, Indices]:
        return ((x - self._west) / self._cell).astype(np.intp), ((y - self._south) / self._cell).astype(np.intp)

    def candidates(self, x: Floats, y: Floats) -> tuple[Indices, Indices]:
        """Pairs (point, box) in order of points: every box that a point lies in, its edge and margin included."""
        inside = (x >= self._west) & (x < self._west + self._columns * self._cell)
        inside &= (y >= self._south) & (y < self._south + self._rows * self._cell)
        points = np.flatnonzero(inside)
        column, row = self._at(x[points], y[points])
        cell = row * self._columns + column
        start = self._start[cell]
        point, nth = _expanded(self._start[cell + 1] - start)
        box = self._members[start[point] + nth]
        point = points[point]
        edges = self._boxes[box]
        px, py = x[point], y[point]
        near = (px >= edges[:, 0]) & (px <= edges[:, 2]) & (py >= edges[:, 1]) & (py <= edges[:, 3])
        return point[near], box[near].astype(np.intp)

    def of_one(self, x: float, y: float) -> list[int]:
        """The boxes that may hold one point: a few more than those that do."""
        column, row = (x - self._west) // self._cell, (y - self._south) // self._cell
        if not (0 <= column < self._columns and 0 <= row < self._rows):
            return []
        cell = int(row) * self._columns + int(column)
        found: list[int] = self._members[self._start[cell] : self._start[cell + 1]].tolist()
        return found


def _expanded(counts: Indices) -> tuple[Indices, Indices]:
    """Each index as often as its count says, and for each of those which one of them it is."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
