"""Vem som rapporterar: per organisation, area and week, who is appointed, active and calm; and how late reports come.

A number of reports says little without how many were looking; this page says it, and never per person.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from schemas.values import UNPLACED
from services.analysis.domain.lateness import Lateness
from services.analysis.domain.preliminary import HISTORY, missing_share
from services.analysis.domain.selection import Selection
from services.analysis.gateways import Door, Geometry
from services.analysis.handlers.looking import NOBODY, active_reporters, came_late, side_by_side
from services.analysis.store import signals
from services.analysis.store.pictures import Span
from services.analysis.views import SWEDEN, monday
from services.analysis.web.access import denied, writes
from services.analysis.web.beside import PATH as CARDS
from services.analysis.web.beside import REGSO
from services.pages import charts
from services.pages.frame import frame
from services.pages.labels import place_label
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import short_day
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PATH = "/oversikt/rapporterande"
LENGTHS = (4, 13, 26)
"""Weeks that can be looked at, each beside as many before."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Read:
    """What the database says of a period: rows of ``side_by_side``, and how late what every source sent came in.

    ``looked``: area → reporters who were looking at it, in the period before and in the period.
    """

    organisations: Rows
    organisations_before: Rows
    areas: Rows
    looked: Mapping[str, Sequence[int]]
    weeks: Rows
    late: Sequence[tuple[str, Lateness, float]]
    """Source, its reports by days late, which share of them is still to come."""


@router.get(PATH)
async def listed(request: Request, principal: Visitor, veckor: str = "") -> Response:
    """The page; for who writes the lägesbild: few reporters in a group are somebody's days."""
    if not writes(principal):
        return denied(principal)
    weeks = int(veckor) if veckor in {str(n) for n in LENGTHS} else LENGTHS[0]
    today = datetime.now(SWEDEN).date()
    chosen = Selection(today - timedelta(days=7 * weeks - 1), today)
    token = token_of(request) or ""
    geometry: Geometry = request.app.state.geometry
    door: Door = request.app.state.door
    names, known = await asyncio.gather(door.organisations(token), geometry.own_areas(principal.kommun, token))
    found = await ask(request.app.state.database, principal.kommun, chosen, list(known or ()))
    organisations = rows_of("organisation", found.organisations, found.organisations_before)
    areas = _areas(found, known)
    context = frame(principal, "/oversikt") | {
        "rows": [row | {"name": _name(row["organisation"], names), "href": ""} for row in organisations],
        "silent": sum(1 for row in organisations if row["silent"]),
        "areas": [
            row | {"name": place_label(row["area"], known or {}), "href": _card(row["area"], chosen)} for row in areas
        ],
        "unseen": sum(1 for row in areas if not row["active"] and row["area"] != UNPLACED),
        "by_week": [row | {"week": date.fromisoformat(row["week"])} for row in reversed(found.weeks)],
        "trend": _trend(found.weeks),
        "late": [(text(f"source.{source}"), spread, share) for source, spread, share in found.late],
        "weeks": weeks,
        "lengths": LENGTHS,
        "chosen": chosen,
        "week_query": _in_weeks(chosen).query(),
        "away": not names,
        "areas_away": known is None,
    }
    return page("analysis/reporting.html", context)


async def ask(database: Database, kommun: str, chosen: Selection, everywhere: Sequence[str]) -> Read:
    """All of the page's numbers, of one moment. ``everywhere``: the municipality's areas."""
    before, today = chosen.before(), chosen.last
    span = Span(before.first, chosen.last, chosen.days)
    async with database.transaction((kommun,), snapshot=True) as connection:
        late = []
        for (source,), spread in await came_late(connection, kommun, chosen, ["source"]):
            rows = await signals.lateness(connection, kommun, today - timedelta(days=HISTORY), today, [source])
            late.append((source, spread, missing_share(rows, chosen.first, chosen.last, today)))
        return Read(
            await side_by_side(connection, kommun, chosen, ["organisation"]),
            await side_by_side(connection, kommun, before, ["organisation"]),
            await side_by_side(connection, kommun, chosen, ["area"], everywhere),
            await active_reporters(connection, kommun, span, 2),
            every_week(await side_by_side(connection, kommun, _in_weeks(chosen), ["week"]), _in_weeks(chosen)),
            late,
        )


def rows_of(by: str, now: Rows, before: Rows) -> Rows:
    """One row per group that has reporters or had; the silent first, then the most active.

    Silent is a group where somebody is appointed and nobody was heard of.
    """
    told, earlier = ({row[by]: row for row in rows} for rows in (now, before))
    rows = [
        {
            by: group,
            "appointed": (one := told.get(group, NOBODY))["appointed"],
            "active": one["active"],
            "before": (then := earlier.get(group, NOBODY))["active"],
            "zero": one["zero_reports"],
            "last": _day(one["last_day"] or then["last_day"]),
            "sent": one.get("sent", 0),
            "silent": bool(one["appointed"] and not one["active"]),
        }
        for group in {*told, *(g for g, row in earlier.items() if row["active"])}
    ]
    return sorted(rows, key=lambda r: (not r["silent"], -r["active"], r[by]))


def every_week(rows: Rows, chosen: Selection) -> Rows:
    """A row for every week of the days chosen, also for those when nobody was there: a gap is no week left out."""
    told = {row["week"]: row for row in rows}
    weeks = [(chosen.first + timedelta(weeks=n)).isoformat() for n in range(-(-chosen.days // 7))]
    return [NOBODY | {"week": week} | told.get(week, {}) for week in weeks]


def _in_weeks(chosen: Selection) -> Selection:
    """From the Monday on, so that the first week is a whole one."""
    return replace(chosen, first=monday(chosen.first))


def _areas(found: Read, known: Mapping[str, str] | None) -> Rows:
    """The municipality's own areas, and what is in none. While geo is away those there are.

    Nobody knows then who is appointed. What is seen in other municipalities is not this one's to watch.
    """
    told = {r["area"]: r for r in found.areas if known is None or r["area"] in known or r["area"] == UNPLACED}
    away = {"appointed": None} if known is None else {}
    now = []
    for area in {*told, *(known or ())}:
        row = NOBODY | told.get(area, {})
        looking = found.looked.get(area, (0, 0))[1]
        now.append(row | away | {"area": area, "sent": row["active"], "active": looking})
    here = {row["area"] for row in now}
    before = [NOBODY | {"area": a, "active": then} for a, (then, _) in found.looked.items() if a in here]
    return rows_of("area", now, before)


def _trend(weeks: Rows) -> dict[str, Any]:
    """The week that goes on is the last one always."""
    values = [(date.fromisoformat(row["week"]), float(row["active"])) for row in weeks]
    low, high = (round(f(v for _, v in values)) for f in (min, max))
    return {
        **charts.both(values, last_is_partial=True),
        "label": text("reporting.trend_label", low=str(low), high=str(high), last=str(round(values[-1][1]))),
    }


def _card(area: str, chosen: Selection) -> str:
    return "" if area == UNPLACED else f"{CARDS}/{REGSO}/{area}?{chosen.query()}"


def _name(organisation: str, names: Mapping[str, str]) -> str:
    if not organisation:
        return text("reporting.none")
    return names.get(organisation, text("reporting.unknown"))


def _day(day: str) -> str:
    return short_day(date.fromisoformat(day)) if day else text("reporting.never")
