"""Utdrag: what of the agenda each department gets."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from schemas.taxonomy import current
from services.notify.api.plan import READERS
from services.notify.domain.plan import Interest, Plan
from services.notify.domain.routing import policies
from services.notify.handlers.digesting import agenda_notice
from services.notify.handlers.planning import Planning
from services.notify.store import people, plans
from services.notify.web.access import area_names, denied, may, message, tabs, writes
from services.pages.frame import frame
from services.pages.labels import inside, type_label
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor

router = APIRouter(include_in_schema=False)
PATH = "/utskick/utdrag"


@router.get(PATH)
async def listed(request: Request, principal: Visitor, klart: str = "", organisation: str = "") -> Response:
    """What is, and the form; ``organisation``: whose extract the form shows."""
    if not may(principal, *READERS):
        return denied(principal)
    names = await area_names(request, principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        revision, plan = await plans.plan(connection, principal.kommun)
        organisations = await people.organisations(connection, principal.kommun)
        places = {p.destination_id: p.label for p in await plans.places(connection, principal.kommun) if p.active}
    known = dict(organisations) | places
    without = set(places) - _told(principal.kommun, plan)
    chosen = next((i for i in plan.extracts if str(i) == organisation), None)
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "rows": [
            (
                str(ident),
                known.get(ident, text("rules_page.unknown_organisation")),
                *_said(one, names),
                ident in without,
            )
            for ident, one in plan.extracts.items()
        ],
        "organisations": [(str(i), name) for i, name in known.items() if i not in plan.extracts],
        "chosen": str(chosen) if chosen else "",
        "chosen_name": known.get(chosen, text("rules_page.unknown_organisation")) if chosen else "",
        "interest": plan.extracts[chosen] if chosen else Interest(),
        "areas": sorted(((f"regso/{code}", name) for code, name in names.items()), key=lambda pair: pair[1]),
        "types": [(g.code, g.label) for g in current().groups if g.kind not in {"calendar", "observation"}]
        + [(t.code, f"{t.code} {t.label}") for t in current().types if t.code[0] in "ABCDE"],
        "revision": revision,
        "writes": writes(principal),
        "notice": text("extracts.saved") if klart else None,
    }
    return page("notify/extracts.html", context)


def _told(kommun: str, plan: Plan) -> set[UUID | None]:
    """The places outside to which a rule sends the agenda."""
    agenda = agenda_notice(kommun, datetime.now(UTC), {})
    return {to.destination for policy in policies(plan, agenda) for to in policy.to}


def _said(one: Interest, names: dict[str, str]) -> tuple[str, str]:
    """Types and areas in words."""
    types = ", ".join(inside(type_label(t)) for t in one.types)
    areas = ", ".join(names.get(a.partition("/")[2], a) for a in one.areas)
    return types or text("extracts.everything"), areas or text("extracts.everything")


@router.post(PATH)
async def saved(
    request: Request,
    principal: Visitor,
    *,
    organisation: Annotated[UUID, Form()],
    revision: Annotated[int, Form()],
    types: Annotated[list[str] | None, Form()] = None,
    areas: Annotated[list[str] | None, Form()] = None,
    do: Annotated[str, Form()] = "",
) -> Response:
    """Keep an extract, or take it away."""
    if not writes(principal):
        return denied(principal)
    database: Database = request.app.state.database
    planning: Planning = request.app.state.planning
    async with database.transaction(principal.kommuner) as connection:
        _, plan = await plans.plan(connection, principal.kommun)
    kept: dict[UUID, Any] = {i: one.model_dump() for i, one in plan.extracts.items() if i != organisation}
    if do != "bort":
        kept[organisation] = {"types": types or [], "areas": areas or []}
    try:
        new = Plan.model_validate(plan.model_dump() | {"extracts": kept})
    except ValueError:
        return RedirectResponse(PATH, 303)  # what the form does not offer
    if not await planning.save(principal.kommun, revision, new):
        return message(principal, text("rules_page.overtaken"), text("rules_page.overtaken_more"), 409)
    shown = "" if do == "bort" else f"&organisation={organisation}"
    return RedirectResponse(f"{PATH}?klart=ja{shown}#sagt", 303)
