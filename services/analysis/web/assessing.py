"""What people do to a draft: write their assessment, hide and comment findings, write it anew, adopt it."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator, Field

from services.analysis.gateways import Geometry
from services.analysis.handlers.picturing import LONGEST_TEXT, Overtaken
from services.analysis.store.pictures import Version
from services.analysis.web import prints
from services.analysis.web.access import denied, missing, writes
from services.analysis.web.pictures import PATH, assessment, newest, shown, use_cases
from services.pages.texts import text
from services.pages.writing import clock
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
_FINDING = re.compile(r"^[0-9A-Za-zÅÄÖåäö_-]{1,60}$")


def _plain(written: Any) -> Any:
    """A text without what no paper can show; a form's line breaks count as one sign, as they do in the browser."""
    if not isinstance(written, str):
        return written
    lines = written.replace("\r\n", "\n")
    return "".join(c for c in lines if c == "\n" or unicodedata.category(c)[0] != "C").strip()


Text = Annotated[str, BeforeValidator(_plain), Field(max_length=LONGEST_TEXT)]


class Assessment(BaseModel):
    """What the form of an assessment holds. ``seen`` = the revision, ``version`` = the draft that was on the page."""

    seen: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    bedomning: Text = ""
    lokal: Text = ""


def _body(form: Assessment, fields: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The assessment as it is kept: texts, and which findings are hidden, each with its reason, or commented.

    What was kept ``before`` of findings that are not on the page stays: they may come back.
    """
    hidden = {k: v for k, v in before.get("hidden", {}).items() if f"dolj-{k}" not in fields}
    comments = {k: v for k, v in before.get("comments", {}).items() if f"om-{k}" not in fields}
    hidden |= {k.removeprefix("dolj-"): _plain(v)[:400] for k, v in fields.items() if k.startswith("dolj-") and v}
    comments |= {k.removeprefix("om-"): _plain(v)[:1000] for k, v in fields.items() if k.startswith("om-") and v}
    return {
        "text": form.bedomning,
        "local": form.lokal,
        "hidden": {k: v for k, v in sorted(hidden.items()) if _FINDING.match(k) and f"visa-{k}" not in fields},
        "comments": {k: v for k, v in sorted(comments.items()) if _FINDING.match(k)},
    }


def _again(moved: str) -> str:
    return " ".join((moved, text("picture.assessment_again")))


def _moved(other: Overtaken, mine: Mapping[str, Any]) -> str:
    """What has happened meanwhile: somebody else's text, or another version of the draft."""
    if other.written is None or other.written.body == mine:
        return text("picture.draft_moved")
    return text("picture.assessment_other", theirs=other.written.body["text"])


@router.post(PATH + "/{number}/bedomning")
async def assess(request: Request, principal: Visitor, number: str, form: Annotated[Assessment, Form()]) -> Response:
    """Keep what was written; the page's script asks for JSON, the form without it for the page."""
    draft = await _draft(request, principal, number)
    if isinstance(draft, Response):
        return draft
    body = _body(form, dict(await request.form()), await assessment(request, principal, draft))
    quietly = "application/json" in request.headers.get("accept", "")
    try:
        written = await use_cases(request).write(
            principal.kommun, number, seen=form.seen, body=body, by=principal.subject
        )
    except Overtaken as other:
        moved = _moved(other, body)
        if quietly:
            return JSONResponse({"saved": False, "says": moved}, 409)
        return await shown(request, principal, draft, mine=body, moved=_again(moved))
    if quietly:
        said = text("picture.assessment_saved", time=clock(written.at))
        return JSONResponse({"saved": True, "seen": written.revision, "says": said})
    return RedirectResponse(f"{PATH}/{number}#bedomning", 303)


@router.post(PATH + "/{number}/rakna-om")
async def again(request: Request, principal: Visitor, number: str) -> Response:
    """The draft from the facts of now."""
    draft = await _draft(request, principal, number)
    if isinstance(draft, Response):
        return draft
    await use_cases(request).again(principal.kommun, number)
    return RedirectResponse(f"{PATH}/{number}", 303)


@router.post(PATH + "/{number}/faststall")
async def adopt(request: Request, principal: Visitor, number: str, form: Annotated[Assessment, Form()]) -> Response:
    """Keep what is written on the page, and lock the picture with it."""
    draft = await _draft(request, principal, number)
    if isinstance(draft, Response):
        return draft
    before, pictures, by = await assessment(request, principal, draft), use_cases(request), principal.subject
    body = _body(form, dict(await request.form()), before)
    try:  # first: what was written is kept, also where the picture cannot be adopted now
        written = await pictures.write(principal.kommun, number, seen=form.seen, body=body, by=by)
    except Overtaken as other:
        return await shown(request, principal, draft, mine=body, moved=_again(_moved(other, body)))
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    places = await geometry.place_names(token_of(request) or "", draft.document)
    if outlines is None or places is None:  # a document for years needs the names of its places
        away = ". ".join((text("picture.adopt_away"), text("picture.adopt_away_more")))
        return await shown(request, principal, draft, moved=away, status=503)
    names = {f["id"]: f["properties"]["name"] for f in outlines["features"]} | places

    def paper(document: dict[str, Any], digest: str) -> bytes:
        return prints.printed(document, outlines["features"], digest, principal.kommun_name)

    seen = (form.version, written.revision)
    try:
        await pictures.adopt(principal.kommun, number, seen=seen, names=_own(names, draft), by=by, printed=paper)
    except Overtaken as other:
        return await shown(request, principal, draft, mine=body, moved=_again(_moved(other, body)))
    return RedirectResponse(f"{PATH}/{number}", 303)


def _own(names: Mapping[str, str], draft: Version) -> dict[str, str]:
    """The names of the areas and places that the picture speaks of."""
    document = draft.document
    spoken = {row["area"] for part in ("areas", "states", "coming", "findings", "cases") for row in document[part]}
    spoken |= {cell["area"] for cell in (document.get("dense") or {"cells": []})["cells"]}
    spoken |= {row["place"] for row in document.get("places", ())}
    return {area: name for area, name in names.items() if area in spoken}


async def _draft(request: Request, principal: Principal, number: str) -> Version | Response:
    """The draft that may be written to; otherwise the page that says why not."""
    if not writes(principal):
        return denied(principal)
    version = await newest(request, principal, number)
    if version is None:
        return missing(principal)
    if version.state == "adopted":
        return RedirectResponse(f"{PATH}/{number}", 303)
    return version
