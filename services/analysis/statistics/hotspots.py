"""Where it is dense, and how well last period's map hit (statistics reference §4.12).

Counts shrunk to their neighbourhood: on two cities' data better than kernel density and Gi* (``check statistics``, case
``pai_real``), and simple enough to be explained. A description of what was reported, never a forecast.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
C = TypeVar("C", bound=Hashable)


def shrunken(counts: Mapping[C, float], ring: Callable[[C], Iterable[C]]) -> dict[C, float]:
    """Every cell with a count, and those around them, with w·y + (1 − w)·(mean of the cell and its ring).

    w = A/(A + ȳ), A = max(0, var − ȳ) over those cells: the more the cells differ beyond chance, the more each
    keeps its own count. ``ring`` gives a cell's neighbours without the cell.
    """
    rings = {cell: list(ring(cell)) for cell in counts}
    around = {other: counts.get(other, 0.0) for neighbours in rings.values() for other in neighbours} | dict(counts)
    if not around:
        return {}
    values = np.fromiter(around.values(), float)
    mean = float(values.mean())
    beyond = max(0.0, float(values.var()) - mean)
    own = beyond / (beyond + mean) if mean else 0.0
    found = {}
    for cell, count in around.items():
        near = rings.get(cell) or list(ring(cell))
        found[cell] = own * count + (1 - own) * (count + sum(counts.get(n, 0.0) for n in near)) / (1 + len(near))
    return found


def gi_star(values: npt.ArrayLike, neighbours: Sequence[Sequence[int]]) -> Floats:
    """z of every cell: is the sum over it and its neighbours above what the mean foretells (Getis & Ord 1995).

    Binary weights including the cell itself; ``neighbours`` are indexes without it. NaN when all values are equal or
    a neighbourhood is everything; a cell of which nothing is known (NaN) has none and is in no other's.
    Test with ``multiplicity``; a hot *count* is where people are, show rates beside it.
    """
    from scipy.sparse import csr_array

    x = np.asarray(values, float)
    known = ~np.isnan(x)
    if not known.any():
        return np.full(len(x), np.nan)
    columns = np.fromiter((j for i, near in enumerate(neighbours) for j in (i, *near)), np.int64)
    starts = np.cumsum([0, *(len(near) + 1 for near in neighbours)])
    near = csr_array((np.ones(len(columns)), columns, starts), shape=(len(x), len(x)))
    n, sizes, sums = int(known.sum()), near @ known.astype(float), near @ np.where(known, x, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = x[known].std() * np.sqrt((n * sizes - sizes**2) / (n - 1))
        return np.asarray(np.where(known & (spread > 0), (sums - sizes * x[known].mean()) / spread, np.nan))


class Hit(NamedTuple):
    """After so many cells of a ranking, summed: how good was the map (Chainey et al. 2008, Hunt 2016).

    pai = share of events / share of area; pei = pai beside that of the best possible order; rri = foretold / seen.
    """

    cell: int
    observed: float
    predicted: float
    area: float
    pai: float
    pei: float
    rri: float


def hits(observed: npt.ArrayLike, predicted: npt.ArrayLike, areas: npt.ArrayLike) -> list[Hit]:
    """The ranking by predicted/area, cell by cell; ties have the lowest observed first, so that none flatters us."""
    seen, foretold, size = (np.asarray(a, float) for a in (observed, predicted, areas))
    order = np.lexsort((seen, -(foretold / size)))
    best = np.argsort(-(seen / size), kind="stable")
    sums = np.cumsum(seen[order])
    own = _pai(sums, np.cumsum(size[order]), float(seen.sum()), float(size.sum()))
    ideal = _pai(np.cumsum(seen[best]), np.cumsum(size[best]), float(seen.sum()), float(size.sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        pei, rri = own / ideal, np.cumsum(foretold[order]) / sums
    return [
        Hit(int(cell), float(seen[cell]), float(foretold[cell]), float(size[cell]), float(a), float(b), float(c))
        for cell, a, b, c in zip(order, own, pei, rri, strict=True)
    ]


def _pai(sums: Floats, covered: Floats, total: float, area: float) -> Floats:
    return np.asarray((sums / total if total else np.zeros(len(sums))) / (covered / area))


def hit_rate(seen: Mapping[C, float], ranking: Mapping[C, float], share: float) -> float:
    """PAI of the highest-ranked ``share`` of cells of equal size against what happened later: 1 is chance.

    Cells that were not ranked are outside; among ties those where least happened come first, so that none flatters
    us. 0 when nothing happened inside.
    """
    order = sorted(ranking, key=lambda cell: (-ranking[cell], seen.get(cell, 0.0)))
    top = int(share * len(order))
    total = sum(seen.get(cell, 0.0) for cell in order)
    if not total or not top:
        return 0.0
    return sum(seen.get(cell, 0.0) for cell in order[:top]) / total / (top / len(order))
