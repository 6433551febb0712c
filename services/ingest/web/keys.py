"""The administrator's page of keys: which systems hand in reports, what they may do, and when they last did."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from services.ingest.handlers.keys import MOST_KEYS, SANDBOX, SCOPES, Keys, OtherSystem, TooManyKeys
from services.ingest.web.administration import PATH, Administrator, Name, missing, organisations_of
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
HERE = PATH + "/nycklar"
SOURCES = ("fastighetsbolag", "felanmalan", "tips", "polis")
OFFERED = tuple(s for s in SCOPES if s in {"reports:write", "reports:read", "counts:read", "features:read"})
"""What the page offers; the rest is for the operator's commands."""


class KeyForm(BaseModel):
    """What the form says of a key."""

    system: Name
    organisation: Name
    source: str
    scopes: list[str] = Field(default_factory=list)
    sandbox: bool = False


@router.get(HERE)
async def keys(request: Request, person: Administrator) -> HTMLResponse:
    """The live keys, and the form for a new one."""
    return await _page(request, person)


async def _page(
    request: Request, person: Principal, *, wrong: str | None = None, made: str | None = None, client: str | None = None
) -> HTMLResponse:
    found: Keys = request.app.state.keys
    organisations = [o.name for o in await organisations_of(request).all(person.kommun)]
    context = frame(person, PATH) | {
        "keys": [_row(row) for row in await found.live(person.kommun)],
        "organisations": organisations,
        "sources": [(s, text(f"source.{s}")) for s in SOURCES],
        "scopes": [(s, text("scope." + s.replace(":", "_"))) for s in OFFERED],
        "wrong": wrong,
        "made": made,
        "client": client,
    }
    return page("ingest/keys.html", context, 422 if wrong else 200)


def _row(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.credential_id),
        "prefix": row.prefix,
        "client": str(row.client_id),
        "system": row.system,
        "organisation": row.organisation or "",
        "source": text(f"source.{row.source}"),
        "scopes": ", ".join(text("scope." + s.replace(":", "_")) for s in row.scopes if s != SANDBOX),
        "sandbox": SANDBOX in row.scopes,
        "since": writing.day_with_year(row.created_at.astimezone(writing.SWEDEN).date()),
        "last": writing.moment(row.last_report) if row.last_report else None,
    }


@router.post(HERE)
async def create(request: Request, person: Administrator, form: Annotated[KeyForm, Form()]) -> Response:
    """Make a key and show it, this once."""
    scopes = [s for s in OFFERED if s in form.scopes]
    if not scopes and not form.sandbox:
        return await _page(request, person, wrong=text("keys.no_scope"))
    if form.source not in SOURCES:
        return await _page(request, person, wrong=text("keys.no_source"))
    found: Keys = request.app.state.keys
    try:
        client, key = await found.create(
            person.kommun,
            system=form.system,
            organisation=form.organisation,
            source=form.source,
            scopes=scopes,
            sandbox=form.sandbox,
        )
    except OtherSystem as other:
        about = {"source": text(f"source.{other.source}"), "organisation": other.organisation}
        return await _page(request, person, wrong=text("keys.other", system=form.system, **about))
    except TooManyKeys:
        return await _page(request, person, wrong=text("keys.too_many", system=form.system, count=MOST_KEYS))
    return await _page(request, person, made=key, client=str(client))


@router.post(HERE + "/{ident}/avsluta")
async def end(request: Request, person: Administrator, ident: UUID) -> Response:
    """End a key."""
    found: Keys = request.app.state.keys
    if not await found.revoke(person.kommun, ident):
        return missing(person)
    return RedirectResponse(HERE, 303)
