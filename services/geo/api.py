"""HTTP in: the layers and their outlines, where a point is, where a report was placed."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from schemas.values import Kommun
from services.geo import store
from services.geo.domain import placing
from services.geo.layers import Layers
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import not_found

router = APIRouter(prefix="/v1", tags=["geo"])
KommunFilter = Annotated[Kommun | None, Query()]


class AreaName(BaseModel):
    """One area's code and name."""

    area: str
    name: str
    kommun: str | None
    lan: str


@router.get("/layers")
async def layers(request: Request, _principal: Caller) -> list[dict[str, str]]:
    """The layers, finest first, each with version, checksum and credit."""
    known: Layers = request.app.state.layers
    return [
        {"layer": layer.name, "version": layer.version, "sha256": layer.sha256, "credit": layer.credit}
        for layer in known.layers
    ]


@router.get("/layers/{layer}/areas")
async def areas(request: Request, layer: str, _principal: Caller, kommun: KommunFilter = None) -> dict[str, Any]:
    """Codes and names of a layer's areas, of one municipality if asked."""
    known: Layers = request.app.state.layers
    try:
        found = known.areas(layer, kommun)
    except KeyError:
        raise not_found("layer") from None
    names = [AreaName(area=a.code, name=a.name, kommun=a.kommun, lan=a.lan).model_dump() for a in found]
    return {"layer": layer, "version": known.version, "areas": names}


@router.get("/layers/{layer}/outlines.geojson")
async def outlines(
    request: Request, response: Response, layer: str, _principal: Caller, kommun: KommunFilter = None
) -> dict[str, Any]:
    """Outlines for drawing (WGS84), simplified; never for deciding which area a point is in."""
    known: Layers = request.app.state.layers
    if layer not in {entry.name for entry in known.layers}:
        raise not_found("layer")
    response.headers["Cache-Control"] = "private, max-age=86400"
    return await run_in_threadpool(known.outlines, layer, kommun)


@router.get("/locate")
async def locate(
    request: Request, lon: Annotated[float, Query()], lat: Annotated[float, Query()], _principal: Caller
) -> dict[str, Any]:
    """Area, municipality and county of a WGS84 point; 404 outside Sweden."""
    answer = placing.locate(lon, lat, request.app.state.layers)
    if answer is None:
        raise not_found("area at this point")
    return answer


@router.get("/placements/unplaced")
async def unplaced(request: Request, principal: Caller) -> dict[str, int]:
    """How many of the municipality's reports have no area, by reason."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        return await store.unplaced(connection, principal.kommun)


@router.get("/placements/{report_id}")
async def placement(request: Request, report_id: UUID, principal: Caller) -> dict[str, Any]:
    """Where a report was placed, by the newest placement."""
    database: Database = request.app.state.database
    known: Layers = request.app.state.layers
    async with database.transaction(principal.kommuner) as connection:
        row = await store.one(connection, principal.kommun, report_id)
    if row is None:
        raise not_found("placement")
    event = json.loads(row.event)
    settled = event["placement"]
    area = next((a["area"] for a in settled["areas"] if a["layer"] == "regso"), None)
    name = known.by_code[area].name if area in known.by_code else None
    return {
        "revision": event["report"]["revision"],
        "placement": settled["placement"],
        "placed_at": settled["placed_at"],
        "precision": settled["precision"],
        "reason": settled["reason"],
        "area": area,
        "area_name": name,
        "located_kommun": settled["located_kommun"],
    }
