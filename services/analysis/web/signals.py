"""Signals as a page: cases that go on, what is watched, what is over; every number as it was when it was told."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from services.analysis.api.counts import EXACT
from services.analysis.domain.case_documents import GATHERED, corrected_lead
from services.analysis.gateways import Geometry
from services.analysis.store import density
from services.analysis.store import signals as store
from services.analysis.store.signals import Revision
from services.analysis.web import picture_words
from services.analysis.web.access import message, reads
from services.analysis.web.labels import rings
from services.pages import maps, plane
from services.pages.frame import frame
from services.pages.labels import inside, place_label, type_label
from services.pages.maps import Drawing
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import decimal, short_day, week, whole
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PATH = "/signaler"
_OVER_SHOWN = 20
_CELL_STEP = 4
"""The colour of a gathering's cells: of what is many, whatever their number."""


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """The page."""
    if not reads(principal):
        return message(principal, PATH, text("error.denied"), text("error.denied_who"), 403)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        cases = await store.newest_cases(connection, principal.kommun)
        run = await store.run_of(connection, principal.kommun)
        night = await density.newest_night(connection, principal.kommun)
    geometry: Geometry = request.app.state.geometry
    names = await geometry.names("regso", token_of(request) or "")
    drawings = await _gatherings(request, principal, [c for c in cases if c.state != "closed"])
    followed = [key for c in cases if c.state != "closed" for key in c.document["series"]]
    context = frame(principal, PATH) | {
        "run": _run(run),
        "night": _night(night),
        "ruled": principal.may("analytiker", "administrator"),
        "open": [_case(c, names) | {"map": drawings.get(c.number)} for c in cases if c.state != "closed"],
        "over": [_case(c, names) for c in cases if c.state == "closed"][:_OVER_SHOWN],
        "watched": [
            _said(f, names)
            for f in (run or {}).get("findings", [])
            if f["state"] == "watch" and [f["area"], f["kind"]] not in followed
        ],
    }
    return page("analysis/signals.html", context)


async def _gatherings(request: Request, principal: Visitor, cases: Sequence[Revision]) -> dict[str, Drawing]:
    """Case → where exactly it gathers, for those who see exact places; none while geo is away."""
    gathered = [c for c in cases if c.document["evidence"][0]["method"] == GATHERED]
    if not gathered or not principal.may(*EXACT):
        return {}
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    if outlines is None:
        return {}
    drawn = {c.number: gathering(c.document["evidence"][0], outlines["features"]) for c in gathered}
    return {number: drawing for number, drawing in drawn.items() if drawing is not None}


def gathering(evidence: Mapping[str, Any], features: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """A gathering's cells on the areas that they touch; None where there is no such area."""
    cells = rings((cell, _CELL_STEP) for cell in evidence["cells"])
    lons, lats = zip(*(point for ring, _ in cells for point in ring), strict=True)
    west, south, east, north = min(lons), min(lats), max(lons), max(lats)
    touched = []
    for feature in features:
        left, low, right, high = plane.box(feature)
        if left <= east and right >= west and low <= north and high >= south:
            touched.append(feature)
    drawings = maps.draw(touched, {}, cells)
    if not drawings:
        return None
    town = maps.town_box(touched)
    inside = town is not None and town[0] <= west and town[1] <= south and town[2] >= east and town[3] >= north
    drawing = drawings[-1 if inside else 0]
    drawing.caption, drawing.frame = text("signals.cells", count=whole(len(cells))), None
    return drawing


def _run(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return text("signals.run_none")
    return text("signals.run", week=week(date.fromisoformat(run["week"])), tested=whole(run["tested"]))


def _night(night: Mapping[str, Any] | None) -> str:
    if night is None:
        return ""
    day = short_day(date.fromisoformat(night["day"]))
    return text("signals.night", day=day, groups=whole(night["groups"]))


def _gathered(evidence: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A gathering in words."""
    kind, place = inside(type_label(evidence["kind"])), place_label(evidence["area"], names)
    first, last = (date.fromisoformat(evidence[edge]) for edge in ("first", "last"))
    count = picture_words.many("reports", evidence["observed"])
    span = short_day(first) if first == last else f"{short_day(first)}–{short_day(last)}"
    return {
        "title": text("signals.heading_scan", kind=kind, place=place),
        "says": text("signals.say_scan", count=count, span=span, expected=decimal(evidence["expected"])),
        "method": text("signals.method_scan", recurrence=whole(evidence["recurrence"])),
    }


def _said(evidence: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """One series' week in words, or a gathering."""
    if evidence["method"] == GATHERED:
        return _gathered(evidence, names)
    kind = inside(type_label(evidence["kind"]))
    place = place_label(evidence["area"], names)
    reports = picture_words.many("reports", evidence["observed"])
    adjusted = evidence["adjusted"]
    numbers = {"expected": decimal(evidence["expected"]), "limit": decimal(evidence["limit"], 0)}
    said = text(f"signals.say_{evidence['weeks']}", count=reports, **numbers)
    if adjusted is not None:
        said += " " + text(
            "signals.beside", expected=decimal(adjusted["expected"]), limit=decimal(adjusted["limit"], 0)
        )
    return {
        "title": text("signals.heading", kind=kind, place=place),
        "says": said,
        "method": text(f"signals.method_{evidence['method']}", history=str(evidence["history_weeks"])),
    }


def _behind(evidence: Mapping[str, Any], last_week: date) -> str:
    """The query of the reports that a week's number counts; empty of a gathering, whose cells no selection names."""
    if evidence["method"] == GATHERED:
        return ""
    first = last_week - timedelta(weeks=evidence["weeks"] - 1)
    where = f"area={evidence['area']}" if evidence["area"] else "egna=1"
    return f"from={first}&to={last_week + timedelta(days=6)}&type={evidence['kind']}&{where}"


def _case(case: Revision, names: Mapping[str, str]) -> dict[str, Any]:
    document = case.document
    lead, *others = document["evidence"]
    weeks, since = len(document["alarm_weeks"]), date.fromisoformat(document["since"])
    facts = [
        text(
            f"signals.since_{'one' if weeks == 1 else 'many'}",
            since=f"{week(since)} ({short_day(since)})",
            count=str(weeks),
        ),
    ]
    if "reporters" in document["data"]:
        facts.append(text("signals.reporters", count=whole(document["data"]["reporters"])))
    if case.state == "closed":
        facts.append(text("signals.over", until=week(date.fromisoformat(document["until"]))))
    elif document["data"]["preliminary"] >= 0.05:
        facts.append(text("signals.preliminary", share=whole(round(100 * document["data"]["preliminary"]))))
    if (now := corrected_lead(document)) is not None and now != lead["observed"]:
        facts.append(text("signals.corrected", count=whole(now)))
    return {
        **_said(lead, names),
        "number": case.number,
        "facts": facts,
        "query": _behind(lead, date.fromisoformat(lead.get("week", document["last_alarm_week"]))),
        "others": [_said(other, names)["title"] for other in others],
    }
