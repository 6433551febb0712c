"""What is behind a number: the reports of a selection, and one of them with its text asked from the door.

Rows and texts are single reports: each look is noted before anything is shown. A text is never kept here.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from schemas.taxonomy import current
from services.analysis.api.counts import EXACT, WRITERS
from services.analysis.domain.selection import Selection
from services.analysis.gateways import Door, Geometry
from services.analysis.store import cards as store
from services.analysis.web import picture_words
from services.analysis.web.access import denied, message, missing, reads, writes
from services.analysis.web.hours import chosen_hours, named_hours
from services.analysis.web.overview import wanted
from services.pages.frame import frame
from services.pages.labels import place_label, type_label
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import interval, moment
from services.runtime import read_log
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PATH = "/rapporter"
PAGE, LONGEST_PAGE = 50, 6
"""Reports on a page, and digits of a page's number."""
_CELL = re.compile(r"89[0-9a-f]{13}")
"""A cell of resolution 9."""
LONGEST_WEEKS = 53
"""Weeks for which an hour's reports are listed: the rhythm is shown over a year at most."""


def row_of(event: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A located report as a row: when, what, where, from whom, and whether it stands."""
    report, placement = event["report"], event["placement"]
    area = next((a["area"] for a in placement["areas"] if a["layer"] == "regso"), "unplaced")
    state = current().group(report["event_type"][0]).kind == "state"
    return {
        "ident": report["report_id"],
        "when": interval(datetime.fromisoformat(report["time_from"]), datetime.fromisoformat(report["time_to"])),
        "kind": type_label(report["event_type"]),
        "place": place_label(area, names),
        "precision": text(f"review.precision_{placement['precision']}"),
        "source": text(f"source.{report['source']}"),
        "state": text("card.state_open" if report.get("ongoing") else "card.state_closed") if state else "–",
    }


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """The reports that a selection counts, fifty on a page."""
    chosen = wanted(request, principal, PATH)
    if isinstance(chosen, Response):
        return chosen
    asked = request.query_params.get("sida", "1")
    at = max(1, int(asked)) if asked.isdecimal() and len(asked) <= LONGEST_PAGE else 1
    inside = _inside(request, principal)
    if inside.cell is not None and not principal.may(*EXACT):
        return denied(principal)
    if inside.hours and chosen.days > LONGEST_WEEKS * 7:  # every report's times are read
        return message(principal, PATH, text("card.hours_too_long"), None, 422)
    query = chosen.query() + _address(inside)
    database: Database = request.app.state.database
    await read_log.note(database, principal, "reports", f"{PATH}?{query}&sida={at}", "follow_up")
    async with database.transaction(principal.kommuner, snapshot=True) as connection:
        skip = (at - 1) * PAGE
        if inside.hours:
            count, found = await store.in_hours(connection, principal.kommun, chosen, inside, limit=PAGE, skip=skip)
        else:
            count = await store.how_many(connection, principal.kommun, chosen, inside)
            found = await store.behind(connection, principal.kommun, chosen, inside, limit=PAGE, skip=skip)
    geometry: Geometry = request.app.state.geometry
    names = await geometry.names("regso", token_of(request) or "")
    places = await geometry.place_names(token_of(request) or "", {"places": inside.place})
    context = frame(principal, "/omraden") | {
        "chosen": chosen,
        "count": count,
        "count_said": picture_words.many("reports", count),
        "rows": [row_of(event, names) for event in found],
        "first": (at - 1) * PAGE + 1,
        "last": (at - 1) * PAGE + len(found),
        "earlier": f"{PATH}?{query}&sida={at - 1}" if at > 1 else None,
        "later": f"{PATH}?{query}&sida={at + 1}" if at * PAGE < count else None,
        "back": f"/oversikt?{_on_overview(chosen).query()}",
        "said": [place_label(a, names) for a in chosen.areas]
        + [type_label(t) for t in chosen.types]
        + [text(f"source.{s}") for s in chosen.sources]
        + _said(inside, places or {}),
        "by_hours": inside.hours is not None,
        "stood": inside.standing,
    }
    return page("analysis/behind.html", context)


def _inside(request: Request, principal: Principal) -> store.Inside:
    """What the address narrows a selection to."""
    asked = request.query_params
    return store.Inside(
        principal.kommun if asked.get("egna") == "1" else None,
        _ident(asked.get("plats", "")),
        chosen_hours(asked.get("veckodag", ""), asked.get("kl", "")),
        _cell(asked["ruta"]) if "ruta" in asked else None,
        asked.get("oppna") == "1",
    )


def _address(inside: store.Inside) -> str:
    """The same for the next page's address."""
    hours = inside.hours
    parts = ["&egna=1" if inside.own else "", f"&plats={inside.place}" if inside.place else ""]
    parts += [f"&veckodag={hours.weekday}&kl={hours.since}" if hours else ""]
    parts += [f"&ruta={inside.cell}" if inside.cell else "", "&oppna=1" if inside.standing else ""]
    return "".join(parts)


def _said(inside: store.Inside, places: Mapping[str, str]) -> list[str]:
    said = [picture_words.named(str(inside.place), places)] if inside.place else []
    said += [named_hours(inside.hours)] if inside.hours else []
    said += [text("card.in_cell", cell=inside.cell)] if inside.cell else []
    return said + ([text("card.own_only")] if inside.own else [])


def _cell(written: str) -> str:
    """A cell in the address; what is none is a cell that nothing lies in."""
    return written if _CELL.fullmatch(written) else "f" * 15


def _ident(written: str) -> UUID | None:
    """A named place in the address; what is none is no place that anything lies in."""
    try:
        return UUID(written) if written else None
    except ValueError:
        return UUID(int=0)


def _on_overview(chosen: Selection) -> Selection:
    """The same where areas are RegSO's: another layer's are not known there."""
    return chosen if chosen.layer == "regso" else replace(chosen, layer="regso", areas=())


@router.get(PATH + "/{report_id}")
async def one(
    request: Request, principal: Visitor, report_id: UUID, avslutad: str = "", borttagen: str = ""
) -> Response:
    """One report, and for those who may read it what was written to it."""
    if not reads(principal):
        return denied(principal)
    database: Database = request.app.state.database
    await read_log.note(database, principal, "report", str(report_id), "follow_up")
    async with database.transaction(principal.kommuner) as connection:
        found = await store.one(connection, principal.kommun, report_id)
    if found is None:
        return missing(principal, "/omraden")
    event, reason = found
    geometry: Geometry = request.app.state.geometry
    names = await geometry.names("regso", token_of(request) or "")
    report = event["report"]
    context = frame(principal, "/omraden") | {
        "row": row_of(event, names),
        "received": moment(datetime.fromisoformat(report["received_at"])),
        "seen": report.get("count", 1),
        "severity": report.get("severity"),
        "confirmed": report.get("confirmed", False),
        "may_end": _standing(report) and not reason and writes(principal),
        "ended": avslutad,
        "removed": bool(borttagen),
        "reason": text(f"card.not_{reason}") if reason else None,
        **await _written(request, principal, report_id, bool(report.get("has_text"))),
    }
    return page("analysis/report.html", context)


def _standing(report: Mapping[str, Any]) -> bool:
    """A state that goes on and that a person may have reported: who writes the lägesbild may say that it has ended."""
    by_people = report["source"] in {"rapportor", "tips"}
    return bool(report.get("ongoing")) and report["event_type"][0] == "E" and by_people


async def _written(request: Request, principal: Principal, report_id: UUID, has_text: bool) -> dict[str, Any]:
    """``written`` = the text, ``unwritten`` = why there is none to show."""
    if not has_text:
        return {"written": None, "unwritten": text("card.no_text")}
    if not principal.may(*WRITERS):
        return {"written": None, "unwritten": text("card.text_denied")}
    door: Door = request.app.state.door
    try:
        written = await door.text_of(report_id, token_of(request) or "")
    except Away:
        return {"written": None, "unwritten": text("card.text_away")}
    return {"written": written, "unwritten": None if written else text("card.text_gone")}
