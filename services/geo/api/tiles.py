"""HTTP in for maps: what there is to draw and where its tiles are, our own vector tiles, the base map's tiles."""

import gzip
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from services.geo.api.layers import TITLES
from services.geo.domain.tiling import MAX_ZOOM, tile_exists
from services.geo.gateways.basemaps import Basemaps, Missing
from services.geo.layers.own import Own
from services.geo.layers.shipped import CREDIT, Layers
from services.geo.layers.tiles import GROUND, NoSuchLayer, Tiles
from services.geo.registers import gazetteer
from services.geo.registers.loading import Loaded, own_and_loaded
from services.runtime import openapi
from services.runtime.http import Caller
from services.runtime.problems import Problem, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["maps"])
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
A_DAY = "private, max-age=86400"
Zoom = Annotated[int, Path(ge=0, le=24)]
Index = Annotated[int, Path(ge=0, lt=2**24)]


class TileSet(BaseModel):
    """One layer as vector tiles; the MVT layer has the same name. ``tiles`` is an address with {z}, {x} and {y}."""

    layer: str
    title: str
    kind: str
    tiles: str
    credit: str


class BaseMap(BaseModel):
    """What lies at the bottom. ``kind`` is none, raster or vector; ``layers`` are those of a vector one."""

    kind: str
    tiles: str | None = None
    credit: str = ""
    min_zoom: int = 0
    max_zoom: int = 19
    tile_size: int = 256
    layers: list[str] = []


class MapOut(BaseModel):
    """All that a map of the caller's municipality needs to begin. ``bounds``: west, south, east, north in degrees."""

    bounds: list[float]
    ground: str
    max_zoom: int = MAX_ZOOM
    layers: list[TileSet]
    base_map: BaseMap
    credits: list[str]


def _address(name: str, version: str) -> str:
    return f"/v1/tiles/{name}/{{z}}/{{x}}/{{y}}?v={version}"


async def _known(request: Request, principal: Principal) -> tuple[Own, Loaded]:
    state = request.app.state
    return await own_and_loaded(state.database, state.atlas, state.geocoders, principal.kommun)


@router.get("/map")
async def map_of(request: Request, principal: Caller) -> MapOut:
    """What a map of the caller's municipality is drawn from."""
    layers: Layers = request.app.state.layers
    tiles: Tiles = request.app.state.tiles
    basemaps: Basemaps = request.app.state.basemaps
    own, loaded = await _known(request, principal)
    sets = [
        TileSet(layer=v.name, title=TITLES[v.name], kind="areas", credit=v.credit, tiles=_address(v.name, v.version))
        for v in layers.layers
    ]
    for v in (*own.areas, *own.places):
        address = _address(v.key.layer, tiles.version(v.key.layer, principal.kommun, loaded, own))
        sets.append(TileSet(layer=v.key.layer, title=v.title, kind=v.kind, credit=v.credit, tiles=address))
    chosen = await basemaps.described(principal.kommun)
    credited = [CREDIT, gazetteer.CREDIT, *([loaded.credit] if loaded.credit else [])]
    return MapOut(
        bounds=layers.extent(principal.kommun),
        ground=_address(GROUND, tiles.version(GROUND, principal.kommun, loaded, own)),
        layers=sets,
        base_map=BaseMap(kind="none") if chosen is None else BaseMap(**chosen._asdict()),
        credits=credited,
    )


@router.get("/tiles/{layer}/{z}/{x}/{y}", response_class=Response, responses=openapi.media(MEDIA_TYPE) | openapi.EMPTY)
async def tile(request: Request, layer: str, z: Zoom, x: Index, y: Index, principal: Caller) -> Response:
    """One Mapbox vector tile of a layer, or of ``ground``: outlines, names and streets. 204 where nothing lies."""
    if not tile_exists(z, x, y):
        raise not_found("tile")
    tiles: Tiles = request.app.state.tiles
    own, loaded = await _known(request, principal)
    try:
        made = await run_in_threadpool(tiles.tile, layer, z, x, y, kommun=principal.kommun, loaded=loaded, own=own)
    except NoSuchLayer:
        raise not_found("layer") from None
    headers = {"Cache-Control": A_DAY if "v" in request.query_params else "private, max-age=60"}
    if not made:
        return Response(status_code=204, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        made = gzip.compress(made, 5)
        headers["Content-Encoding"] = "gzip"
    return Response(made, media_type=MEDIA_TYPE, headers=headers | {"Vary": "Accept-Encoding"})


@router.get("/basemap/{z}/{x}/{y}", response_class=Response, responses=openapi.media("image/*") | openapi.EMPTY)
async def base_map_tile(request: Request, z: Zoom, x: Index, y: Index, principal: Caller) -> Response:
    """One tile of the municipality's base map, fetched by the server, which alone knows its token. 502 when away."""
    basemaps: Basemaps = request.app.state.basemaps
    if x >= 2**z or y >= 2**z:
        raise not_found("tile")
    if await basemaps.described(principal.kommun) is None:
        raise not_found("base map")
    try:
        found = await basemaps.tile(principal.kommun, z, x, y)
    except Missing:
        raise Problem(502, "base-map-away", "Bakgrundskartan svarar inte. Resten av kartan fungerar.") from None
    if found is None:
        return Response(status_code=204, headers={"Cache-Control": A_DAY})
    headers = {"Cache-Control": A_DAY}
    if found.encoding:
        headers["Content-Encoding"] = found.encoding
    return Response(found.content, media_type=found.media_type, headers=headers)
