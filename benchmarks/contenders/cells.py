"""Gi* of a square of cells: ours and esda's in one process, the same answers; prints JSON. Medians of five."""

import json
import sys
from typing import Any

import numpy as np
from esda.getisord import G_Local
from libpysal.weights import W

from benchmarks.timing import timed
from services.analysis.statistics import hotspots

SIDE = 141


def main() -> None:
    """Measure both."""
    values = np.random.default_rng(3).poisson(2, SIDE * SIDE).astype(float)
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    near = [
        [(i + a) * SIDE + j + b for a, b in steps if 0 <= i + a < SIDE and 0 <= j + b < SIDE]
        for i in range(SIDE)
        for j in range(SIDE)
    ]
    made = W(dict(enumerate(near)), silence_warnings=True)

    def theirs() -> Any:
        return G_Local(values, made, transform="B", permutations=0, star=True).Zs

    apart = float(np.abs(np.asarray(theirs()) - hotspots.gi_star(values, near)).max())
    ours = timed(lambda: hotspots.gi_star(values, near))
    json.dump({"ours": ours, "theirs": timed(theirs), "apart": apart}, sys.stdout)


if __name__ == "__main__":
    main()
