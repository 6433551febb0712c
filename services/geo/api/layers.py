"""HTTP in: the layers and their outlines, which area a point is in."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from schemas.values import Kommun
from services.geo.domain import placing
from services.geo.layers import Layers
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
