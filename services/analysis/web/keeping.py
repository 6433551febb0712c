"""Selections that a reader keeps: the address is the selection, a name brings it back. By a digest, never a person."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, StringConstraints

from services.analysis.store import keeping as store
from services.analysis.web.access import denied, message, reads
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal, subject_digest

router = APIRouter(include_in_schema=False)
PATH = "/oversikt/urval"
MOST = 50
_OURS = re.compile(r"^/(oversikt|omraden|typer|tathet|omvarld)(/[A-Za-z0-9_/%:.-]*)?(\?[A-Za-z0-9_=&%:.+-]*)?$")


class Kept(BaseModel):
    """A name for an address of ours."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
    ]
    address: Annotated[str, StringConstraints(max_length=1000)]
    forget: bool = False


async def kept(request: Request, principal: Principal) -> dict[str, Any]:
    """What a page needs to show the reader's selections and to keep this one."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.of(connection, principal.kommun, subject_digest(principal.kommun, principal.subject))
    here = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    return {"kept": found, "kept_here": here if _OURS.match(here) else quote(request.url.path)}


@router.post(PATH)
async def change(request: Request, principal: Visitor, form: Annotated[Kept, Form()]) -> Response:
    """Keep a selection or forget it, and go back to where the reader was."""
    if not reads(principal):
        return denied(principal)
    if not _OURS.match(form.address):
        return message(principal, "/oversikt", text("keeping.foreign"), None, 422)
    reader = subject_digest(principal.kommun, principal.subject)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        if form.forget:
            await store.let_go(connection, principal.kommun, reader, form.name)
        else:
            named = (form.name, form.address)
            if not await store.keep(connection, principal.kommun, reader, named, most=MOST, now=datetime.now(UTC)):
                return message(principal, "/oversikt", text("keeping.full", most=MOST), None, 422)
    return RedirectResponse(form.address, 303)
