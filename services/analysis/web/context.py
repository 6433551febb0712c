"""What happens elsewhere: published items of polisen.se by municipality, county, type and day, apart from reports."""

from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from schemas.context import ContextLocated
from services.analysis.api.counts import READERS
from services.analysis.domain.selection import BadSelection, reports
from services.analysis.gateways import Geometry
from services.analysis.store import numbers
from services.analysis.web.access import message
from services.analysis.web.overview import read_selection
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PUBLISHER = "https://polisen.se"
DAYS = 30
MOST_ROWS = 60


@router.get("/omvarld")
async def elsewhere(request: Request, principal: Visitor) -> Response:
    """The page: ``plats`` is a municipality (four digits) or a county (two), ``typ`` the publisher's own type."""
    if not principal.may(*READERS):
        return message(principal, "/omvarld", text("error.denied"), text("error.denied_who"), 403)
    try:
        chosen = read_selection(request, DAYS)
    except BadSelection as bad:
        return message(principal, "/omvarld", str(bad), None, 422)
    place, kind = request.query_params.get("plats", ""), request.query_params.get("typ", "")
    period: dict[str, Any] = {"first": chosen.first, "last": chosen.last}
    chosen_place: dict[str, Any] = {"kommuner": [place]} if len(place) == 4 else {"lan": [place]} if place else {}
    filters = period | chosen_place | ({"types": [kind]} if kind else {})
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        precision = await numbers.context_counts(connection, "precision", **filters)
        places = await numbers.context_counts(connection, "place", **filters)
        types = await numbers.context_counts(connection, "type", **filters)
        days = await numbers.context_counts(connection, "day", **filters)
        all_types = await numbers.context_counts(connection, "type", **period)
        latest = await numbers.latest_context(connection, **filters)
    geometry: Geometry = request.app.state.geometry
    token = token_of(request) or ""
    kommuner, lan = await geometry.names("kommun", token), await geometry.names("lan", token)
    by_precision = {r.precision: round(reports(r.reports)) for r in precision}
    context = frame(principal, "/omvarld") | {
        "chosen": chosen,
        "place": place,
        "kind": kind,
        "kommun_options": sorted(kommuner.items(), key=lambda pair: pair[1]),
        "lan_options": sorted(lan.items(), key=lambda pair: pair[1]),
        "type_options": sorted(r.event_type for r in all_types),
        "total": sum(by_precision.values()),
        "in_kommun": by_precision.get("kommun", 0),
        "in_lan": by_precision.get("lan", 0),
        "nowhere": by_precision.get("none", 0),
        "invented": False,  # what others have published is real, also in a municipality of examples
        "places": _shortened([(_place_name(r, kommuner, lan), round(reports(r.reports))) for r in places]),
        "types": [(r.event_type, round(reports(r.reports))) for r in types],
        "days": _days([(r.day, round(reports(r.reports))) for r in days]),
        "latest": [_item(ContextLocated.model_validate(e), kommuner, lan) for e in latest],
    }
    return page("analysis/context.html", context)


def _shortened(rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The longest rows, and one for all the others: the column still sums to the total."""
    if len(rows) <= MOST_ROWS:
        return rows
    rest = rows[MOST_ROWS:]
    return [*rows[:MOST_ROWS], (text("context.others", count=len(rest)), sum(count for _, count in rest))]


def _days(rows: list[tuple[date, int]]) -> list[tuple[str, int]]:
    """Newest first; days beyond the limit in one row."""
    newest = sorted(rows, reverse=True)
    return _shortened([(writing.full_day(day), count) for day, count in newest])


def _place_name(row: Any, kommuner: dict[str, str], lan: dict[str, str]) -> str:
    if row.located_kommun:
        return kommuner.get(row.located_kommun, str(row.located_kommun))
    if row.located_lan:
        return text("context.only_lan", lan=lan.get(row.located_lan, row.located_lan))
    return text("context.unplaced")


def _item(located: ContextLocated, kommuner: dict[str, str], lan: dict[str, str]) -> dict[str, Any]:
    item, place = located.context, located.placement
    name = kommuner.get(place.located_kommun or "") or lan.get(place.located_lan or "") or text("context.unplaced")
    return {
        "type": item.event_type,
        "at": item.occurred_at or item.published_at,
        "place": name,
        "url": f"{PUBLISHER}{item.url_path}" if item.url_path else None,
    }
