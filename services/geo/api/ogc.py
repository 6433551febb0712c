"""OGC API – Features, Part 1 and Part 2, under ``/ogc``: what QGIS, ArcGIS and GDAL read without anything of ours."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.geo.api import gis, ogc_document
from services.geo.api.gis import GisCaller
from services.geo.api.ogc_query import MOST_ITEMS, AskedItems, Items, bad_parameter, filter_of
from services.geo.domain import features
from services.geo.domain.features import CRS84, STORAGE, SYSTEMS, BadQuery, Output
from services.geo.gateways.rooms import Numbers
from services.geo.layers.own import Atlas
from services.geo.layers.shipped import Layers
from services.geo.store import features as store
from services.runtime import openapi, read_log
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.problems import Problem, not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/ogc", tags=["ogc"])
GEOJSON = "application/geo+json"
OPENAPI_JSON = "application/vnd.oai.openapi+json;version=3.0"
MOST_AREAS = 1_000_000
REPORTS, COUNTS_SUFFIX = "reports", "-counts"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)


class Collection(BaseModel):
    """One collection, before it is written with its links."""

    id: str
    title: str
    description: str
    timed: bool = False


def _base(request: Request) -> str:
    return f"{request.app.state.public_url}/ogc"


def _link(href: str, rel: str, kind: str = "application/json", title: str = "") -> dict[str, str]:
    return {"href": href, "rel": rel, "type": kind} | ({"title": title} if title else {})


@router.get("")
@router.get("/", include_in_schema=False)
async def landing(request: Request, principal: GisCaller) -> dict[str, Any]:
    """The landing page."""
    base = _base(request)
    return {
        "title": f"Lägesbild {principal.kommun_name or principal.kommun}",
        "description": "Rapporter, platser och områden. Källa: kommunen och SCB.",
        "links": [
            _link(base, "self", title="This document"),
            _link(f"{base}/api", "service-desc", OPENAPI_JSON, "The API"),
            _link(f"{base}/conformance", "conformance", title="Conformance classes"),
            _link(f"{base}/collections", "data", title="Collections"),
        ],
    }


@router.get("/conformance")
async def conformance(_principal: GisCaller) -> dict[str, Any]:
    """The conformance classes."""
    return {"conformsTo": list(CONFORMANCE)}


@router.get("/api", response_class=Response, responses=openapi.media(OPENAPI_JSON, schema={"type": "object"}))
async def api(request: Request, principal: GisCaller) -> Response:
    """The API as OpenAPI 3.0, which QGIS asks for before anything else."""
    names = [c.id for c in await _collections(request, principal)]
    document = ogc_document.written(_base(request), names)
    return Response(orjson.dumps(document), media_type=OPENAPI_JSON)


async def _collections(request: Request, principal: Principal) -> list[Collection]:
    """What the caller may read: reports by role, areas, their counts, the municipality's own layers and places."""
    atlas: Atlas = request.app.state.atlas
    database: Database = request.app.state.database
    async with database.transaction((principal.kommun,)) as connection:
        own = (await atlas.load(connection, (principal.kommun,)))[principal.kommun]
    found = [Collection(id="regso", title="RegSO", description="Regionala statistikområden 2025. Källa: SCB.")]
    found += [Collection(id=v.key.layer, title=v.title, description=v.credit) for v in (*own.areas, *own.places)]
    if principal.may(*gis.COUNTS):
        counted = [("regso", "RegSO"), *((v.key.layer, v.title) for v in own.areas)]
        about = "Antal rapporter per område de senaste fyra veckorna."
        found += [Collection(id=f"{i}{COUNTS_SUFFIX}", title=f"{t}, antal", description=about) for i, t in counted]
    if principal.may(*gis.EXACT):
        about = "Rapporter där de är placerade. Ingen text och ingen person."
        found.insert(0, Collection(id=REPORTS, title="Rapporter", description=about, timed=True))
    return found


def _described(request: Request, principal: Principal, collection: Collection) -> dict[str, Any]:
    layers: Layers = request.app.state.layers
    here = f"{_base(request)}/collections/{collection.id}"
    extent: dict[str, Any] = {"spatial": {"bbox": [layers.extent(principal.kommun)], "crs": CRS84}}
    if collection.timed:
        extent["temporal"] = {"interval": [[None, None]]}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "extent": extent,
        "crs": list(SYSTEMS),
        "storageCrs": STORAGE,
        "links": [_link(here, "self"), _link(f"{here}/items", "items", GEOJSON, collection.title)],
    }


@router.get("/collections")
async def collections(request: Request, principal: GisCaller) -> dict[str, Any]:
    """The collections that the caller may read."""
    found = await _collections(request, principal)
    return {
        "links": [_link(f"{_base(request)}/collections", "self")],
        "crs": list(SYSTEMS),
        "collections": [_described(request, principal, c) for c in found],
    }


@router.get("/collections/{collection}")
async def one_collection(request: Request, collection: str, principal: GisCaller) -> dict[str, Any]:
    """One collection."""
    return _described(request, principal, await _named(request, principal, collection))


async def _named(request: Request, principal: Principal, name: str) -> Collection:
    """A collection that the caller may read; 403 for one that others may, 404 for none."""
    found = next((c for c in await _collections(request, principal) if c.id == name), None)
    if found is None and name == REPORTS:
        raise not_allowed(" or ".join(gis.EXACT))
    if found is None:
        raise not_found("collection")
    return found


@router.get("/collections/{collection}/items")
async def items(request: Request, collection: str, principal: GisCaller, asked: AskedItems) -> Response:
    """A page of features as GeoJSON, with a link to the next one."""
    chosen = await _named(request, principal, collection)
    asked = asked.model_copy(update={"limit": min(asked.limit, MOST_ITEMS)})
    try:
        output = features.output(asked.crs)
        if chosen.id == REPORTS:
            found, following = await _reports(request, principal, asked, output)
        else:
            found, following = await _areas(request, principal, chosen.id, asked, output)
    except BadQuery as wrong:
        raise bad_parameter(wrong) from None
    here = f"{_base(request)}/collections/{chosen.id}/items"
    query = asked.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True, exclude={"after", "offset"})
    place = {k: v for k, v in (("after", asked.after), ("offset", asked.offset)) if v}
    links = [_link(f"{here}?{urlencode(query | place)}", "self", GEOJSON)]
    if following is not None:
        links.append(_link(f"{here}?{urlencode(query | {'limit': asked.limit} | following)}", "next", GEOJSON))
    body = {"type": "FeatureCollection", "features": found, "links": links, "numberReturned": len(found)}
    return _geojson(body, output)


def _geojson(body: Mapping[str, Any], output: Output) -> Response:
    return Response(orjson.dumps(body), media_type=GEOJSON, headers={"Content-Crs": f"<{output.uri}>"})


async def _reports(
    request: Request, principal: Principal, asked: Items, output: Output
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """A page of located reports and what comes after it."""
    if not principal.may(*gis.EXACT):
        raise not_allowed(" or ".join(gis.EXACT))
    database: Database = request.app.state.database
    await read_log.note(database, principal, "reports", f"{request.url.path}?{request.url.query}", "gis")
    async with database.transaction((principal.kommun,)) as connection:
        after = asked.after or store.NIL
        rows = await store.page(connection, principal.kommun, filter_of(asked), after, asked.limit)
    found = [features.feature(ident, features.read(event), output) for ident, event in rows]
    return found, {"after": str(rows[-1][0])} if len(rows) == asked.limit else None


async def _areas(
    request: Request, principal: Principal, name: str, asked: Items, output: Output
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """A page of a layer's areas, with counts if the collection has them."""
    layer = name.removesuffix(COUNTS_SUFFIX)
    drawn = await _outlines(request, principal, layer)
    counts: dict[str, dict[str, Any]] = {}
    if name.endswith(COUNTS_SUFFIX):
        counts = await _counts(request, layer)
    around = features.box(asked.bbox, asked.bbox_crs)
    chosen = [f for f in drawn if around is None or features.touches(f["geometry"], around)]
    part = chosen[asked.offset : asked.offset + asked.limit]
    found = [
        {
            "type": "Feature",
            "id": f["id"],
            "geometry": features.turned(f["geometry"], output),
            "properties": {"area": f["id"], "name": f["properties"]["name"]} | counts.get(f["id"], {}),
        }
        for f in part
    ]
    following = asked.offset + asked.limit
    return found, {"offset": following} if following < len(chosen) else None


async def _outlines(request: Request, principal: Principal, layer: str) -> Sequence[dict[str, Any]]:
    layers: Layers = request.app.state.layers
    if layer == "regso":
        drawn: list[dict[str, Any]] = layers.outlines("regso", principal.kommun)["features"]
        return drawn
    atlas: Atlas = request.app.state.atlas
    database: Database = request.app.state.database
    async with database.transaction((principal.kommun,)) as connection:
        own = (await atlas.load(connection, (principal.kommun,)))[principal.kommun]
    version = next(v for v in (*own.areas, *own.places) if v.key.layer == layer)
    return list(version.outlines()["features"])


async def _counts(request: Request, layer: str) -> dict[str, dict[str, Any]]:
    """Area → its numbers, zero for an area without a report; 503 while analysis is away."""
    numbers: Numbers = request.app.state.numbers
    try:
        answer = await numbers.by_area(layer, await gis.token(request))
    except Away:
        title = "Siffrorna kan inte hämtas just nu. Försök igen om en stund."
        raise Problem(503, "analysis-away", title, headers={"Retry-After": "10"}) from None
    period = {"first": answer["first"], "last": answer["last"]}
    return {row["area"]: {"reports": row["reports"], "seen": row["seen"]} | period for row in answer["rows"]}


@router.get("/collections/{collection}/items/{item}")
async def one_item(
    request: Request, collection: str, item: str, principal: GisCaller, crs: Annotated[str | None, Query()] = None
) -> Response:
    """One feature."""
    chosen = await _named(request, principal, collection)
    try:
        output = features.output(crs)
    except BadQuery as wrong:
        raise bad_parameter(wrong) from None
    if chosen.id == REPORTS:
        found = await _report(request, principal, item, output)
    else:
        every, _ = await _areas(request, principal, chosen.id, Items(limit=MOST_AREAS), output)
        found = next((f for f in every if f["id"] == item), None)
    if found is None:
        raise not_found("feature")
    here = f"{_base(request)}/collections/{chosen.id}"
    links = [_link(f"{here}/items/{item}", "self", GEOJSON), _link(here, "collection")]
    return _geojson(found | {"links": links}, output)


async def _report(request: Request, principal: Principal, item: str, output: Output) -> dict[str, Any] | None:
    if not principal.may(*gis.EXACT):
        raise not_allowed(" or ".join(gis.EXACT))
    try:
        ident = UUID(item)
    except ValueError:
        return None
    database: Database = request.app.state.database
    await read_log.note(database, principal, "report", str(ident), "gis")
    async with database.transaction((principal.kommun,)) as connection:
        event = await store.one(connection, principal.kommun, ident)
    return None if event is None else features.feature(ident, features.read(event), output)
