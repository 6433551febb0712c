"""HTTP in: the layers and their outlines, which area a point is in."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from schemas.values import Kommun
from services.geo.domain import publishing
from services.geo.layers.own import Atlas, Own, Version
from services.geo.layers.shipped import Layers
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["geo"])
KommunFilter = Annotated[Kommun | None, Query()]


class AreaName(BaseModel):
    """One area's code and name."""

    area: str
    name: str
    kommun: str | None
    lan: str


class LayerOut(BaseModel):
    """One layer in the version that holds today. ``areas`` tile, ``places`` have names and may overlap."""

    layer: str
    title: str
    kind: str
    version: str
    credit: str
    sha256: str | None = None
    """Of a shipped layer's file."""
    count: int | None = None
    """How many areas or places one of the municipality's own has."""


TITLES = {"regso": "RegSO", "kommun": "Kommuner", "lan": "Län"}


async def _own(request: Request, principal: Principal) -> Own:
    """The caller's municipality's layers that hold today, and the national ones."""
    database: Database = request.app.state.database
    atlas: Atlas = request.app.state.atlas
    async with database.transaction((principal.kommun,)) as connection:
        return (await atlas.load(connection, (principal.kommun,)))[principal.kommun]


async def _version(request: Request, principal: Principal, layer: str) -> Version:
    """The version of a layer that holds today; 404 for none."""
    found = (await _own(request, principal)).version(layer)
    if found is None:
        raise not_found("layer")
    return found


@router.get("/layers")
async def layers(request: Request, principal: Caller) -> list[LayerOut]:
    """The layers, shipped ones finest first, then the municipality's own, each with version and credit."""
    known: Layers = request.app.state.layers
    own = await _own(request, principal)
    shipped = [
        LayerOut(layer=v.name, title=TITLES[v.name], kind="areas", version=v.version, credit=v.credit, sha256=v.sha256)
        for v in known.layers
    ]
    return shipped + [
        LayerOut(
            layer=v.key.layer, title=v.title, kind=v.kind, version=v.version, credit=v.credit, count=len(v.features)
        )
        for v in (*own.areas, *own.places)
    ]


@router.get("/layers/{layer}/areas")
async def areas(request: Request, layer: str, principal: Caller, kommun: KommunFilter = None) -> dict[str, Any]:
    """Codes and names of a layer's areas, of one municipality if asked; of places also the id that reports name."""
    known: Layers = request.app.state.layers
    if layer not in TITLES:
        version = await _version(request, principal, layer)
        named = [
            {"area": f.code, "name": f.name, "kommun": None, "lan": None, "place_id": p.place_id}
            for f, p in zip(version.features, version.places, strict=True)
        ]
        return {"layer": layer, "version": version.version, "areas": named}
    found = known.areas(layer, kommun)
    names = [AreaName(area=a.code, name=a.name, kommun=a.kommun, lan=a.lan).model_dump() for a in found]
    return {"layer": layer, "version": known.version, "areas": names}


@router.get("/layers/{layer}/outlines.geojson")
async def outlines(
    request: Request, response: Response, layer: str, principal: Caller, kommun: KommunFilter = None
) -> dict[str, Any]:
    """Outlines for drawing (WGS84), simplified; never for deciding which area a point is in."""
    known: Layers = request.app.state.layers
    response.headers["Cache-Control"] = f"private, max-age={86400 if layer in TITLES else 60}"
    if layer not in TITLES:
        version = await _version(request, principal, layer)
        return await run_in_threadpool(version.outlines)
    return await run_in_threadpool(known.outlines, layer, kommun)


@router.get("/locate")
async def locate(
    request: Request, lon: Annotated[float, Query()], lat: Annotated[float, Query()], _principal: Caller
) -> dict[str, Any]:
    """Area, municipality and county of a WGS84 point; 404 outside Sweden."""
    answer = publishing.locate(lon, lat, request.app.state.layers)
    if answer is None:
        raise not_found("area at this point")
    return answer
