"""The reporter's pages: hand in, and what became of it. They work on a phone and without JavaScript."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile

from schemas.envelope import client_report_id
from schemas.taxonomy import ZERO_REPORT, current
from services.ingest import metrics
from services.ingest.api.photos import away
from services.ingest.api.reports import WRITES, submit
from services.ingest.domain import ReportIn, short_number
from services.ingest.gateways.corridor import Corridor, Fate
from services.ingest.gateways.objects import StoreAway
from services.ingest.handlers.people import People
from services.ingest.handlers.photos import Photos
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.submitting import Unfinished
from services.ingest.pictures import MOST_BYTES, NoPicture
from services.ingest.store.reports import Own
from services.ingest.web import forms, phone, police
from services.ingest.web.login import give_token, signed_in
from services.pages import livemap, writing
from services.pages.frame import frame, owner_of
from services.pages.render import page
from services.pages.texts import text
from services.runtime.http import LoginNeeded
from services.runtime.problems import Problem, not_allowed, not_authenticated
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
GROUP_ORDER = "AEBCDG"
"""Tiles in the order of the mock; F is off for reporters."""


async def reporter(request: Request) -> Principal:
    """The person by the device session, so that a form is never lost to a token that ran out."""
    person = await signed_in(request)
    if person is None and wants_json(request):
        raise not_authenticated()
    if person is None:
        raise LoginNeeded
    return person


def wants_json(request: Request) -> bool:
    """Whether the phone's queue asks, which reads no page."""
    return request.headers.get("accept", "") == "application/json"


Reporter = Annotated[Principal, Depends(reporter)]


async def handing_in(person: Reporter) -> Principal:
    """Who reports, by role: anybody else's report would be counted without a pair of eyes."""
    if not person.may("kontaktcenter", *WRITES):
        raise not_allowed(" or ".join(("kontaktcenter", *WRITES)))
    return person


HandsIn = Annotated[Principal, Depends(handing_in)]


async def _form_page(
    request: Request,
    person: Principal,
    *,
    status: int = 200,
    faults: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    problem: str | None = None,
    notice: str | None = None,
) -> HTMLResponse:
    """The form, empty or as it was sent, with its faults. A field that is not there reads as empty."""
    people: People = request.app.state.people
    corridor: Corridor = request.app.state.corridor
    reports: Reports = request.app.state.reports
    areas = await corridor.area_names(person.kommun, await people.token(person))
    local = await reports.local_types(person.kommun)
    municipality = await people.municipality(person.kommun)
    taxonomy = current()
    kinds = {
        g: [(t.code, t.label) for t in taxonomy.types if t.code[0] == g and t.code != ZERO_REPORT]
        + [(code, label) for code, (label, _) in local.items() if code[0] == g]
        for g in GROUP_ORDER
    }
    now = datetime.now(UTC)
    context = frame(person, "/rapportera", phone=True) | {
        "groups": [taxonomy.group(g) for g in GROUP_ORDER],
        "kinds": kinds,
        "areas": areas,
        "now": f"{writing.full_day(now.astimezone(writing.SWEDEN).date())} {writing.clock(now)}",
        "faults": defaultdict(str, faults or {}),
        "problem": problem,
        "notice": notice,
        "unappointed": person.may("rapportor") and (await people.sender(person)).reporter_token is None,
        "photos": request.app.state.photos.taken,
        "free_text": municipality is None or municipality.free_text != "nobody",
        "form": defaultdict(str, form or {"id": str(uuid4()), "when": "now", "count": "1", "confirmed": "1"}),
        "zero_id": str(uuid4()),
        "phone_texts": phone.texts(),
        "picker": livemap.picker(),
    }
    response = page("ingest/report.html", context, status, phone.MODULES)
    await give_token(request, response, person)
    return response


@router.get("/rapportera")
async def report_form(request: Request, person: HandsIn) -> HTMLResponse:
    """The form."""
    return await _form_page(request, person)


@router.post("/rapportera", max_body_size=MOST_BYTES + 2**20)
async def report(request: Request, person: HandsIn) -> Response:
    """Hand in what the form says; faults stand at their fields and nothing written is lost."""
    sent = await request.form(max_files=1, max_fields=60)
    form = {k: v for k, v in sent.items() if isinstance(v, str)}
    if form.get("again") and not form.get("submission"):
        form["submission"] = str(uuid4())
    reading = forms.read(form, datetime.now(UTC))
    raw = await _photo_in(sent)
    if wants_json(request):
        return await _queued(request, person, reading, form, raw)
    again = {"photo": "report.photo_again"} if raw else {}  # a browser never fills a file field in by itself
    if reading.report is None:
        return await _form_page(request, person, status=422, faults=reading.faults | again, form=form)
    try:
        number = await _hand_in(request, person, reading.report, raw)
    except Problem as problem:
        refused = problem.kind == "photo"
        faults = {"photo": f"photo.{problem.detail}"} if refused else again
        said = None if refused else problem.title
        return await _form_page(request, person, status=problem.status, faults=faults, problem=said, form=form)
    if form.get("again"):
        notice = text("mine.sent", number=number)
        return await _form_page(request, person, form=forms.next_of_the_same(form), notice=notice)
    return RedirectResponse(f"/mina-rapporter?framme={number}", 303)


async def _photo_in(sent: FormData) -> bytes:
    """The bytes of the form's photo; none where the field was left alone."""
    photo = sent.get("photo")
    return await photo.read() if isinstance(photo, UploadFile) else b""


def _no_photo(fault: str) -> Problem:
    return Problem(422, "photo", text(f"photo.{fault}"), fault)


async def _hand_in(request: Request, person: Principal, made: ReportIn, raw: bytes) -> str:
    """Store the report with its photo; its number. What was there already is as good. Problem."""
    people: People = request.app.state.people
    photos: Photos = request.app.state.photos
    sender = await people.sender(person)
    number = short_number(client_report_id(sender.client_id, made.id or ""))
    if raw and not photos.taken:
        raise _no_photo("not_taken")
    try:
        if raw:
            await request.app.state.photos_rate.count(str(sender.client_id))
        photo = await photos.take(person.kommun, sender.client_id, made.id or "", raw) if raw else None
    except NoPicture as wrong:
        raise _no_photo(wrong.fault) from None
    except StoreAway:
        raise away() from None
    try:
        await submit(request.app.state.reports, sender, made, request.state.correlation_id, photo)
    except Problem as problem:
        if problem.kind != "version-conflict":  # that is the same form again, its answer lost on the way
            raise
    return "noll" if made.event_type == ZERO_REPORT else number


async def _queued(
    request: Request, person: Principal, reading: forms.Reading, form: dict[str, str], raw: bytes
) -> Response:
    """The same for the phone's queue: a number, or a problem whose errors are sentences for the person."""
    if form.get("owner") != owner_of(person):  # somebody else has signed in on the same phone meanwhile
        raise not_authenticated()
    if reading.report is None:
        errors = [{"loc": [field], "msg": text(key)} for field, key in reading.faults.items()]
        raise Problem(422, "invalid", text("report.error_summary"), errors=errors)
    response = JSONResponse({"number": await _hand_in(request, person, reading.report, raw)})
    _took(form)
    await give_token(request, response, person)
    return response


def _took(form: dict[str, str]) -> None:
    """Note how long the person took, if the phone says."""
    with suppress(KeyError, ValueError):
        metrics.REPORT_DURATION.observe(min(max(float(form["seconds"]), 0.0), 3600.0))


@router.get("/mina-rapporter")
async def mine(
    request: Request, person: Reporter, framme: str = "", tillbaka: str = "", avslutad: str = ""
) -> HTMLResponse:
    """The reporter's own reports, each with its fate."""
    people: People = request.app.state.people
    corridor: Corridor = request.app.state.corridor
    sender = await people.sender(person)
    found = await request.app.state.reports.mine(person.kommun, sender.client_id)
    token = await people.token(person)
    fates = await asyncio.gather(*(corridor.fate(own.event.report_id, token) for own in found))
    local = await request.app.state.reports.local_types(person.kommun)
    notice = None
    if framme == "noll":
        notice = text("mine.sent_zero") if sender.reporter_token else text("mine.sent_zero_tip")
    elif framme and len(framme) <= 8 and framme.replace("-", "").isalnum():
        notice = text("mine.sent", number=framme)
    elif tillbaka:
        notice = text("mine.withdrawn")
    elif avslutad:
        notice = text("mine.ended")
    with_photo = await request.app.state.photos.of_reports(person.kommun, [own.event.report_id for own in found])
    cards = [
        _card(own, fate, local) | {"photo": with_photo.get(own.event.report_id)}
        for own, fate in zip(found, fates, strict=True)
    ]
    context = frame(person, "/mina-rapporter", phone=True) | {
        "cards": cards,
        "notice": notice,
        "phone_texts": phone.texts(),
    }
    response = page("ingest/mine.html", context, modules=phone.QUEUE_MODULES)
    await give_token(request, response, person)
    return response


@router.post("/mina-rapporter/dra-tillbaka")
async def withdraw(request: Request, person: Reporter, report_id: Annotated[UUID, Form()]) -> Response:
    """Withdraw one of one's own reports."""
    people: People = request.app.state.people
    sender = await people.sender(person)
    try:
        answer = await request.app.state.reports.withdraw(sender, report_id, request.state.correlation_id)
    except Unfinished:
        answer = None
    return RedirectResponse("/mina-rapporter" + ("?tillbaka=ja" if answer is not None else ""), 303)


@router.post("/mina-rapporter/avsluta")
async def end_state(request: Request, person: Reporter, report_id: Annotated[UUID, Form()]) -> Response:
    """Say that a state that I reported has ended; who writes the lägesbild may say it of everybody's."""
    people: People = request.app.state.people
    reports: Reports = request.app.state.reports
    client = None if person.may("analytiker", "administrator") else (await people.sender(person)).client_id
    try:
        ended = await reports.end(person.kommun, report_id, request.state.correlation_id, client=client)
    except Unfinished:
        ended = False
    if client is None:
        return RedirectResponse(f"/rapporter/{report_id}?avslutad={'ja' if ended else 'nej'}", 303)
    return RedirectResponse("/mina-rapporter" + ("?avslutad=ja" if ended else ""), 303)


def _card(own: Own, fate: Fate, local: dict[str, tuple[str, int]]) -> dict[str, Any]:
    """One report as the page shows it."""
    report = own.event
    known = current().type(report.event_type)
    label = known.label if known is not None else local.get(report.event_type, (report.event_type, 1))[0]
    counted = fate.fact is not None and fate.fact.get("revision") == report.revision
    why = fate.fact.get("reason") if fate.fact is not None and counted else None
    return {
        "id": str(report.report_id),
        "number": short_number(report.report_id),
        "title": label,
        "when": writing.interval(report.time_from, report.time_to),
        "received": writing.moment(own.received_at),
        "withdrawn": report.withdrawn,
        "may_withdraw": own.named and not report.withdrawn and report.event_type != ZERO_REPORT,
        "may_end": own.named and not report.withdrawn and report.ongoing and report.event_type[0] == "E",
        "taken_back": own.taken_back,
        "text_lost": own.taken_back and report.has_text,
        "zero": report.event_type == ZERO_REPORT,
        "placed": fate.placement,
        "counted": counted and why is None,
        "why": text(f"reason.{why}") if why else None,
        "police": police.text_for(report, label, (fate.placement or {}).get("area_name")),
        "away": fate.away,
    }


async def trouble(request: Request, problem: Problem) -> HTMLResponse:
    """The page for what went wrong, such as an address that no room answers."""
    heading = text("error.not_found") if problem.status == 404 else problem.title
    context = {"heading": heading, "detail": None}
    shown = page("message.html", frame(await signed_in(request), request.url.path) | context, problem.status)
    shown.headers.update(problem.headers or {})
    return shown
