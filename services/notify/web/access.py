"""What the voice's pages share: who may see them, names for codes, the pages beside each other."""

from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.notify.api.alerts import ROLES
from services.notify.api.plan import READERS, WRITER
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.asking import Away, OtherRoom
from services.runtime.http import token_of
from services.runtime.tokens import Principal

PATH = "/utskick"
_TABS = (
    ("/utskick", "deliveries.tab_mine", ROLES),
    ("/larm", "deliveries.tab_alerts", ROLES),
    ("/utskick/leveranser", "deliveries.tab_all", READERS),
    ("/utskick/regler", "deliveries.tab_rules", READERS),
    ("/utskick/utdrag", "deliveries.tab_extracts", READERS),
    ("/utskick/kanaler", "deliveries.tab_channels", READERS),
)


def may(principal: Principal, *roles: str) -> bool:
    """Whether this is a person with any of these roles."""
    return principal.kind == "person" and principal.may(*roles)


def writes(principal: Principal) -> bool:
    """Whether this person changes how messages are routed."""
    return may(principal, WRITER)


def tabs(principal: Principal, here: str) -> list[tuple[str, str, bool]]:
    """(address, label, current) of the voice's pages that this person may see."""
    return [(path, text(key), path == here) for path, key, roles in _TABS if may(principal, *roles)]


def message(principal: Principal, heading: str, detail: str, status: int) -> HTMLResponse:
    """A page that says one thing."""
    return page("message.html", frame(principal, PATH) | {"heading": heading, "detail": detail}, status)


def denied(principal: Principal) -> HTMLResponse:
    """No permission, and who can give it."""
    return message(principal, text("error.denied"), text("error.denied_who"), 403)


def missing(principal: Principal) -> HTMLResponse:
    """There is no such thing here."""
    return message(principal, text("error.not_found"), text("error.not_found_more"), 404)


async def area_names(request: Request, principal: Principal) -> dict[str, str]:
    """Code → name of the national areas; empty while geo is away."""
    geo: OtherRoom = request.app.state.geo
    try:
        params = {"kommun": principal.kommun}
        answer = await geo.get("/v1/layers/regso/areas", token=token_of(request) or "", params=params)
    except Away:
        return {}
    return {a["area"]: a["name"] for a in (answer or {}).get("areas", [])}


async def people_names(request: Request) -> dict[UUID, str]:
    """Who the people are, with the visitor's own right to know; empty while the door is away or says no."""
    door: OtherRoom = request.app.state.door
    try:
        answer = await door.get("/v1/directory/names", token=token_of(request) or "")
    except Away:
        return {}
    return {UUID(ident): name for ident, name in (answer or {}).items()}
