"""Where it is dense, as a page and as GeoJSON: the map of cells, the densest of them, how the last map hit."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from schemas.taxonomy import current
from schemas.values import UNPLACED
from services.analysis.api.counts import EXACT, GEOJSON
from services.analysis.domain import density as domain
from services.analysis.domain.cells import outline
from services.analysis.domain.certainty import LEVEL
from services.analysis.domain.density import Cell, Density
from services.analysis.gateways import Geometry
from services.analysis.store import density as store
from services.analysis.store import numbers, signals
from services.analysis.views import SWEDEN, monday
from services.analysis.web.access import denied, reads
from services.analysis.web.keeping import kept
from services.analysis.web.labels import KIND, days_from, rings
from services.analysis.web.picture_words import density_check
from services.pages import maps
from services.pages.frame import frame
from services.pages.labels import inside, place_label, type_label
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import decimal, whole
from services.runtime import openapi, read_log
from services.runtime.database import Database
from services.runtime.http import Caller, Visitor, token_of
from services.runtime.problems import Problem, not_allowed
from services.runtime.tokens import Principal

router = APIRouter()
PATH = "/tathet"
LENGTHS = (4, 13, 26)
"""Weeks that a map may cover."""
SHOWN = 15


async def _ranked(
    request: Request, principal: Principal, kind: str, weeks: int
) -> tuple[Density, dict[str, str], tuple[date, date]]:
    """The map of the last whole weeks, the area of each cell, and the first and last day."""
    today = datetime.now(UTC).astimezone(SWEDEN).date()
    end = monday(today)
    start = end - timedelta(weeks=weeks)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        first_day = await signals.first_day(connection, principal.kommun) or start
        periods = await store.by_period(connection, principal.kommun, kind, (start, weeks), first_day)
        areas = await store.areas_of(connection, principal.kommun, start, end - timedelta(days=1))
    while len(periods) > 1 and not periods[0]:
        periods = periods[1:]  # nobody reported yet: silence is never zero
    own = domain.own(periods, areas, principal.kommun)
    return await asyncio.to_thread(domain.rank, own), areas, (start, end - timedelta(days=1))


def _asked(request: Request) -> tuple[str, int]:
    """Type (or group, or all) and weeks in the address; what makes no sense is the default."""
    kind, weeks = request.query_params.get("type", ""), request.query_params.get("weeks", "")
    return (kind if KIND.match(kind) else ""), (int(weeks) if weeks in {str(n) for n in LENGTHS} else LENGTHS[1])


@router.get(PATH, include_in_schema=False)
async def shown(request: Request, principal: Visitor) -> Response:
    """The page."""
    if not (reads(principal) and principal.may(*EXACT)):
        return denied(principal)
    kind, weeks = _asked(request)
    found, areas, (first, last) = await _ranked(request, principal, kind, weeks)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        night = await store.newest_night(connection, principal.kommun)
        invented = await numbers.any_invented(connection, principal.kommun)
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    features = [] if outlines is None else outlines["features"]
    known = {f["id"]: f["properties"]["name"] for f in features}
    names = [place_label(areas.get(c.cell, UNPLACED), known) for c in found.cells[:SHOWN]]
    groups = [(g.code, g.label) for g in current().groups if g.kind in {"event", "state"}]
    context = frame(principal, PATH) | {
        "first": first,
        "last": last,
        "kind": kind,
        "what": text("density.what_kind", kind=inside(type_label(kind))) if kind else text("density.what_all"),
        "weeks": weeks,
        "lengths": LENGTHS,
        "groups": groups,
        "rows": [
            _row(i, c, name, days_from(first, 7 * weeks) + (f"&type={kind}" if kind else ""))
            for i, (c, name) in enumerate(zip(found.cells[:SHOWN], names, strict=True), 1)
        ],
        "cells": len(found.cells),
        "check": density_check(None if found.check is None else asdict(found.check)),
        "drawings": maps.draw(features, {}, rings(domain.steps(found.cells))),
        "near": _near(night),
        "query": f"type={kind}&weeks={weeks}",
    }
    context |= await kept(request, principal)
    context["invented"] = context["invented"] or invented
    return page("analysis/density.html", context)


def _row(rank: int, cell: Cell, name: str, asked: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "name": name,
        "count": round(cell.count),
        "query": f"{asked}&ruta={cell.cell}",
        "expected": "–" if cell.expected is None else decimal(cell.expected),
        "rate": whole(round(cell.rate)),
        "word": cell.word,
    }


def _near(night: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Per type, those first where repeats are sure."""
    found = [] if night is None else sorted(night["near_repeats"], key=lambda n: (n["q"], n["kind"]))
    return [
        {
            "kind": type_label(n["kind"]),
            "events": whole(n["events"]),
            "pairs": whole(n["pairs"]),
            "expected": decimal(n["expected"]),
            "word": "sure" if n["q"] < LEVEL and n["pairs"] > n["expected"] else "unsure",
        }
        for n in found
    ]


@router.get(
    "/v1/hotspots.geojson", response_class=Response, responses=openapi.media(GEOJSON, schema={"type": "object"})
)
async def hotspots(request: Request, principal: Caller) -> Response:
    """The ranking as GeoJSON (WGS84): H3 cells with reports, expected, reports per km², density, Gi* and its q.

    ``type`` = a type or a group, ``weeks`` = 4, 13 or 26 whole weeks up to last Sunday.
    """
    import orjson

    if not principal.may(*EXACT):
        raise not_allowed(" or ".join(EXACT))
    kind, weeks = _asked(request)
    if request.query_params.get("type", "") != kind:
        raise Problem(422, "bad-selection", text("density.bad_kind"))
    await read_log.note(request.app.state.database, principal, "counts", f"/v1/hotspots.geojson?type={kind}", "export")
    found, _, (first, last) = await _ranked(request, principal, kind, weeks)
    features = []
    for rank, cell in enumerate(found.cells, start=1):
        about = {
            "rank": rank,
            "reports": cell.count,
            "expected": cell.expected,
            "per_km2": round(cell.rate, 2),
            "density": round(cell.density, 4),
            "gi_star": cell.z,
            "q": cell.q,
        }
        features.append({"type": "Feature", "id": cell.cell, "properties": about, "geometry": outline(cell.cell)})
    body = {"type": "FeatureCollection", "from": first.isoformat(), "to": last.isoformat(), "features": features}
    return Response(orjson.dumps(body), media_type=GEOJSON)
