"""Becoming the first administrator by the console's one-time address. GET shows a form; only its button uses it up."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.ingest.handlers.inviting import PATH, Inviting
from services.ingest.handlers.people import People
from services.ingest.web.login import DEVICE, give_token, set_cookie, too_often
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.mail import ADDRESS

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def ask(request: Request, nyckel: str = "") -> HTMLResponse:
    """The form, or that the address no longer holds."""
    inviting: Inviting = request.app.state.inviting
    return _page(await inviting.invited(nyckel), nyckel)


def _page(kommun: Any | None, key: str, wrong: str | None = None, **filled: str) -> HTMLResponse:
    if kommun is None:
        gone = {"heading": text("first.gone"), "detail": text("first.gone_detail")}
        return page("message.html", frame(None, PATH) | gone, 404)
    empty = {"name": "", "email": "", "organisation": f"{kommun.name} kommun"}
    context: dict[str, Any] = {"kommun": kommun.name, "key": key, "wrong": wrong, "filled": empty | filled}
    return page("ingest/first.html", frame(None, PATH) | context, 422 if wrong else 200)


@router.post(PATH)
async def become(
    request: Request,
    nyckel: Annotated[str, Form()],
    name: Annotated[str, Form(max_length=120)] = "",
    email: Annotated[str, Form(max_length=200)] = "",
    organisation: Annotated[str, Form(max_length=120)] = "",
) -> Response:
    """Use the address up, register the administrator, and log this browser in."""
    if (refused := await too_often(request)) is not None:
        return refused
    inviting: Inviting = request.app.state.inviting
    people: People = request.app.state.people
    given = {"name": name.strip(), "email": email.strip(), "organisation": organisation.strip()}
    kommun = await inviting.invited(nyckel)
    if kommun is not None and (len(given["name"]) < 2 or len(given["organisation"]) < 2):
        return _page(kommun, nyckel, text("first.missing"), **given)
    if kommun is not None and not re.match(ADDRESS, given["email"]):
        return _page(kommun, nyckel, text("login.wrong_email"), **given)
    accepted = await inviting.accept(nyckel, **given)
    if accepted is None:
        return _page(None, nyckel)
    if not accepted.new:  # an address that is known already: its owner logs in as always
        return RedirectResponse("/logga-in", 303)
    settings = request.app.state.settings
    session = await people.begin_session(accepted.kommun, accepted.person, settings.device_days)
    response = RedirectResponse("/administration", 303)
    set_cookie(response, settings, DEVICE, session, seconds=settings.device_days * 86_400)
    person = await people.by_session(session)
    if person is not None:
        await give_token(request, response, person)
    return response
