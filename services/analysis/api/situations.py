"""``/v1/cases`` and ``/v1/pictures``: what was found and what was adopted, as documents that never change."""

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from services.analysis.api.counts import EXACT, GEOJSON, WRITERS, reader
from services.analysis.domain.case_documents import without_cells
from services.analysis.domain.cells import outline
from services.analysis.domain.usefulness import judge
from services.analysis.gateways import Door, Geometry, NoSuchLayer
from services.analysis.handlers.picturing import Picturing
from services.analysis.store import answers
from services.analysis.store import pictures as picture_store
from services.analysis.store import signals as store
from services.analysis.store.pictures import Version
from services.analysis.store.signals import Revision
from services.analysis.web import picture_words
from services.pages.texts import LANGUAGE, Language, speaking
from services.runtime import openapi, read_log
from services.runtime.database import Database
from services.runtime.http import Caller, token_of
from services.runtime.problems import not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["situations"])
Number = Annotated[str, Path(pattern=r"^\d{4}:\d{2}$")]


class CaseOut(BaseModel):
    """One revision of a case. ``document`` is what it said then, ``hash`` its SHA-256.

    The cells of a gathering are left out for those who do not see exact places; the hash is of the whole.
    """

    case_id: UUID
    revision: int
    number: str
    state: str
    week: date
    minted_at: datetime
    hash: str
    document: dict[str, Any]


class ThresholdOut(BaseModel):
    """A least severity to try, and what it would have meant among the answers of the last year."""

    severity: int
    answers: int
    useful: int
    missed: int


class UsefulnessOut(BaseModel):
    """What receivers said of one rule's alerts in the last year: the share of useful ones has a 95 % interval.

    ``proposal``: ``raise`` when most were surely not useful, ``thin`` when there are too few answers to say. Then what
    they were is not said either: it would be what one or two people answered.
    """

    rule: str
    answers: int
    useful: int | None
    low: float | None
    high: float | None
    proposal: Literal["keep", "raise", "thin"]
    threshold: ThresholdOut | None


class PictureOut(BaseModel):
    """One version of a lägesbild, draft or adopted. ``document`` is what it says, ``hash`` the SHA-256 of all of it.

    What people wrote (``assessment``) is left out for systems, and who adopted it for everybody.
    """

    number: str
    version: int
    state: str
    minted_at: datetime
    hash: str
    pdf_hash: str | None
    document: dict[str, Any]


class AboutOut(BaseModel):
    """What a line is about: event type or group, national area; None where it is about all of them."""

    type: str | None
    area: str | None


class SectionOut(BaseModel):
    """Lines under a heading, in the agenda's order. ``about``: one for each line, where lines are about something.

    ``warns``: a source fell silent, or something else makes the numbers less sure than usual.
    """

    key: str
    title: str
    lines: list[str]
    about: list[AboutOut]
    warns: bool = False


class SaidOut(BaseModel):
    """A lägesbild in plain words, as its page says it; ``state`` is that of its newest version."""

    number: str
    state: str
    title: str
    lead: str
    sections: list[SectionOut]


def _case(one: Revision, principal: Principal) -> CaseOut:
    told = CaseOut.model_validate(one, from_attributes=True)
    return told if principal.may(*EXACT) else told.model_copy(update={"document": without_cells(one.document)})


@router.get("/cases")
async def cases(
    request: Request, principal: Caller, over: Annotated[bool, Query(description="also those that are over")] = False
) -> list[CaseOut]:
    """The newest revision of every case, the latest first."""
    reader(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.newest_cases(connection, principal.kommun)
    return [_case(c, principal) for c in found if over or c.state != "closed"]


@router.get("/cases/{case_id}")
async def case(request: Request, principal: Caller, case_id: UUID) -> list[CaseOut]:
    """Every revision of a case, the first first."""
    reader(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.revisions(connection, principal.kommun, case_id)
    if not found:
        raise not_found("case")
    return [_case(c, principal) for c in found]


def _picture(one: Version, principal: Principal) -> PictureOut:
    """Without who adopted it; what people wrote is for people."""
    left_out = {"adopted_by"} if principal.kind == "person" else {"adopted_by", "assessment"}
    document = {name: value for name, value in one.document.items() if name not in left_out}
    if not principal.may(*WRITERS):  # few reporters in an area are somebody's days
        for name in ("areas", "findings"):
            document[name] = [{k: v for k, v in row.items() if k != "reporters"} for row in document[name]]
    return PictureOut.model_validate(replace(one, document=document), from_attributes=True)


def _sees(principal: Principal, version: Version) -> bool:
    return version.state == "adopted" or principal.may("pictures:read", *WRITERS)


@router.get("/pictures")
async def pictures(request: Request, principal: Caller) -> list[PictureOut]:
    """The newest version of every lägesbild, the latest first; drafts for those who write them."""
    reader(principal)
    database: Database = request.app.state.database
    await read_log.note(database, principal, "picture", "/v1/pictures", "export")
    async with database.transaction(principal.kommuner) as connection:
        found = await picture_store.newest(connection, principal.kommun)
    return [_picture(v, principal) for v in found if _sees(principal, v)]


@router.get("/pictures/newest/said")
async def newest_said(request: Request, principal: Caller, language: Language = LANGUAGE) -> SaidOut:
    """The newest lägesbild in words: what an agenda needs, without what people wrote; 404 when there is none."""
    reader(principal)
    database: Database = request.app.state.database
    await read_log.note(database, principal, "picture", "/v1/pictures/newest/said", "export")
    async with database.transaction(principal.kommuner) as connection:
        found = await picture_store.newest(connection, principal.kommun)
        version = next((v for v in found if _sees(principal, v)), None)
        if version is None:
            raise not_found("picture")
        written = await picture_store.assessment(connection, principal.kommun, version)
    geometry: Geometry = request.app.state.geometry
    names = version.document.get("names") or await geometry.spoken_of(token_of(request) or "", version.document)
    hidden = written.get("hidden") or {}
    door: Door = request.app.state.door
    organisations = await door.organisations(token_of(request) or "") if version.document["silent"] else {}
    with speaking(language):
        words = picture_words.agenda(version.document, names, hidden, organisations)
    return SaidOut(number=version.number, state=version.state, **words)


async def _newest(request: Request, principal: Principal, number: str) -> Version:
    reader(principal)
    picturing: Picturing = request.app.state.picturing
    found = await picturing.newest(principal.kommun, number)
    if found is None or not _sees(principal, found):
        raise not_found("picture")
    await read_log.note(request.app.state.database, principal, "picture", number, "export")
    return found


@router.get("/pictures/{number}")
async def picture(request: Request, principal: Caller, number: Number) -> PictureOut:
    """The newest version of one; an adopted one stays as it was adopted."""
    return _picture(await _newest(request, principal, number), principal)


_MAP: dict[int | str, dict[str, Any]] = openapi.media(GEOJSON, schema={"type": "object"})


@router.get("/pictures/{number}/map.geojson", response_class=Response, responses=_MAP)
async def picture_map(request: Request, principal: Caller, number: Number) -> Response:
    """The picture's maps: its numbers on today's outlines (WGS84; without them while geo is away), its densest cells.

    A cell is a feature with ``density`` from 1 to 5, as the map draws it; for those who see exact places.
    """
    version = await _newest(request, principal, number)
    geometry: Geometry = request.app.state.geometry
    try:
        outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    except NoSuchLayer:
        outlines = None
    shapes = {f["id"]: f["geometry"] for f in (outlines or {"features": []})["features"]}
    names = version.document.get("names") or {}
    told = ("now", "before", "expected", "word", *(("reporters",) if principal.may(*WRITERS) else ()))
    features = [
        {
            "type": "Feature",
            "id": a["area"],
            "geometry": shapes.get(a["area"]),
            "properties": {k: a[k] for k in told} | {"name": names.get(a["area"], a["area"])},
        }
        for a in version.document["areas"]
    ]
    document = version.document
    features += [
        {"type": "Feature", "id": cell, "geometry": outline(cell), "properties": {"density": step}}
        for cell, step in (document.get("dense") or {"map": []})["map"]
        if principal.may(*EXACT)
    ]
    about = {"number": number, "state": version.state, "from": document["first"], "to": document["last"]}
    return Response(orjson.dumps({"type": "FeatureCollection", **about, "features": features}), media_type=GEOJSON)


@router.get("/usefulness")
async def usefulness(request: Request, principal: Caller) -> list[UsefulnessOut]:
    """How useful the alerts of each rule were to those who answered. Nothing changes by itself."""
    if principal.kind != "person" or not principal.may(*WRITERS, "administrator"):
        raise not_allowed("analytiker or administrator")
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await answers.by_rule(connection, principal.kommun)
    judged = [judge(rule, said) for rule, said in found.items()]
    unsaid = dict.fromkeys(("useful", "low", "high"))
    return [UsefulnessOut.model_validate(asdict(one) | (unsaid if one.proposal == "thin" else {})) for one in judged]
