"""Files of areas and places in the middle of Eksjö (0686): two districts side by side, and what can be wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely

E0, N0 = 497_000.0, 6_390_000.0
WEST = shapely.box(E0, N0, E0 + 1_000, N0 + 2_000)
EAST = shapely.box(E0 + 1_000, N0, E0 + 2_500, N0 + 2_000)
SQUARE = shapely.box(E0 + 950, N0 + 900, E0 + 1_050, N0 + 1_000)
"""A square on the border of both."""
BOW_TIE = shapely.Polygon([(E0, N0), (E0 + 500, N0 + 500), (E0 + 500, N0), (E0, N0 + 500), (E0, N0)])

Row = tuple[str, str, Any]
DISTRICTS: tuple[Row, ...] = (("V1", "Västra distriktet", WEST), ("O1", "Östra distriktet", EAST))


def write(path: Path, rows: Sequence[Row] = DISTRICTS, *, crs: str = "EPSG:3006", driver: str | None = None) -> Path:
    """A file of (kod, namn, polygon) in the format of its name; ``crs`` says which system the numbers are stated in."""
    table = pa.table({
        "kod": [r[0] for r in rows], "namn": [r[1] for r in rows], "agare": ["Bostads AB"] * len(rows),
        "geometry": shapely.to_wkb(np.array([r[2] for r in rows], dtype=object)),
    })  # fmt: skip
    types = {g.geom_type + (" Z" if g.has_z else "") for _, _, g in rows if g is not None}
    pyogrio.write_arrow(table, path, driver=driver, geometry_name="geometry", crs=crs,
                        geometry_type=types.pop() if len(types) == 1 else "Unknown")  # fmt: skip
    return path
