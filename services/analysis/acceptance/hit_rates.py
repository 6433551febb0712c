"""The case on real cities: last months' cells ranked, held against the months after (statistics reference §4.12)."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from services.analysis.acceptance.cases import Case
from services.analysis.statistics import hotspots

RESOLUTION = 9
SHARES = (0.05, 0.1)
"""Of the area; at 1 % a handful of tied cells decides."""
DISORDER = ("Needle Pickup", "Unsafe Dangerous Conditions", "Empty Litter Basket", "Abandoned Vehicles")
GRAFFITI = ("Graffiti Removal", "PWD Graffiti")


def adapter(case: Case) -> tuple[Any, Any]:
    """The two rankings that we can show, on the data sets of the expectation; kernel and Gi* are not shipped."""
    houston, boston = _houston(case), _boston(case)
    found = {
        "houston_all train Jan-Jul test Aug": _rates(*houston(None)),
        "houston_robbery train Jan-Jul test Aug": _rates(*houston("robbery")),
        "boston_graffiti train Jan-Sep test Oct-Dec": _rates(*boston(GRAFFITI)),
        "boston_disorder train Jan-Sep test Oct-Dec": _rates(*boston(DISORDER)),
    }
    published = case.expected()
    expect = {
        name: {k: v for k, v in numbers.items() if k in {"n_cells", "train", "test", "outside"}}
        | {
            "results": {
                ranking: {f"PAI@{share:g}": numbers["results"][ranking][f"PAI@{share:g}"] for share in SHARES}
                for ranking in ("count", "EB")
            }
        }
        for name, numbers in published.items()
        if name in found
    }
    return {name: found[name] for name in expect}, expect


Sets = tuple[Counter[str], Counter[str]]


def _houston(case: Case) -> Callable[[str | None], Sets]:
    from pyarrow import parquet

    table = parquet.read_table(case.path("houston_crime_2010.parquet")).to_pydict()
    days = [tuple(int(p) for p in text.split("/")) for text in table["date"]]
    months = [date(y, m, d).month for m, d, y in days]
    late = [month > 7 for month in months]
    return lambda offense: _split(
        [
            row
            for *row, kind in zip(table["lat"], table["lon"], late, table["offense"], strict=True)
            if offense in {None, kind}
        ]
    )


def _boston(case: Case) -> Callable[[tuple[str, ...]], Sets]:
    from pyarrow import parquet

    table = parquet.read_table(case.path("boston_311_2015.parquet")).to_pydict()
    late = [when.month > 9 for when in table["OPEN_DT"]]
    return lambda kinds: _split(
        [
            row
            for *row, kind in zip(table["LATITUDE"], table["LONGITUDE"], late, table["TYPE"], strict=True)
            if kind in kinds
        ]
    )


def _split(rows: list[list[Any]]) -> Sets:
    """Cells before and after, of (latitude, longitude, late) inside the 0.25–99.75 % quantiles of both coordinates."""
    import h3

    y, x = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)
    inside = _inner(y) & _inner(x)
    train: Counter[str] = Counter()
    test: Counter[str] = Counter()
    for lat, lon, late in (rows[i] for i in np.flatnonzero(inside)):
        (test if late else train)[h3.latlng_to_cell(lat, lon, RESOLUTION)] += 1
    return train, test


def _inner(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    low, high = np.nanquantile(values, [0.0025, 0.9975])
    return np.asarray((values >= low) & (values <= high))


def _rates(train: Counter[str], test: Counter[str]) -> dict[str, Any]:
    import h3

    shrunk = hotspots.shrunken(train, lambda cell: set(h3.grid_disk(cell, 1)) - {cell})
    plain = {cell: float(train.get(cell, 0)) for cell in shrunk}
    inside = Counter({cell: n for cell, n in test.items() if cell in shrunk})
    return {
        "n_cells": len(shrunk),
        "train": sum(train.values()),
        "test": sum(inside.values()),
        "outside": sum(test.values()) - sum(inside.values()),
        "results": {
            name: {f"PAI@{share:g}": hotspots.hit_rate(inside, ranking, share) for share in SHARES}
            for name, ranking in (("count", plain), ("EB", shrunk))
        },
    }
