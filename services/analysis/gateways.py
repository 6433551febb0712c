"""Whom the picture asks, with the visitor's own token: geo for outlines and names, the door for texts.

By itself it asks the door by night what that has minted.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.runtime.asking import Away, OtherRoom, service_token

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
        return {a["area"]: a["name"] for a in await self.areas(layer, token) or ()}

    async def place_names(self, token: str, document: Mapping[str, Any]) -> dict[str, str] | None:
        """Id of every named place of the caller's municipality → its name; None while geo is away.

        Not asked for a lägesbild that speaks of none.
        """
        if not document.get("places"):
            return {}
        layers = await self.layers(token)
        if layers is None:
            return None
        found = await asyncio.gather(*(self.areas(o["layer"], token) for o in layers if o["kind"] == "places"))
        if None in found:
            return None
        return {str(a["place_id"]): a["name"] for areas in found for a in areas or ()}

    async def spoken_of(self, token: str, document: Mapping[str, Any]) -> dict[str, str]:
        """What a lägesbild may name: areas of RegSO by code, named places by id; what geo can say just now."""
        areas, places = await asyncio.gather(self.names("regso", token), self.place_names(token, document))
        return areas | (places or {})

    async def areas(self, layer: str, token: str) -> list[dict[str, Any]] | None:
        """Every area of a layer: ``area`` (code), ``name``, of places ``place_id``; None while geo is away."""
        try:
            answer = await self._geo.get(f"/v1/layers/{layer}/areas", token=token)
        except Away:
            return None
        return list((answer or {}).get("areas", []))

    async def own_areas(self, kommun: str, token: str) -> dict[str, str] | None:
        """Code → name of a municipality's own areas of RegSO; None while geo is away."""
        found = await self.areas("regso", token)
        return None if found is None else {a["area"]: a["name"] for a in found if a["kommun"] == kommun}

    async def layers(self, token: str) -> list[dict[str, Any]] | None:
        """The layers of the caller's municipality and the national ones; None while geo is away."""
        try:
            return list(await self._geo.get("/v1/layers", token=token) or [])
        except Away:
            return None


class Door:
    """What only the door has: what was written to reports, what organisations are called."""

    def __init__(self, ingest_url: str) -> None:
        self._ingest = OtherRoom("ingest", ingest_url)

    async def organisations(self, token: str) -> dict[str, str]:
        """Organisation → its name; empty while the door is away."""
        try:
            return dict(await self._ingest.get("/v1/directory/organisations", token=token) or {})
        except Away:
            return {}

    async def text_of(self, report: UUID, token: str) -> str | None:
        """The text of a report, None for none; Away, also when the caller may not read it."""
        answer = await self._ingest.get(f"/v1/reports/{report}/text", token=token)
        return None if answer is None else answer["text"]


class Minted:
    """What the door has minted, asked by the room itself."""

    def __init__(self, ingest_url: str, secret: str) -> None:
        self._url, self._secret = ingest_url, secret
        self._ingest = OtherRoom("ingest", ingest_url, timeout=120.0)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._ingest.close()

    async def parts(self, kommun: str, until: datetime) -> dict[int, tuple[int, int]]:
        """First byte of the id → how many reports, and a hash over their newest revisions. Away."""
        answer = await self._asked("/v1/minted", kommun, until)
        return {int(part): (reports, versions) for part, (reports, versions) in answer.items()}

    async def part(self, kommun: str, until: datetime, which: int) -> dict[UUID, int]:
        """Report → newest revision, of one part. Away."""
        answer = await self._asked(f"/v1/minted/{which}", kommun, until)
        return {UUID(report): revision for report, revision in answer.items()}

    async def _asked(self, path: str, kommun: str, until: datetime) -> dict[str, Any]:
        token = await service_token(self._url, "analysis", self._secret, kommun)
        answer = await self._ingest.get(path, token=token, params={"until": until.isoformat()})
        if answer is None:  # a door of an older release
            raise Away("ingest does not tell what it has minted")
        return dict(answer)
