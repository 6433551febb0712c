"""The administrator's page of organisations: those whose people report, meet and own systems."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.ingest.handlers.appointing import Gone
from services.ingest.handlers.organisations import KINDS, Taken
from services.ingest.web.administration import NEW, PATH, Administrator, Name, missing, organisations_of
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
HERE = PATH + "/organisationer"


@router.get(HERE)
async def organisations(request: Request, person: Administrator) -> HTMLResponse:
    """The organisations that take part."""
    return await _page(request, person)


async def _page(request: Request, person: Principal, wrong: str | None = None) -> HTMLResponse:
    found = await organisations_of(request).all(person.kommun)
    kinds = [(kind, text(f"organisation.{kind}")) for kind in KINDS]
    context = frame(person, PATH) | {"organisations": found, "kinds": kinds, "wrong": wrong}
    return page("ingest/organisations.html", context, 422 if wrong else 200)


@router.post(HERE + "/{ident}")
async def put(
    request: Request, person: Administrator, ident: str, name: Annotated[Name, Form()], kind: Annotated[str, Form()]
) -> Response:
    """Add an organisation, or change one."""
    if kind not in KINDS:
        return await _page(request, person, text("organisation.no_kind"))
    try:
        known = None if ident == NEW else UUID(ident)
        await organisations_of(request).put(person.kommun, name=name, kind=kind, ident=known)
    except Taken:
        return await _page(request, person, text("organisation.taken", name=name))
    except (ValueError, Gone):
        return missing(person)
    return RedirectResponse(HERE, 303)
