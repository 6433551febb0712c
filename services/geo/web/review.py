"""The review page: what is unplaced, ambiguous or in conflict, with candidates; a tap or a key settles it."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from schemas.taxonomy import current
from services.geo.domain import crs
from services.geo.handlers import reviewing
from services.geo.handlers.reviewing import Case, Choice
from services.geo.layers.shipped import Layers
from services.geo.registers.loading import Loaded, of_one
from services.pages import livemap, maps, writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
ROLES = ("analytiker", "administrator")
PATH = "/granska"
COUNTED = 1000
Spot = tuple[float, float, float]
"""Longitude, latitude, metres of uncertainty."""


class Shown(BaseModel):
    """What the page shows: a case, what was searched for, and what became of the last choice."""

    rapport: str = ""
    sok: str = ""
    klart: str = ""
    hur: str = ""


class ChoiceIn(BaseModel):
    """A choice among the candidates as they were shown; 0 is none of them."""

    report: UUID
    choice: Annotated[int, Field(ge=0, le=reviewing.MOST_CANDIDATES)]
    searched: Annotated[str, Field(max_length=120)] = ""
    digest: Annotated[str, Field(max_length=32)]
    learn: bool = False


@router.get(PATH)
async def review(request: Request, principal: Visitor, shown: Annotated[Shown, Query()]) -> Response:
    """The queue, one case of it, and what became of the last choice."""
    if not _may(principal):
        return _denied(principal)
    database: Database = request.app.state.database
    layers: Layers = request.app.state.layers
    cases, count = await reviewing.waiting(database, principal.kommun)
    case, before, after = reviewing.ranked(cases, wanted := _uuid(shown.rapport))
    if wanted is not None and (case is None or case.report.report_id != wanted):
        # Not in the queue, or not yet again: that one, and never silently another, on which the next key would fall.
        case = await reviewing.case(database, principal.kommun, wanted) or case
    searched = shown.sok.strip()[:120]
    choices: list[Choice] = []
    if cases:
        await read_log.note(database, principal, "reports", f"{PATH}, {len(cases)}", "review")
    if case is not None:
        await read_log.note(database, principal, "report", str(case.report.report_id), "review")
        loaded = await _loaded(request, principal)
        choices = _offered(case, searched, loaded, layers)
    points = _points(choices)
    context = frame(principal, PATH) | {
        "lead": _lead(count),
        "queue": [_entry(c) for c in cases],
        "case": None if case is None else _entry(case) | _facts(case, layers),
        "choices": [{"label": _label(c), "detail": _detail(c)} for c in choices],
        "searched": searched,
        "digest": "" if case is None else reviewing.digest(case, choices),
        "pinmaps": [] if case is None else _maps(points, layers, principal.kommun),
        "map_settings": livemap.pins(points),
        "before": before,
        "after": after,
        "notice": _notice(shown.hur),
        "undo": _uuid(shown.klart) if shown.hur in {"plats", "ingen"} else None,
    }
    return page("geo/review.html", context)


@router.post(PATH)
async def settle(request: Request, principal: Visitor, form: Annotated[ChoiceIn, Form()]) -> Response:
    """A choice: one of the candidates as they were shown, or none of them."""
    if not _may(principal):
        return _denied(principal)
    database: Database = request.app.state.database
    case = await reviewing.case(database, principal.kommun, form.report)
    if case is None:
        return RedirectResponse(PATH, 303)
    choices = _offered(case, form.searched.strip(), await _loaded(request, principal), request.app.state.layers)
    if form.choice > len(choices) or form.digest != reviewing.digest(case, choices):
        return RedirectResponse(f"{PATH}?rapport={form.report}", 303)
    chosen = choices[form.choice - 1] if form.choice else None
    name = case.report.place.text if form.learn else None
    await reviewing.settle(database, case, chosen, by=principal.subject, learn=name)
    return RedirectResponse(f"{PATH}?klart={form.report}&hur={'plats' if chosen else 'ingen'}", 303)


@router.post(f"{PATH}/angra")
async def undo(request: Request, principal: Visitor, report: Annotated[UUID, Form()]) -> Response:
    """Take the last choice back."""
    if not _may(principal):
        return _denied(principal)
    database: Database = request.app.state.database
    case = await reviewing.case(database, principal.kommun, report)
    if case is not None:
        await reviewing.undo(database, case, by=principal.subject)
    return RedirectResponse(f"{PATH}?rapport={report}&hur=angrat", 303)


def _may(principal: Principal) -> bool:
    return principal.kind == "person" and principal.may(*ROLES)


def _denied(principal: Principal) -> HTMLResponse:
    context = {"heading": text("error.denied"), "detail": text("error.denied_who")}
    return page("message.html", frame(principal, PATH) | context, 403)


def _uuid(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None


async def _loaded(request: Request, principal: Principal) -> Loaded:
    state = request.app.state
    return await of_one(state.database, state.atlas, state.geocoders, principal.kommun)


def _offered(case: Case, searched: str, loaded: Loaded, layers: Layers) -> list[Choice]:
    """The candidates on the page: those of the search if there was one."""
    return reviewing.looked_up(searched, loaded) if searched else reviewing.choices(case, loaded, layers)


def _lead(count: int) -> str:
    if count == 0:
        return text("review.empty")
    if count == 1:
        return text("review.lead_one")
    shown = writing.whole(count)
    return text("review.lead_many", count=shown) if count >= COUNTED else text("review.lead", count=shown)


def _notice(how: str) -> str | None:
    said = {"plats": text("review.placed"), "ingen": text("review.saved_none"), "angrat": text("review.undone")}
    return said.get(how)


def _entry(case: Case) -> dict[str, Any]:
    place = case.report.place
    written = place.text or place.area_code
    if written is None and place.coordinates is not None:
        written = f"{place.coordinates.y:g} {place.coordinates.x:g}".replace(".", ",")
    return {
        "id": case.report.report_id,
        "what": written or "–",
        "quoted": f"”{written}”" if place.text else written or "–",
        "why": text(f"review.why_{case.why}") if case.why else "",
        "day": writing.short_day(case.report.time_from.astimezone(writing.SWEDEN).date()),
    }


def _facts(case: Case, layers: Layers) -> dict[str, Any]:
    """The report as the page tells it."""
    report, place = case.report, case.report.place
    known = current().type(report.event_type)
    area = layers.by_code.get(place.area_code or "")
    given = place.coordinates
    return {
        "title": known.label if known is not None else report.event_type,
        "when": writing.interval(report.time_from, report.time_to),
        "text": place.text,
        "position": None if given is None else f"{given.y:g}, {given.x:g} ({given.crs})".replace(".", ","),
        "area": area.name if area is not None else place.area_code,
        "source": text(f"source.{report.source}"),
        "learnable": place.text is not None and case.why in {"ambiguous", "not_found", "rough", "no_register"},
    }


def _label(choice: Choice) -> str:
    if choice.kind == "as_is" and not choice.label:
        return text("review.keep_point")
    return text("review.as_system", system=choice.label) if choice.label.startswith("EPSG:") else choice.label


def _detail(choice: Choice) -> str:
    parts = [
        text(f"review.precision_{choice.precision}"),
        text("review.about", metres=writing.whole(round(choice.radius_m))),
    ]
    if choice.confidence is not None:
        parts.append(text("review.fit", confidence=writing.decimal(choice.confidence, 2)))
    return f"{parts[0]}, {' · '.join(parts[1:])}"


def _points(choices: list[Choice]) -> list[Spot]:
    """Longitude, latitude and metres of uncertainty of each candidate."""
    lon, lat = crs.to_wgs84(np.array([c.e for c in choices]), np.array([c.n for c in choices]))
    return [(x, y, c.radius_m) for x, y, c in zip(lon.tolist(), lat.tolist(), choices, strict=True)]


def _maps(points: Sequence[Spot], layers: Layers, kommun: str) -> list[tuple[str, maps.PinMap]]:
    """The candidates on the areas of the municipality, drawn for two widths; none for one without areas."""
    features = layers.outlines("regso", kommun)["features"] if kommun in layers.kommuner else []
    if not features:
        return []
    widths = (("wide", 620), ("narrow", 340))
    return [(css, maps.with_pins(features, points, caption="", width=width)) for css, width in widths]
