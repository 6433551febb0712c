"""One vector tile from geometries in EPSG:3006: clipped, projected to Web Mercator, rounded to the tile's grid.

Mapbox Vector Tile 2.1, 4096 units a side. Rounding a shared border's vertices gives both areas the same line, so no gap
opens between them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import mapbox_vector_tile
import numpy as np
import shapely
from mapbox_vector_tile.encoder import on_invalid_geometry_make_valid
from numpy.typing import NDArray

from services.geo.domain import crs

EXTENT = 4096
BUFFER = 128
"""Units around the tile that are drawn too, so that lines are whole at its edges: wider than any line or ring."""
MAX_ZOOM = 16
"""Above it the browser stretches: a unit is 8 cm there at latitude 58."""
_HALF = math.pi * 6_378_137.0
"""Half the side of the Web Mercator square, metres."""
_PAD = 0.2
"""Grid north of SWEREF 99 TM and of the tile differ by up to 8°: what is clipped first is a fifth larger."""


class Box(NamedTuple):
    """West, south, east, north in metres."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Drawable:
    """What one layer of a tile is made from: geometries in EPSG:3006 and as many sets of properties."""

    geometries: NDArray[np.object_]
    properties: Sequence[Mapping[str, str | int | float]]
    tree: shapely.STRtree = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", shapely.STRtree(self.geometries))


def tile_exists(z: int, x: int, y: int) -> bool:
    """Whether there is such a tile."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


def tile_at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    """Zoom, column and row of the tile that a point in degrees lies in."""
    x = (lon + 180.0) / 360.0 * 2**z
    y = (1.0 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2.0 * 2**z
    return z, int(x), int(y)


def mercator(z: int, x: int, y: int) -> Box:
    """The square of a tile in EPSG:3857."""
    side = 2 * _HALF / 2**z
    west, north = -_HALF + x * side, _HALF - y * side
    return Box(west, north - side, west + side, north)


def sweref(tile: Box) -> Box:
    """A box in EPSG:3006 that holds the tile and its buffer; empty (NaN) far outside Sweden."""
    xs, ys = np.meshgrid(np.linspace(tile.west, tile.east, 5), np.linspace(tile.south, tile.north, 5))
    e, n = crs.to_sweref(xs.ravel(), ys.ravel(), crs.WEB_MERCATOR)
    if not (np.isfinite(e).all() and np.isfinite(n).all()):
        return Box(math.nan, math.nan, math.nan, math.nan)
    pad = _PAD * max(float(np.ptp(e)), float(np.ptp(n)))
    return Box(float(e.min()) - pad, float(n.min()) - pad, float(e.max()) + pad, float(n.max()) + pad)


def encode(layers: Mapping[str, Drawable], z: int, x: int, y: int) -> bytes:
    """The tile; empty bytes where nothing lies."""
    tile = mercator(z, x, y)
    box = sweref(tile)
    found = {name: _features(layer, tile, box) for name, layer in layers.items()}
    ready = [{"name": name, "features": features} for name, features in found.items() if features]
    if not ready:
        return b""
    options = {
        "y_coord_down": True,
        "extents": EXTENT,
        "on_invalid_geometry": on_invalid_geometry_make_valid,
    }
    return bytes(mapbox_vector_tile.encode(ready, default_options=options))


def _features(layer: Drawable, tile: Box, box: Box) -> list[dict[str, Any]]:
    if math.isnan(box.west):
        return []
    hit = np.sort(layer.tree.query(shapely.box(*box)))
    if not len(hit):
        return []
    rough = shapely.clip_by_rect(layer.geometries[hit], *box)
    units = shapely.transform(rough, lambda points: _units(points, tile))
    exact = shapely.clip_by_rect(units, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    drawn = shapely.set_precision(exact, 1.0)
    return [
        {"geometry": shape, "properties": dict(layer.properties[i])}
        for i, shape in zip(hit.tolist(), drawn, strict=True)
        if not shapely.is_empty(shape)
    ]


def _units(points: NDArray[np.float64], tile: Box) -> NDArray[np.float64]:
    """Points in EPSG:3006 as units of the tile, right and down from its upper left corner."""
    x, y = crs.transform(points[:, 0], points[:, 1], crs.SWEREF99_TM, crs.WEB_MERCATOR)
    scale = EXTENT / (tile.east - tile.west)
    return np.column_stack([(x - tile.west) * scale, (tile.north - y) * scale]).astype(np.float64)
