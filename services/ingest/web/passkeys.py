"""Passkeys: added on one's own page, used on the login page. What browsers send and get is JSON, no more is needed."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.ingest.handlers.passkeys import CHALLENGE_SECONDS, Passkeys
from services.ingest.handlers.people import People
from services.ingest.settings import IngestSettings
from services.ingest.web.login import DEVICE, give_token, local_path, set_cookie, signed_in, too_often
from services.ingest.web.pages import Reporter
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.problems import not_authenticated, not_found
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH, ENTER = "/konto/passnycklar", "/logga-in/passnyckel"
KEPT = "lb_passkey"


class Added(BaseModel):
    """What ``navigator.credentials.create`` gave, and what the owner calls the device."""

    model_config = ConfigDict(extra="forbid")
    credential: dict[str, Any]
    label: Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class Shown(BaseModel):
    """What ``navigator.credentials.get`` gave, and where the person was going."""

    model_config = ConfigDict(extra="forbid")
    credential: dict[str, Any]
    till: Annotated[str, StringConstraints(max_length=2000)] = "/"


async def owner(request: Request) -> Principal:
    """Whoever is signed in on this device."""
    person = await signed_in(request)
    if person is None:
        raise not_authenticated()
    return person


Owner = Annotated[Principal, Depends(owner)]


def passkeys(request: Request) -> Passkeys:
    """The use cases; 404 where the extra is not installed."""
    found: Passkeys = request.app.state.passkeys
    if not found.ready:
        raise not_found("passkeys")
    return found


Keys = Annotated[Passkeys, Depends(passkeys)]


def _begun(request: Request, options: str, kept: str) -> Response:
    settings: IngestSettings = request.app.state.settings
    answer = JSONResponse(json.loads(options), headers={"Cache-Control": "no-store"})
    set_cookie(answer, settings, KEPT, kept, seconds=CHALLENGE_SECONDS)
    return answer


@router.get(PATH)
async def listed(person: Reporter, keys: Keys, klart: str = "") -> HTMLResponse:
    """One's own passkeys."""
    rows = [
        {
            "ident": row.credential_id.hex(),
            "label": row.label,
            "added": writing.moment(row.added_at),
            "used": writing.moment(row.used_at) if row.used_at else text("passkeys.unused"),
        }
        for row in await keys.own(person)
    ]
    notice = {"ny": text("passkeys.added"), "bort": text("passkeys.ended")}.get(klart)
    context = frame(person, PATH) | {"rows": rows, "notice": notice}
    return page("ingest/passkeys.html", context)


@router.post(PATH + "/borja")
async def begin_adding(request: Request, person: Owner, keys: Keys) -> Response:
    """Options for the browser."""
    return _begun(request, *await keys.begin_adding(person, person.name or text("site.name")))


@router.post(PATH)
async def added(request: Request, person: Owner, keys: Keys, body: Added) -> Response:
    """Keep a new one."""
    taken = await keys.add(person, body.credential, request.cookies.get(KEPT, ""), body.label)
    answer = JSONResponse({"says": None if taken else text("passkeys.not_added")}, 201 if taken else 422)
    answer.delete_cookie(KEPT)
    return answer


@router.post(PATH + "/bort")
async def ended(
    person: Reporter, keys: Keys, ident: Annotated[str, Form(pattern="^([0-9a-f]{2}){1,1023}$")]
) -> Response:
    """Take one away."""
    await keys.end(person, bytes.fromhex(ident))
    return RedirectResponse(f"{PATH}?klart=bort", 303)


@router.post(ENTER + "/borja")
async def begin_entering(request: Request, keys: Keys) -> Response:
    """Options for the browser; the same for everybody."""
    return _begun(request, *keys.begin_entering())


@router.post(ENTER)
async def entered(request: Request, keys: Keys, body: Shown) -> Response:
    """A device session for whoever has shown a passkey."""
    if await too_often(request) is not None:
        return JSONResponse({"says": text("login.too_often")}, 429)
    settings: IngestSettings = request.app.state.settings
    people: People = request.app.state.people
    found = await keys.enter(body.credential, request.cookies.get(KEPT, ""))
    session = None if found is None else await people.begin_session(*found, settings.device_days)
    person = None if session is None else await people.by_session(session)
    if session is None or person is None:
        refused = JSONResponse({"says": text("passkeys.refused")}, 422)
        refused.delete_cookie(KEPT)
        return refused
    answer = JSONResponse({"to": local_path(body.till)})
    set_cookie(answer, settings, DEVICE, session, seconds=settings.device_days * 86_400)
    answer.delete_cookie(KEPT)
    await give_token(request, answer, person)
    return answer
