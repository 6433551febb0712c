"""The overview: finding first, then numbers, then tools. Map and table say the same; the URL is the truth."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from schemas.taxonomy import current
from schemas.values import UNPLACED, Source
from services.analysis.api.counts import READERS
from services.analysis.domain.selection import BadSelection, Selection, last_days, parse_day, reports, split_areas
from services.analysis.gateways import Geometry
from services.analysis.handlers import judging
from services.analysis.statistics import counts
from services.analysis.store import numbers
from services.analysis.views import monday
from services.analysis.web.access import denied, message, reads, writes
from services.analysis.web.beside import so_far
from services.analysis.web.keeping import kept
from services.pages import charts, livemap, maps
from services.pages.frame import frame
from services.pages.labels import type_label
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
WEEKS = 26
SOURCES = get_args(Source)


def read_selection(request: Request, days: int = 14) -> Selection:
    """The selection in the page's address; empty fields mean everything."""
    query = request.query_params
    start, end = last_days(datetime.now(UTC), days)

    def many(name: str) -> tuple[str, ...]:
        return tuple(v for v in query.getlist(name) if v)

    return Selection(
        parse_day(query.get("from"), "from", start),
        parse_day(query.get("to"), "to", end),
        query.get("layer") or "regso",
        areas=many("area"),
        types=many("type"),
        sources=many("source"),
    )


def wanted(request: Request, principal: Principal, path: str) -> Selection | Response:
    """The selection in the page's address; the page that says no, or what is wrong with it."""
    if not reads(principal):
        return denied(principal)
    try:
        return read_selection(request)
    except BadSelection as bad:
        return message(principal, path, str(bad), None, 422)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What the database says: (group, weight) pairs for the period and the one before."""

    now: dict[str, int]
    before: dict[str, int]
    types: list[tuple[str, int]]
    sources: list[tuple[str, int]]
    weeks: list[tuple[date, int]]
    seen: int
    invented: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """One area in the table."""

    code: str
    name: str
    now: int
    before: int
    judged: judging.Judged
    query: str
    query_before: str

    @property
    def step(self) -> int:
        """The map's colour class."""
        return maps.step(self.now)


async def ask(database: Database, kommun: str, chosen: Selection) -> tuple[_Numbers, judging.Table]:
    """Numbers, and at the same time on a connection of its own what they bear: that takes a year of history."""
    return await asyncio.gather(_numbered(database, kommun, chosen), judging.table(database, kommun, chosen, ["area"]))


async def _numbered(database: Database, kommun: str, chosen: Selection) -> _Numbers:
    half_year = replace(chosen, first=monday(chosen.last) - timedelta(weeks=WEEKS - 1))
    async with database.transaction((kommun,), snapshot=True) as connection:
        now = await numbers.counts(connection, kommun, chosen, ["area"])
        before = await numbers.counts(connection, kommun, chosen.before(), ["area"])
        types = await numbers.counts(connection, kommun, chosen, ["type"])
        sources = await numbers.counts(connection, kommun, chosen, ["source"])
        weeks = await numbers.counts(connection, kommun, half_year, ["week"])
        invented = await numbers.any_invented(connection, kommun)
    return _Numbers(
        {r.area: r.reports for r in now},
        {r.area: r.reports for r in before},
        sorted(((r.type, r.reports) for r in types), key=lambda pair: (-pair[1], pair[0])),
        sorted(((r.source, r.reports) for r in sources), key=lambda pair: -pair[1]),
        [(r.week, r.reports) for r in weeks],
        sum(r.seen for r in now),
        invented,
    )


@router.get("/oversikt")
async def overview(request: Request, principal: Visitor) -> Response:
    """The page."""
    if not principal.may(*READERS):
        return message(principal, "/oversikt", text("error.denied"), text("error.denied_who"), 403)
    try:
        chosen = replace(read_selection(request), layer="regso")  # whose areas the page shows
    except BadSelection as bad:
        return message(principal, "/oversikt", str(bad), None, 422)
    found, judged = await ask(request.app.state.database, principal.kommun, chosen)
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    names = {f["id"]: f["properties"]["name"] for f in outlines["features"]} if outlines is not None else {}
    context = (
        frame(principal, "/oversikt")
        | _tiles(found, judged, set(names))
        | _tables(found, judged, names, chosen)
        | {
            "who_reports": writes(principal),
            "chosen": chosen,
            "before": chosen.before(),
            "now": datetime.now(UTC),
            "query": chosen.query(),
            "area_options": sorted(names.items(), key=lambda pair: pair[1]),
            "group_options": [(g.code, g.label) for g in current().groups if g.kind != "calendar"],
            "source_options": [(s, text(f"source.{s}")) for s in SOURCES],
            "drawings": _drawings(outlines, found),
            "map_settings": _live(outlines, found),
            "legend": maps.LEGEND,
            "trend": _trend(found.weeks, chosen),
        }
    )
    context |= await kept(request, principal)
    context["invented"] = context["invented"] or found.invented
    return page("analysis/overview.html", context)


def _tiles(found: _Numbers, table: judging.Table, own: set[str]) -> dict[str, Any]:
    total, before = round(reports(sum(found.now.values()))), round(reports(sum(found.before.values())))
    _, unplaced, elsewhere = split_areas(found.now, own)
    judged = table.whole
    interval = judged.interval or counts.garwood(total)
    said = "short" if judged.expected is None else judged.word
    return {
        "total": total,
        "total_before": before,
        "low": round(interval.low),
        "high": round(interval.high),
        "judged": judged,
        **so_far(judged.expected, table.missing),
        "sentence": text(f"overview.certainty_{said}"),
        "unplaced": round(reports(unplaced)),
        "elsewhere": round(reports(elsewhere)) if own else 0,
        "seen": round(reports(found.seen)),
    }


def _tables(found: _Numbers, judged: judging.Table, names: dict[str, str], chosen: Selection) -> dict[str, Any]:
    """The tables, each number with the query of the reports behind it."""
    codes = set(names) | (set(found.now) | set(found.before)) - {UNPLACED}
    rows = [
        _Row(
            code,
            names.get(code, code),
            round(reports(found.now.get(code, 0))),
            round(reports(found.before.get(code, 0))),
            judged.areas[code],
            *_of_area(chosen, code),
        )
        for code in codes
        if code in names or not names
    ]
    rows.sort(key=lambda row: (-row.now, -row.before, row.name))
    highest = max((w for _, w in found.types), default=0)
    unplaced, unplaced_before = _of_area(chosen, UNPLACED)
    return {
        "rows": rows,
        "unplaced_query": unplaced,
        "unplaced_query_before": unplaced_before,
        "unplaced_before": round(reports(found.before.get(UNPLACED, 0))),
        "types": [
            {
                "code": code,
                "label": type_label(code),
                "count": round(reports(w)),
                "width": round(100 * w / highest, 1),
                "query": replace(chosen, types=(code,)).query(),
            }
            for code, w in found.types
        ],
        "sources": [
            (text(f"source.{s}"), round(reports(w)), replace(chosen, sources=(s,)).query()) for s, w in found.sources
        ],
    }


def _of_area(chosen: Selection, area: str) -> tuple[str, str]:
    """The queries of what an area had in the period, and in the one before."""
    there = replace(chosen, areas=(area,))
    return there.query(), there.before().query()


def _drawings(outlines: dict[str, Any] | None, found: _Numbers) -> list[maps.Drawing]:
    if outlines is None:
        return []
    counts = {code: float(reports(weight)) for code, weight in found.now.items()}
    return maps.draw(outlines["features"], counts)


def _live(outlines: dict[str, Any] | None, found: _Numbers) -> Markup:
    counts = {code: float(reports(weight)) for code, weight in found.now.items()}
    return livemap.areas([] if outlines is None else outlines["features"], counts, "regso")


def _trend(weeks: Sequence[tuple[date, int]], chosen: Selection) -> dict[str, Any] | None:
    """Weeks up to the period's last, those without reports as zero; the last one dashed while it is not over."""
    known = dict(weeks)
    end = monday(chosen.last)
    mondays = [end - timedelta(weeks=WEEKS - 1 - i) for i in range(WEEKS)]
    values = [(m, float(reports(known.get(m, 0)))) for m in mondays]
    first = next((i for i, (_, v) in enumerate(values) if v), None)
    if first is None or len(values) - first < 3:
        return None
    values = values[first:]  # weeks before anybody reported are silence, and silence is never shown as zero
    partial = chosen.last < end + timedelta(days=6) or chosen.last >= datetime.now(UTC).date()
    peak = max(values, key=lambda pair: pair[1])
    settled = values[-2] if partial else values[-1]
    return {
        **charts.both(values, last_is_partial=partial, heights=(252, 200)),
        "label": text(
            "overview.trend_label",
            weeks=len(values),
            last=round(settled[1]),
            highest=round(peak[1]),
            peak=peak[0].isocalendar().week,
        ),
        "partial": partial,
        "rows": [(m, round(v)) for m, v in reversed(values)],
    }
