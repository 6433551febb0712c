"""The analyst's page of photos: look at each once, cover faces and plates, or take it away.

Each picture is fetched from the API, which notes the look. Without script a photo can be passed or taken away; covering
needs the page's own script.
"""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from schemas.taxonomy import current
from services.ingest.api.photos import LOOKERS, away
from services.ingest.domain import short_number
from services.ingest.gateways.objects import StoreAway
from services.ingest.handlers.photos import NoPhoto, Photos
from services.ingest.handlers.reports import Reports
from services.ingest.pictures import MOST_BOXES, Box
from services.ingest.web.administration import missing
from services.ingest.web.login import give_token, signed_in
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.http import LoginNeeded
from services.runtime.problems import Problem, not_allowed
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/granska/foton"
SEEN = "sedda"
_DONE = {"remove": "removed", "cover": "covered", "pass": "passed"}


async def looker(request: Request) -> Principal:
    """The analyst behind this browser; the login for nobody, 403 for anybody else."""
    person = await signed_in(request)
    if person is None:
        raise LoginNeeded
    if not person.may(*LOOKERS):
        raise not_allowed("analytiker")
    return person


Looker = Annotated[Principal, Depends(looker)]


@router.get(PATH)
async def photos(request: Request, person: Looker, visa: str = "", hur: str = "") -> HTMLResponse:
    """Photos that wait, or the latest that somebody has looked at; one of them large."""
    found: Photos = request.app.state.photos
    reports: Reports = request.app.state.reports
    local = await reports.local_types(person.kommun)
    rows = await found.listed(person.kommun, waiting=visa != SEEN)
    cards = [_card(row, local) for row in rows]
    asked = request.query_params.get("foto")
    case = next((c for c in cards if c["id"] == asked), cards[0] if cards and visa != SEEN else None)
    context = frame(person, "/granska") | {
        "cards": cards,
        "case": case,
        "seen": visa == SEEN,
        "notice": text(f"photos.{hur}") if hur in {"passed", "covered", "removed"} else None,
    }
    response = page("ingest/photos.html", context)
    await give_token(request, response, person)
    return response


def _card(row: Any, local: dict[str, tuple[str, int]]) -> dict[str, Any]:
    known = current().type(row.event_type)
    return {
        "id": str(row.photo_id),
        "title": known.label if known is not None else local.get(row.event_type, (row.event_type, 1))[0],
        "number": short_number(row.report_id),
        "received": writing.moment(row.received_at),
        "width": row.width,
        "height": row.height,
        "covered": row.covered,
    }


@router.post(PATH + "/{ident}")
async def review(
    request: Request,
    person: Looker,
    ident: UUID,
    done: Annotated[Literal["remove", "cover", "pass"], Form()],
    boxes: Annotated[str, Form(max_length=40_000)] = "[]",
) -> Response:
    """Pass a photo as it is, cover what the boxes cover, or take it away."""
    found: Photos = request.app.state.photos
    try:
        if done == "remove":
            await found.remove(person.kommun, ident)
        elif done == "cover":
            await found.review(person.kommun, ident, _boxes(boxes))
        else:
            await found.review(person.kommun, ident, [])
    except NoPhoto:
        return missing(person)
    except StoreAway:
        raise away() from None
    return RedirectResponse(f"{PATH}?hur={_DONE[done]}", 303)


def _boxes(written: str) -> list[Box]:
    """The boxes that the page's script wrote. What is none is refused: nothing that was to be covered is passed."""
    try:
        boxes = [Box(*(min(max(float(side), 0.0), 1.0) for side in box)) for box in json.loads(written)]
    except (ValueError, TypeError):
        boxes = []
    if not 0 < len(boxes) <= MOST_BOXES:
        raise Problem(422, "boxes", text("photos.no_boxes"))
    return boxes
