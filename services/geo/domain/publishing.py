"""What is said of a settled place: the placement as published, and the answer to "which area is this point in"."""

from typing import Any

import h3
import numpy as np

from schemas.values import UtcTime
from services.geo.domain import crs
from services.geo.domain.placing import Settled
from services.geo.domain.writing import Placement
from services.geo.layers.shipped import Layers

CELL_RESOLUTIONS = (7, 8, 9, 10)
"""H3 resolutions kept as attributes for counting; never for assignment (geo reference §4)."""


def to_placement(settled: Settled, layers: Layers, *, number: int, now: UtcTime) -> Placement:
    """The placement as published: one entry per layer, ``unplaced`` where the layer has no answer."""
    cells: dict[str, str] = {}
    if settled.point is not None and settled.reason is None:
        cells = {str(r): h3.latlng_to_cell(settled.point.lat, settled.point.lon, r) for r in CELL_RESOLUTIONS}
    return Placement(
        placement=number,
        placed_at=now,
        precision=settled.precision,
        reason=settled.reason,
        radius_m=settled.radius_m,
        point=settled.point,
        located_kommun=settled.kommun,
        located_lan=settled.lan,
        areas=(*layers.refs(settled.regso, settled.kommun, settled.lan), *settled.own),
        cells=cells,
        places=settled.places,
        confidence=settled.confidence,
        register_version=settled.register_version,
        notes=settled.notes,
    )


def locate(lon: float, lat: float, layers: Layers) -> dict[str, Any] | None:
    """Area, kommun and län names of one WGS84 point; None outside Sweden."""
    if not crs.possible(lon, lat, crs.WGS84):
        return None
    e, n = crs.to_sweref(np.array([lon]), np.array([lat]), crs.WGS84)
    found = layers.index.find_one(float(e[0]), float(n[0]))
    if found < 0:
        return None
    area = layers.regso[found]
    kommun = layers.kommuner[area.kommun or ""]
    return {"area": area.code, "name": area.name, "kommun": kommun.code, "kommun_name": kommun.name, "lan": area.lan}
