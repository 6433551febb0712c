"""My deliveries: what I follow, and what has been sent to me."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from schemas.locations import ReportLocated
from schemas.taxonomy import current
from services.notify import store
from services.notify.api import SubscriptionIn, subscribe
from services.notify.mails import describe, type_label
from services.pages import swedish
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.asking import Away, OtherRoom
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
ROLES = ("analytiker", "est_medlem", "administrator")


async def _area_names(request: Request, principal: Principal) -> dict[str, str]:
    geo: OtherRoom = request.app.state.geo
    try:
        params = {"kommun": principal.kommun}
        answer = await geo.get("/v1/layers/regso/areas", token=token_of(request) or "", params=params)
    except Away:
        return {}
    return {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}


def _denied(principal: Principal) -> HTMLResponse:
    context = {"heading": text("error.denied"), "detail": text("error.denied_who")}
    return page("message.html", frame(principal, "/utskick") | context, 403)


@router.get("/utskick")
async def deliveries(request: Request, principal: Visitor, sparat: str = "", slutat: str = "") -> Response:
    """The page."""
    if principal.kind != "person" or not principal.may(*ROLES):
        return _denied(principal)
    names = await _area_names(request, principal)
    database: Database = request.app.state.database
    person = UUID(principal.subject)
    async with database.transaction(principal.kommuner) as connection:
        own = await store.own(connection, principal.kommun, person)
        sent = await store.ledger(connection, principal.kommun, person, 30)
    follow = [(s.subscription_id, describe(s, names.get(s.area or ""))) for s in own]
    notice = None
    if sparat and follow:
        notice = text("deliveries.saved", what=follow[-1][1])
    elif slutat:
        notice = text("deliveries.stopped_short")
    context = frame(principal, "/utskick") | {
        "follow": follow,
        "sent": [_row(r) for r in sent],
        "areas": sorted(names.items(), key=lambda pair: pair[1]),
        "groups": [(g.code, g.label) for g in current().groups if g.kind not in {"calendar", "observation"}],
        "notice": notice,
    }
    return page("notify/deliveries.html", context)


def _row(row: Any) -> dict[str, Any]:
    report = ReportLocated.model_validate(row.event).report
    restored = row.state == "expired" and "restored" in {row.reason, row.error}
    return {
        "what": type_label(report.event_type),
        "when": swedish.moment(row.created_at),
        "state": text("deliveries.state_restored" if restored else f"deliveries.state_{row.state}"),
        "chip": {"sent": "done", "failed": "fault", "expired": "flat"}.get(row.state, "wait"),
    }


@router.post("/utskick")
async def follow(
    request: Request,
    principal: Visitor,
    area: Annotated[str, Form()] = "",
    type: Annotated[str, Form()] = "",  # noqa: A002 - the field's name in the form
    severity: Annotated[str, Form()] = "3",
) -> Response:
    """Follow something new."""
    if principal.kind != "person" or not principal.may(*ROLES):
        return _denied(principal)
    try:
        body = SubscriptionIn(area=area or None, types=[type] if type else [], min_severity=int(severity))
    except (ValidationError, ValueError):
        return RedirectResponse("/utskick", 303)
    await subscribe(request.app.state.database, principal, body)
    return RedirectResponse("/utskick?sparat=ja", 303)


@router.post("/utskick/sluta")
async def stop(request: Request, principal: Visitor, subscription_id: Annotated[UUID, Form()]) -> Response:
    """Stop following."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        await store.end_subscription(connection, principal.kommun, subscription_id, UUID(principal.subject))
    return RedirectResponse("/utskick?slutat=ja", 303)
