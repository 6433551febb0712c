"""What a page tells its map: texts and data as one JSON block that ``map.js`` reads; it is data, never script."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from services.pages import maps, plane
from services.pages.render import json_block
from services.pages.texts import text
from services.pages.writing import whole

_LOCALE = {
    "Map.Title": "map.title",
    "NavigationControl.ZoomIn": "map.zoom_in",
    "NavigationControl.ZoomOut": "map.zoom_out",
    "AttributionControl.ToggleAttribution": "map.credits",
    "ScaleControl.Meters": "map.metres",
    "ScaleControl.Kilometers": "map.kilometres",
    "CooperativeGesturesHandler.WindowsHelpText": "map.scroll_ctrl",
    "CooperativeGesturesHandler.MacHelpText": "map.scroll_mac",
    "CooperativeGesturesHandler.MobileHelpText": "map.scroll_touch",
}
"""Texts of MapLibre's own parts, by its names."""


_LABEL_PIXELS, _TILE_PIXELS = 40, 512


def _block(**what: Any) -> Markup:
    """The settings, with the texts of the map's own parts."""
    texts = {"locale": {name: text(key) for name, key in _LOCALE.items()}, "home": text("map.home")}
    texts |= {"base": text("map.base"), "town": text("map.town")}
    return json_block(what | {"texts": texts})


def areas(features: Sequence[Mapping[str, Any]], counts: Mapping[str, float], layer: str) -> Markup:
    """A map of areas with numbers. ``features`` as ``maps.draw`` takes them; ``counts``: area → reports."""
    return _block(
        layer=layer,
        town=maps.town_box(features),
        areas=[
            {
                "code": f["id"],
                "name": maps.short(f["properties"]["name"]),
                "full": f["properties"]["name"],
                "count": whole(round(counts.get(str(f["id"]), 0))),
                "number": counts.get(str(f["id"]), 0),
                "step": maps.step(counts.get(str(f["id"]), 0)),
                "at": f["properties"]["label"],
                "from": _readable_from(plane.box(f)),
            }
            for f in features
        ],
    )


def _readable_from(box: tuple[float, float, float, float]) -> float:
    """The zoom from which an area is wide enough for its number: nearer out it would stand in its neighbour's."""
    degrees = max(box[2] - box[0], 1e-6)
    return round(math.log2(_LABEL_PIXELS * 360 / (_TILE_PIXELS * degrees)), 1)


def pins(points: Sequence[tuple[float, float, float]]) -> Markup:
    """A map of numbered points (longitude, latitude, metres of uncertainty)."""
    return _block(pins=[{"at": [lon, lat], "radius": radius} for lon, lat, radius in points])


def picker() -> Markup:
    """A map to point out a place on: by a tap, or by moving it under the cross."""
    return _block(pins=[], alone=True)


def shapes(address: str, box: Sequence[float] | None = None, *, leave_out: str | None = None) -> Markup:
    """A map of a layer's surfaces. ``address``: GeoJSON with ``area`` and ``name``; ``box``: where to begin (degrees).

    With ``leave_out``, the code of the one that is being changed (empty for a new one), the map is drawn on.
    """
    drawing = {"draw": True, "alone": True, "without": leave_out} if leave_out is not None else {}
    return _block(shapes=address, box=box, **drawing)
