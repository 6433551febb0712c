"""Kanaler: whether every way out works, the places outside, duty rotas; a test message proves one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from services.notify.api.plan import READERS, PlaceIn, PlaceKind
from services.notify.handlers.planning import BadAddress, Planning
from services.notify.handlers.proving import Proving, unproven
from services.notify.store import devices, rotas
from services.notify.store import plans as store
from services.notify.web.access import denied, may, tabs, writes
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/utskick/kanaler"
_NOTICES = {
    "prov": "channels.tested",
    "tillagd": "channels.added",
    "bort": "channels.ended",
    "jour": "channels.rota_added",
}


@router.get(PATH)
async def listed(request: Request, principal: Visitor, klart: str = "") -> Response:
    """The page."""
    if not may(principal, *READERS):
        return denied(principal)
    return await _page(request, principal, notice=text(_NOTICES[klart]) if klart in _NOTICES else None)


async def _page(
    request: Request,
    principal: Principal,
    *,
    notice: str | None = None,
    fault: str | None = None,
    kept: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        health = await store.health(connection, principal.kommun)
        places = await store.places(connection, principal.kommun)
        duty = await rotas.listed(connection, principal.kommun)
        pushed = await devices.who(connection, principal.kommun)
    ways = ["mail", *(["push"] if pushed else []), *(["sms"] if request.app.state.sms else [])]
    rows = [_row(w, text(f"channel.{w}"), "", health.get(w, store.Health())) for w in ways]
    rows += [_row(str(p.destination_id), p.label, p.kind, p, ident=p.destination_id) for p in places if p.active]
    context = frame(principal, "/utskick") | {
        "tabs": tabs(principal, PATH),
        "rows": rows,
        "unproven": [r["label"] for r in rows if r["unproven"]],
        "rotas": [
            {
                "name": r.name,
                "read": writing.moment(r.read_at) if r.read_at else text("channels.rota_unread"),
                "trouble": text(f"places.why_{r.trouble}") if r.trouble else None,
                "strangers": _strangers(r.strangers),
            }
            for r in duty
        ],
        "writes": writes(principal),
        "kinds": [
            (k, text("channels.kind_mail" if k == "mail" else f"channel.{k}"))
            for k in get_args(PlaceKind)
            if k != "apprise" or request.app.state.apprise
        ],
        "notice": notice,
        "fault": fault,
        "kept": kept or {},
    }
    return page("notify/channels.html", context, status)


def _strangers(count: int) -> str | None:
    """How many addresses of a rota nobody here has: on their turn nobody would be told."""
    return (
        text(f"channels.rota_strangers_{'one' if count == 1 else 'many'}", count=writing.whole(count))
        if count
        else None
    )


def _row(key: str, label: str, kind: str, health: Any, ident: UUID | None = None) -> dict[str, Any]:
    now = datetime.now(UTC)
    failing = health.failed_at is not None and (health.proven_at is None or health.failed_at > health.proven_at)
    silent = unproven(health.proven_at, now)
    state = "channels.failing" if failing else "channels.unproven" if silent else "channels.works"
    return {
        "key": key,
        "ident": ident,
        "label": label,
        "kind": text(f"channel.{kind}") if kind else "",
        "proven": writing.moment(health.proven_at) if health.proven_at else text("channels.never"),
        "state": text(state),
        "chip": {"channels.failing": "fault", "channels.unproven": "wait"}.get(state, "done"),
        "error": health.error if failing else None,
        "unproven": silent,
    }


@router.post(PATH + "/prova")
async def tested(request: Request, principal: Visitor, kanal: Annotated[str, Form(max_length=40)]) -> Response:
    """Send a test message: by mail or SMS to oneself, or to a place outside."""
    if not may(principal, *READERS):
        return denied(principal)
    proving: Proving = request.app.state.proving
    await proving.send(principal.kommun, UUID(principal.subject), kanal)
    return RedirectResponse(f"{PATH}?klart=prov#sagt", 303)


@router.post(PATH)
async def added(
    request: Request,
    principal: Visitor,
    *,
    kind: Annotated[PlaceKind, Form()],
    label: Annotated[str, Form(min_length=1, max_length=80)],
    url: Annotated[str, Form(max_length=2000)],
    secret: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Add a place outside; its address is never shown again."""
    if not writes(principal):
        return denied(principal)
    planning: Planning = request.app.state.planning
    kept = {"kind": kind, "label": label, "url": url}  # the secret is written anew
    try:
        body = PlaceIn.model_validate({"kind": kind, "label": label, "url": url.strip(), "secret": secret.strip()})
        await planning.add_place(principal.kommun, kind=body.kind, label=body.label, url=body.url, secret=body.secret)
    except BadAddress as bad:
        return await _page(request, principal, fault=str(bad), kept=kept, status=422)
    except ValueError:
        no_url = text("places.bad_address", why=text("places.why_no_address"))
        fault = text("places.no_mailbox") if kind == "mail" else no_url
        return await _page(request, principal, fault=fault, kept=kept, status=422)
    return RedirectResponse(f"{PATH}?klart=tillagd#sagt", 303)


@router.post(PATH + "/bort")
async def ended(request: Request, principal: Visitor, destination_id: Annotated[UUID, Form()]) -> Response:
    """Nothing goes there any more."""
    if not writes(principal):
        return denied(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        await store.end_place(connection, principal.kommun, destination_id)
    return RedirectResponse(f"{PATH}?klart=bort#sagt", 303)


@router.post(PATH + "/jour")
async def rota(
    request: Request,
    principal: Visitor,
    name: Annotated[str, Form(pattern="^[a-z0-9_-]{1,32}$")],
    url: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Add, replace or (without an address) forget a duty rota."""
    if not writes(principal):
        return denied(principal)
    planning: Planning = request.app.state.planning
    database: Database = request.app.state.database
    try:
        if url.strip():
            await planning.put_rota(principal.kommun, name, url.strip())
        else:
            async with database.transaction(principal.kommuner) as connection:
                await rotas.end(connection, principal.kommun, name)
    except BadAddress as bad:
        return await _page(request, principal, fault=str(bad), kept={"rota": name, "rota_url": url}, status=422)
    return RedirectResponse(f"{PATH}?klart=jour#sagt", 303)
