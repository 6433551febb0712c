"""The accessibility statement that the law asks for (2018:1937), for each municipality with its own contact."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.ingest.handlers.people import People
from services.ingest.web.administration import Administrator
from services.ingest.web.login import signed_in
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page

router = APIRouter(include_in_schema=False)
PATH = "/tillganglighet"
ASSESSED = date(2026, 11, 28)
"""When the pages were last gone through as a whole; the tests go through every page with every change."""


@router.get(PATH)
async def statement(
    request: Request, kommun: Annotated[str, Query(pattern=r"^\d{4}$")] = "", hur: str = ""
) -> HTMLResponse:
    """The statement: of the municipality in the address, else of the visitor's own; open to everybody."""
    person = await signed_in(request)
    people: People = request.app.state.people
    chosen = kommun or (person.kommun if person is not None else "")
    found = await people.municipality(chosen) if chosen else None
    context = frame(person, PATH) | {
        "name": found.name if found is not None else None,
        "contact": found.accessibility_contact if found is not None else "",
        "assessed": writing.day_with_year(ASSESSED),
        "own": person is not None and person.may("administrator") and found is not None and chosen == person.kommun,
        "saved": hur == "sparat",
    }
    return page("ingest/accessibility.html", context)


@router.post(PATH)
async def contact(
    request: Request, person: Administrator, contact: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Say whom people may tell."""
    people: People = request.app.state.people
    await people.put_accessibility_contact(person.kommun, " ".join(contact.split()))
    return RedirectResponse(f"{PATH}?hur=sparat", 303)
