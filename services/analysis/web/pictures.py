"""The operativ lägesbild as pages: the list, a draft to assess and adopt, an adopted one that never changes."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from services.analysis.api.counts import EXACT
from services.analysis.domain.periods import Rule
from services.analysis.gateways import Geometry
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.picturing import Picturing
from services.analysis.store import pictures as store
from services.analysis.store.pictures import Version
from services.analysis.views import SWEDEN
from services.analysis.web import picture_words, sheets
from services.analysis.web.access import denied, missing, reads, writes
from services.analysis.web.labels import days_from, rings
from services.pages import charts, maps
from services.pages.frame import frame
from services.pages.labels import place_label, type_label, upper_first
from services.pages.render import page
from services.pages.tables import TYPE as CSV
from services.pages.tables import XLSX
from services.pages.texts import text
from services.pages.writing import clock, full_day, moment, short_day
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/lagesbilder"
NOTHING: dict[str, Any] = {"text": "", "local": "", "hidden": {}, "comments": {}}
"""An assessment that nobody has written yet."""
NUMBER = re.compile(r"^\d{4}:\d{2}$")


class Ends(BaseModel):
    """When periods end."""

    days: int
    weekday: int
    hour: int


def use_cases(request: Request) -> Picturing:
    """The room's own."""
    found: Picturing = request.app.state.picturing
    return found


async def newest(request: Request, principal: Principal, number: str) -> Version | None:
    """The newest version of a picture; None for one that is not there, or is no number at all."""
    return await use_cases(request).newest(principal.kommun, number) if NUMBER.match(number) else None


async def named(request: Request, version: Version, features: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """What areas and places are called: as was adopted, else as the outlines and geo say now."""
    if version.document.get("names"):
        frozen: Mapping[str, str] = version.document["names"]
        return frozen
    geometry: Geometry = request.app.state.geometry
    places = await geometry.place_names(token_of(request) or "", version.document)
    return {f["id"]: f["properties"]["name"] for f in features} | (places or {})


async def readable(request: Request, principal: Principal, number: str) -> Version | Response:
    """The version that this reader may see, drafts only for those who write them; otherwise the page that says no."""
    if not reads(principal):
        return denied(principal)
    version = await newest(request, principal, number)
    if version is None or (version.state == "draft" and not writes(principal)):
        return missing(principal)
    return version


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """The list; drafts only for those who write them."""
    return await _list(request, principal) if reads(principal) else denied(principal)


async def _list(request: Request, principal: Principal, wrong: str | None = None) -> Response:
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.newest(connection, principal.kommun)
        rule = await store.rule(connection, principal.kommun)
    now = datetime.now(UTC)
    following = rule.cut_offs(now, now + timedelta(days=15))[0].astimezone(SWEDEN)
    context = frame(principal, PATH) | {
        "rows": [_row(v) for v in found if v.state == "adopted" or writes(principal)],
        "rule": rule,
        "next": f"{full_day(following.date())} {clock(following)}",
        "weekdays": [text(f"picture.day_{i}") for i in range(7)],
        "writes": writes(principal),
        "wrong": wrong,
    }
    return page("analysis/pictures.html", context, 422 if wrong else 200)


def _row(version: Version) -> dict[str, Any]:
    first, last = (datetime.fromisoformat(version.document[d]).date() for d in ("first", "last"))
    return {
        "number": version.number,
        "period": f"{short_day(first)}–{short_day(last)}",
        "state": version.state,
        "reports": version.document["totals"]["now"],
    }


@router.post(PATH + "/regel")
async def decide(request: Request, principal: Visitor, form: Annotated[Ends, Form()]) -> Response:
    """When periods end from now on."""
    if not writes(principal):
        return denied(principal)
    try:
        rule = Rule(form.days, form.weekday, form.hour)
    except ValueError:
        return await _list(request, principal, text("picture.rule_bad"))
    await use_cases(request).decide(principal.kommun, rule)
    return RedirectResponse(PATH, 303)


@router.get(PATH + "/{number}")
async def one(request: Request, principal: Visitor, number: str) -> Response:
    """A picture: a draft with what people write to it, or what was adopted."""
    version = await readable(request, principal, number)
    return version if isinstance(version, Response) else await shown(request, principal, version)


async def shown(
    request: Request,
    principal: Principal,
    version: Version,
    *,
    mine: Mapping[str, Any] | None = None,
    moved: str | None = None,
    status: int = 409,
) -> Response:
    """The page of a version; ``mine`` is what its reader wrote and could not keep, ``moved`` why it is not done."""
    kommun, document = principal.kommun, version.document
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", kommun, token_of(request) or "")
    features = [] if outlines is None else outlines["features"]
    names = await named(request, version, features)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        written = await store.assessments(connection, kommun, version.number)
    correcting: Correcting = request.app.state.correcting
    differing = await correcting.counts(kommun, version)
    adopted = version.state == "adopted"
    body = NOTHING | dict(document["assessment"] if adopted else mine or (written[-1].body if written else {}))
    told = picture_words.told(document, names, body.get("hidden", {}))
    counts = {a["area"]: float(a["now"]) for a in document["areas"]}
    context = frame(principal, PATH) | {
        "told": told,
        "bars": {f["id"]: charts.interval_bar(f["seen"], f["low"], f["high"], f["expected"]) for f in told["findings"]},
        "sparks": {g["kind"]: charts.spark(g["periods"], g["expected"]) for g in told["groups"]},
        "drawings": maps.draw(features, counts),
        "dense_drawings": maps.draw(features, {}, rings(told["dense"]["map"])) if told["dense"] else [],
        "legend": maps.LEGEND,
        "history": _history(document),
        "tables": [(key, text(f"picture.sheet_{key}")) for key in sheets.TABLES],
        "version": version,
        "body": body,
        "seen": written[-1].revision if written else 0,
        "saved": moment(written[-1].at) if written else None,
        "moved": moved,
        "minted": moment(version.minted_at),
        "writes": writes(principal),
        "exact": principal.may(*EXACT),
        "adopted": adopted,
        "seal": _seal(version) if adopted else None,
        "corrections": _corrected(differing, names) if adopted else [],
        "since_drafted": 0 if adopted else len(differing),
    }
    context["invented"] = context["invented"] or document["invented"]
    return page("analysis/picture.html", context, status if moved is not None else 200)


def _seal(version: Version) -> dict[str, str]:
    at = datetime.fromisoformat(version.document["adopted_at"]).astimezone(SWEDEN)
    short = " ".join(version.hash[i : i + 4] for i in range(0, 16, 4))
    return {
        "when": text("picture.seal", when=f"{full_day(at.date())} {clock(at)}", version=str(version.version)),
        "hash": text(
            "picture.seal_hash",
            hash=short,
            facts=str(version.document["data"]["facts"]),
            method=str(version.document["method"]),
        ),
    }


def _corrected(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    said = []
    for one_of in found:
        kind = type_label(one_of["kind"])
        what = f"{upper_first(kind)}, {place_label(one_of['area'], names)},"
        said.append(text("picture.corrected", what=what, today=str(one_of["today"]), adopted=str(one_of["adopted"])))
    return said


def _history(document: Mapping[str, Any]) -> dict[str, Any]:
    """The groups' names, and a row for each period: its first day, its query, (group, reports) of each."""
    days, groups = sheets.history(document)
    return {
        "names": [type_label(kind) for kind, _ in groups],
        "rows": [
            (day, days_from(day, document["days"]), [(kind, counts[at]) for kind, counts in groups])
            for at, day in enumerate(days)
        ],
    }


@router.get(PATH + "/{number}/lagesbild.xlsx")
async def sheet(request: Request, principal: Visitor, number: str) -> Response:
    """Every table of the picture, as it is shown to this reader."""
    return await _exported(request, principal, number, None)


@router.get(PATH + "/{number}/tabell/{table}.csv")
async def one_table(request: Request, principal: Visitor, number: str, table: str) -> Response:
    """One of them for a spreadsheet."""
    return await _exported(request, principal, number, table) if table in sheets.TABLES else missing(principal, PATH)


async def _exported(request: Request, principal: Principal, number: str, table: str | None) -> Response:
    version = await readable(request, principal, number)
    if isinstance(version, Response):
        return version
    await read_log.note(request.app.state.database, principal, "picture", number, "export")
    geometry: Geometry = request.app.state.geometry
    names = version.document.get("names") or await geometry.spoken_of(token_of(request) or "", version.document)
    hidden = (await assessment(request, principal, version)).get("hidden", {})
    name = f"lagesbild-{principal.kommun}-{number.replace(':', '-')}"
    if table is not None:
        text_of = await run_in_threadpool(sheets.table, version.document, names, hidden, table)
        return _file(text_of.encode(), CSV, f"{name}-{table}.csv", "attachment")
    content = await run_in_threadpool(sheets.workbook, version.document, names, hidden)
    return _file(content, XLSX, f"{name}.xlsx", "attachment")


async def assessment(request: Request, principal: Principal, version: Version) -> Mapping[str, Any]:
    """What people wrote to a version."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        return await store.assessment(connection, principal.kommun, version)


def _file(content: bytes, kind: str, name: str, how: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'{how}; filename="{name}"'})


@router.get(PATH + "/{number}/lagesbild.pdf")
async def printed(request: Request, principal: Visitor, number: str) -> Response:
    """The PDF that was stored when the picture was adopted; a draft has none."""
    version = await readable(request, principal, number)
    if isinstance(version, Response):
        return version
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        content = await store.pdf(connection, principal.kommun, number, version.version)
    if content is None:
        return missing(principal)
    await read_log.note(database, principal, "picture", number, "export")
    name = f"lagesbild-{principal.kommun}-{number.replace(':', '-')}.pdf"
    return _file(content, "application/pdf", name, "inline")
