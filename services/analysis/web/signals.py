"""Signals as a page: cases that go on, what is watched, what is over; every number as it was when it was told."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from services.analysis.gateways import Geometry
from services.analysis.store import signals as store
from services.analysis.store.signals import Revision
from services.analysis.web.labels import inside, place_label, type_label
from services.analysis.web.overview import message
from services.analysis.web.pictures import reads
from services.pages.frame import frame
from services.pages.render import page
from services.pages.swedish import decimal, short_day, week, whole
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PATH = "/signaler"
_OVER_SHOWN = 20


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """The page."""
    if not reads(principal):
        return message(principal, PATH, text("error.denied"), text("error.denied_who"), 403)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        cases = await store.newest_cases(connection, principal.kommun)
        run = await store.run_of(connection, principal.kommun)
    geometry: Geometry = request.app.state.geometry
    names = await geometry.names("regso", token_of(request) or "")
    followed = [key for c in cases if c.state != "closed" for key in c.document["series"]]
    context = frame(principal, PATH) | {
        "run": _run(run),
        "open": [_case(c, names) for c in cases if c.state != "closed"],
        "over": [_case(c, names) for c in cases if c.state == "closed"][:_OVER_SHOWN],
        "watched": [
            _said(f, names)
            for f in (run or {}).get("findings", [])
            if f["state"] == "watch" and [f["area"], f["kind"]] not in followed
        ],
    }
    return page("analysis/signals.html", context)


def _run(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return text("signals.run_none")
    return text("signals.run", week=week(date.fromisoformat(run["week"])), tested=whole(run["tested"]))


def _said(evidence: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """One series' week in words."""
    kind = inside(type_label(evidence["kind"]))
    place = place_label(evidence["area"], names)
    reports = text(
        f"picture.reports_{'one' if evidence['observed'] == 1 else 'many'}", count=whole(evidence["observed"])
    )
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
        text("signals.reporters", count=whole(document["data"]["reporters"])),
    ]
    if case.state == "closed":
        facts.append(text("signals.over", until=week(date.fromisoformat(document["until"]))))
    elif document["data"]["preliminary"] >= 0.05:
        facts.append(text("signals.preliminary", share=whole(round(100 * document["data"]["preliminary"]))))
    now = document.get("now") or []
    if now:
        facts.append(text("signals.corrected", count=whole(now[0]["observed"])))
    return {
        **_said(lead, names),
        "number": case.number,
        "facts": facts,
        "others": [_said(other, names)["title"] for other in others],
    }
