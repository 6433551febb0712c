"""Vem som rapporterar: organisations side by side, who is appointed, who was active, how often all was calm.

A number of reports says little without how many were looking; this page says it per organisation, and never per person.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from services.analysis.domain.selection import Selection
from services.analysis.gateways import Door
from services.analysis.store import exposure as store
from services.analysis.views import SWEDEN
from services.analysis.web.access import denied, writes
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import short_day
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PATH = "/oversikt/rapporterande"
LENGTHS = (4, 13, 52)
"""Weeks that can be looked at, each beside as many before."""


@router.get(PATH)
async def listed(request: Request, principal: Visitor, veckor: str = "") -> Response:
    """The page; for who writes the lägesbild: few reporters in a group are somebody's days."""
    if not writes(principal):
        return denied(principal)
    weeks = int(veckor) if veckor in {str(n) for n in LENGTHS} else LENGTHS[0]
    today = datetime.now(SWEDEN).date()
    now = Selection(today - timedelta(days=7 * weeks - 1), today)
    before = Selection(now.first - timedelta(days=7 * weeks), now.first - timedelta(days=1))
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner, snapshot=True) as connection:
        active = await store.active(connection, principal.kommun, now, ["organisation"])
        earlier = await store.active(connection, principal.kommun, before, ["organisation"])
        appointed = await store.appointed_between(
            connection, principal.kommun, _start(now.first), _start(now.last + timedelta(days=1)), by_organisation=True
        )
    door: Door = request.app.state.door
    names = await door.organisations(token_of(request) or "")
    rows = rows_of(active, earlier, appointed)
    context = frame(principal, "/oversikt") | {
        "rows": [row | {"name": _name(row["organisation"], names)} for row in rows],
        "silent": sum(1 for row in rows if row["appointed"] and not row["active"]),
        "weeks": weeks,
        "lengths": LENGTHS,
        "first": now.first,
        "last": now.last,
        "away": not names,
    }
    return page("analysis/reporting.html", context)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), SWEDEN).astimezone(UTC)


def _name(organisation: str, names: dict[str, str]) -> str:
    if not organisation:
        return text("reporting.none")
    return names.get(organisation, text("reporting.unknown"))


def rows_of(
    active: list[dict[str, Any]], earlier: list[dict[str, Any]], appointed: dict[str, int]
) -> list[dict[str, Any]]:
    """One row per organisation that has reporters or had; those that fell silent first, then the most active."""
    now = {str(r["organisation"] or ""): r for r in active}
    before = {str(r["organisation"] or ""): r for r in earlier}
    rows = [
        {
            "organisation": organisation,
            "appointed": appointed.get(organisation, 0),
            "active": now.get(organisation, {}).get("active", 0),
            "before": before.get(organisation, {}).get("active", 0),
            "zero": now.get(organisation, {}).get("zero_reports", 0),
            "last": _last(now.get(organisation) or before.get(organisation)),
        }
        for organisation in {*now, *before, *appointed}
    ]
    return sorted(rows, key=lambda r: (not (r["appointed"] and not r["active"]), -r["active"], r["organisation"]))


def _last(row: dict[str, Any] | None) -> str:
    return short_day(date.fromisoformat(row["last_day"])) if row and row["last_day"] else text("reporting.never")
