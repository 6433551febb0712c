"""The municipality's own layers as pages: the list, one layer with its draft, and making the draft hold."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from services.geo.domain import crs
from services.geo.handlers import drawing
from services.geo.handlers.drawing import Conflict, Listed, Sheet
from services.geo.importing.polygons import Report
from services.geo.importing.reading import BadFile
from services.geo.layers.keeping import Difference
from services.geo.layers.own import drawn, today_in_sweden
from services.geo.layers.packing import Feature
from services.geo.layers.shipped import Layers
from services.pages import livemap, writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
ROLES = ("analytiker", "administrator")
PATH = "/platser"


class NewLayer(BaseModel):
    """What a person says about a new layer."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Literal["areas", "places"]


def may(principal: Principal) -> bool:
    """Who draws: people, analysts and administrators."""
    return principal.kind == "person" and principal.may(*ROLES)


def denied(principal: Principal) -> HTMLResponse:
    """The page for the others."""
    context = {"heading": text("error.denied"), "detail": text("error.denied_who")}
    return page("message.html", frame(principal, PATH) | context, 403)


def missing(principal: Principal) -> HTMLResponse:
    """There is no such layer or area here, which may be another municipality's."""
    return page("message.html", frame(principal, PATH) | {"heading": text("error.not_found"), "detail": None}, 404)


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """The list."""
    return await _list(request, principal) if may(principal) else denied(principal)


async def _list(request: Request, principal: Principal, wrong: str | None = None, title: str = "") -> Response:
    found = await drawing.listed(request.app.state.database, principal.kommun)
    context = frame(principal, PATH) | {"sheets": [_row(one) for one in found], "wrong": wrong, "new_title": title}
    return page("geo/layers.html", context, 422 if wrong else 200)


@router.post(PATH)
async def begin(request: Request, principal: Visitor, form: Annotated[NewLayer, Form()]) -> Response:
    """A new layer, as a draft."""
    if not may(principal):
        return denied(principal)
    title = " ".join(form.title.split())
    if not drawing.name_of(title):
        return await _list(request, principal, text("layers.new_bad"), title)
    layer = await drawing.begin(request.app.state.database, principal.kommun, title=title, kind=form.kind)
    if layer is None:
        return await _list(request, principal, text("layers.new_taken"), title)
    return RedirectResponse(f"{PATH}/{layer}", 303)


@router.get(PATH + "/{layer}")
async def one(request: Request, principal: Visitor, layer: str, hur: Annotated[str, Query()] = "") -> Response:
    """One layer: its surfaces, and what the draft would change."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    found = await drawing.sheet(database, principal.kommun, layer)
    return missing(principal) if found is None else await _sheet(request, principal, found, _notice(hur, found))


async def _sheet(request: Request, principal: Principal, found: Sheet, notice: str | None, wrong: str = "") -> Response:
    draft: dict[str, Any] | None = None
    if found.draft is not None:
        try:
            seen = await drawing.looked_over(
                request.app.state.database, principal.kommun, found, request.app.state.layers
            )
            draft = _draft(*seen)
        except BadFile:
            draft, wrong = {"lines": []}, wrong or text("layers.mostly_outside")
    context = frame(principal, PATH) | {
        "sheet": found,
        "row": _row(found.listed),
        "features": [_feature(f) for f in sorted(found.features, key=lambda f: f.name.lower())],
        "draft": draft,
        "notice": notice,
        "wrong": wrong,
        "today": today_in_sweden(),
        "map_settings": livemap.shapes(
            f"{PATH}/{found.layer}/ytor.geojson?v={found.edition}", box_of([f.geometry for f in found.features])
        ),
    }
    return page("geo/layer.html", context, 409 if wrong else 200)


@router.get(PATH + "/{layer}/ytor.geojson")
async def surfaces(request: Request, principal: Visitor, layer: str) -> Response:
    """The surfaces of the draft, or of the newest version, for the map."""
    found = await drawing.sheet(request.app.state.database, principal.kommun, layer) if may(principal) else None
    features = [] if found is None else await run_in_threadpool(drawn, found.features)
    # The names apart, as points: a surface that several tiles share would be named in each of them.
    names = [
        {
            "type": "Feature",
            "properties": {"area": f["id"], "name": f["properties"]["name"]},
            "geometry": {"type": "Point", "coordinates": f["properties"]["label"]},
        }
        for f in features
    ]
    collection = {"type": "FeatureCollection", "features": features + names}
    return Response(orjson.dumps(collection), media_type="application/geo+json")


@router.post(PATH + "/{layer}/gor-gallande")
async def publish(
    request: Request,
    principal: Visitor,
    layer: str,
    edition: Annotated[int, Form()],
    valid_from: Annotated[date, Form()],
) -> Response:
    """Make the draft the layer's next version."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    layers: Layers = request.app.state.layers
    found = await drawing.sheet(database, principal.kommun, layer)
    if found is None:
        return missing(principal)
    if not found.features:
        return await _sheet(request, principal, found, None, text("layers.draft_empty"))
    credit = principal.kommun_name or principal.kommun
    try:
        report, _ = await drawing.looked_over(database, principal.kommun, found, layers)
        number = await drawing.publish(
            database, principal.kommun, found, report, edition=edition, valid_from=valid_from, credit=credit
        )
    except (Conflict, BadFile):
        return RedirectResponse(f"{PATH}/{layer}?hur=conflict", 303)
    return RedirectResponse(f"{PATH}/{layer}?hur=v{number}", 303)


@router.post(PATH + "/{layer}/avsluta")
async def end(request: Request, principal: Visitor, layer: str, last_day: Annotated[date, Form()]) -> Response:
    """Let the layer hold until a day."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    found = await drawing.sheet(database, principal.kommun, layer)
    if found is None:
        return missing(principal)
    if last_day < today_in_sweden():
        return await _sheet(request, principal, found, None, text("layers.end_past"))
    try:
        await drawing.end(database, principal.kommun, found, last_day)
    except Conflict:
        return RedirectResponse(f"{PATH}/{layer}?hur=conflict", 303)
    return RedirectResponse(f"{PATH}/{layer}?hur=ended", 303)


@router.post(PATH + "/{layer}/kasta")
async def discard(request: Request, principal: Visitor, layer: str, edition: Annotated[int, Form()]) -> Response:
    """Throw the draft away."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    how = "discarded"
    try:
        await drawing.discard(database, principal.kommun, layer, edition=edition)
    except Conflict:
        how = "conflict"
    rest = await drawing.sheet(database, principal.kommun, layer)
    return RedirectResponse(PATH if rest is None else f"{PATH}/{layer}?hur={how}", 303)


def _notice(how: str, found: Sheet) -> str | None:
    said = {
        "saved": text("layers.saved"),
        "removed": text("layers.removed"),
        "discarded": text("layers.discarded"),
        "conflict": text("layers.conflict"),
    }
    if how == "ended" and found.entry is not None and found.entry.valid_to is not None:
        return text("layers.ended", day=writing.day_with_year(found.entry.valid_to))
    if how in said:
        return said[how]
    if how == f"v{found.entry.number if found.entry else 0}" and found.entry is not None:
        day = writing.day_with_year(found.entry.valid_from)
        return text("layers.published", number=found.entry.number, day=day)
    return None


def _row(found: Listed) -> dict[str, Any]:
    entry = found.entry
    return {
        "layer": found.layer,
        "title": found.title,
        "kind": text(f"layers.kind_{found.kind}"),
        "count": "" if entry is None else writing.whole(entry.areas),
        "from_day": "" if entry is None else writing.day_with_year(entry.valid_from),
        "to_day": "" if entry is None or entry.valid_to is None else writing.day_with_year(entry.valid_to),
        "version": "" if entry is None else entry.version,
        "credit": "" if entry is None else entry.credit,
        "draft": found.drafted,
    }


def _feature(feature: Feature) -> dict[str, Any]:
    return {
        "code": feature.code,
        "name": feature.name,
        "environment": feature.environment,
        "owner": feature.owner,
        "size": size(float(shapely.area(feature.geometry))),
    }


def size(square_metres: float) -> str:
    """A surface's size as people say it."""
    if square_metres < 10_000:
        return text("layers.size_m2", size=writing.whole(round(square_metres)))
    if square_metres < 1_000_000:
        return text("layers.size_ha", size=writing.decimal(square_metres / 10_000))
    return text("layers.size_km2", size=writing.decimal(square_metres / 1_000_000))


def _draft(report: Report, change: Difference) -> dict[str, Any]:
    """What the draft changes, and what is odd about it."""
    counts = {w: writing.whole(getattr(change, w)) for w in ("added", "removed", "redrawn", "renamed", "unchanged")}
    lines = [text("layers.draft_changes", **counts)]
    if report.gaps:
        lines.append(text("layers.draft_gaps", count=writing.whole(report.gaps), size=size(report.gap_m2)))
    if report.overlaps:
        lines.append(text("layers.draft_overlaps", count=writing.whole(report.overlaps), size=size(report.overlap_m2)))
        lines += report.overlap_examples
    if report.outside_m2 > 1.0:
        lines.append(text("layers.draft_outside", size=size(report.outside_m2)))
    return {"lines": lines}


def box_of(surfaces: Sequence[Any]) -> list[float] | None:
    """West, south, east, north in degrees of some geometries in EPSG:3006; None for none."""
    return crs.degrees_box(*shapely.total_bounds(np.array(surfaces, dtype=object)).tolist()) if surfaces else None
