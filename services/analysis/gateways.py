"""Whom the picture asks: geo for outlines and names, with the visitor's own token, kept by version."""

import time
from typing import Any

from services.runtime.asking import Away, OtherRoom

KEEP_SECONDS = 3600.0


class NoSuchLayer(Exception):
    """geo answers, and has no such layer for this caller."""


class Geometry:
    """geo's layers."""

    def __init__(self, geo_url: str) -> None:
        self._geo = OtherRoom("geo", geo_url, timeout=10.0)
        self._kept: dict[tuple[str, str | None], tuple[float, dict[str, Any]]] = {}

    async def outlines(self, layer: str, kommun: str | None, token: str) -> dict[str, Any] | None:
        """GeoJSON of a layer's areas; the kept one, or None, while geo is away. NoSuchLayer."""
        kept = self._kept.get((layer, kommun))
        if kept is not None and time.monotonic() - kept[0] < KEEP_SECONDS:
            return kept[1]
        params = {} if kommun is None else {"kommun": kommun}
        try:
            fresh: dict[str, Any] | None = await self._geo.get(
                f"/v1/layers/{layer}/outlines.geojson", token=token, params=params
            )
        except Away:
            return kept[1] if kept is not None else None
        if fresh is None:
            raise NoSuchLayer(layer)
        self._kept[layer, kommun] = (time.monotonic(), fresh)
        return fresh

    async def names(self, layer: str, token: str) -> dict[str, str]:
        """Code → name of every area of a layer; empty while geo is away."""
        try:
            answer = await self._geo.get(f"/v1/layers/{layer}/areas", token=token)
        except Away:
            return {}
        return {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}
