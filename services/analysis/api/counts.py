"""HTTP in: ``/v1/counts`` (JSON, CSV, XLSX, GeoJSON), ``/v1/context``, ``/v1/facts/{id}``."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator

from services.analysis.api.files import as_csv, as_workbook
from services.analysis.api.selecting import Selected
from services.analysis.domain.selection import GroupBy, Selection, reports
from services.analysis.gateways import Geometry, NoSuchLayer
from services.analysis.handlers import counting
from services.analysis.store import numbers
from services.pages.tables import XLSX
from services.runtime import openapi, read_log
from services.runtime.database import Database
from services.runtime.http import Caller, token_of
from services.runtime.problems import Problem, not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["analysis"])
GEOJSON = "application/geo+json"
WRITERS = ("analytiker", "administrator")
"""Who assesses and adopts, and sees drafts."""
EXACT = ("features:read", *WRITERS)
"""Who may see where exactly: geo's rule for single places (``services/geo/api/gis.py``)."""
READERS = ("counts:read", "analytiker", "est_medlem", "administrator")


Groups = Annotated[list[GroupBy], Query(description="repeat to group by several")]


class CountsAnswer(BaseModel):
    """Rows of sums. ``total`` is the sum of all rows; ``unplaced`` is an area like others. ``invented``: demo data."""

    layer: str
    first: date
    last: date
    group_by: list[str]
    rows: list[dict[str, Any]]
    total: float | int
    invented: bool
    as_of: datetime | None = None
    """The moment whose knowledge this is; null is now."""


def reader(principal: Principal) -> None:
    """403 unless the caller may read numbers."""
    if not principal.may(*READERS):
        raise not_allowed(" or ".join(READERS))


LONGEST_AS_OF = 400
"""Days that may be asked for as they were known: every report of them that has changed since is read."""


async def _counts(
    request: Request, principal: Principal, chosen: Selection, by: list[GroupBy], at: datetime | None = None
) -> CountsAnswer:
    reader(principal)
    if at is not None and chosen.days > LONGEST_AS_OF:
        said = f"Välj högst {LONGEST_AS_OF} dagar när du frågar efter siffror som de var kända."
        raise Problem(422, "bad-selection", said)
    database: Database = request.app.state.database
    rows, invented = await counting.sums(database, principal.kommun, chosen, by, at)
    return CountsAnswer(
        layer=chosen.layer,
        first=chosen.first,
        last=chosen.last,
        group_by=list(by),
        rows=[
            dict(zip(by, groups, strict=True)) | {"reports": reports(count), "seen": reports(seen)}
            for groups, count, seen in rows
        ],
        total=reports(sum(count for _, count, _ in rows)),
        as_of=at,
        invented=invented,
    )


_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def _iso(value: object) -> object:
    """Only ISO moments: a bare number would be taken for seconds since 1970."""
    if isinstance(value, str) and not _MOMENT.match(value):
        raise ValueError("write the moment as 2026-11-26T12:00:00+01:00")
    return value


AsOf = Annotated[
    AwareDatetime | None,
    BeforeValidator(_iso),
    Query(description="the numbers as they were known at this moment; now if none"),
]


@router.get("/counts")
async def counts(
    request: Request,
    principal: Caller,
    chosen: Selected,
    group_by: Groups = [],  # noqa: B006 - FastAPI's way to declare a repeated parameter
    as_of: AsOf = None,
) -> CountsAnswer:
    """Reports in a period, of one layer, filtered and grouped as you like. Nollrapporter and calendar never count."""
    return await _counts(request, principal, chosen, group_by, as_of)


@router.get("/counts.csv", response_class=Response, responses=openapi.media("text/csv"))
async def counts_csv(request: Request, principal: Caller, chosen: Selected, group_by: Groups = []) -> Response:  # noqa: B006
    """The same as CSV for Swedish Excel: semicolons, decimal commas, UTF-8 with a byte order mark."""
    name, header, rows = await _exported(request, principal, chosen, group_by)
    return as_csv(name, header, rows)


@router.get("/counts.xlsx", response_class=Response, responses=openapi.media(XLSX))
async def counts_xlsx(request: Request, principal: Caller, chosen: Selected, group_by: Groups = []) -> Response:  # noqa: B006
    """The same as a workbook with one sheet: numbers as numbers, days as days."""
    name, header, rows = await _exported(request, principal, chosen, group_by)
    return await as_workbook(name, "rapporter", header, rows)


async def _exported(
    request: Request, principal: Principal, chosen: Selection, group_by: list[GroupBy]
) -> tuple[str, list[str], list[list[Any]]]:
    """(name of the file, header, rows), noted before it is read."""
    database: Database = request.app.state.database
    await read_log.note(database, principal, "counts", f"{request.url.path}?{request.url.query}", "export")
    answer = await _counts(request, principal, chosen, group_by)
    marked = ["invented"] if answer.invented else []
    rows = [[*row.values(), *("ja" for _ in marked)] for row in answer.rows]
    name = f"rapporter-{principal.kommun}-{answer.first}-{answer.last}"
    return name, [*answer.group_by, "reports", "seen", *marked], rows


@router.get("/counts.geojson", response_class=Response, responses=openapi.media(GEOJSON, schema={"type": "object"}))
async def counts_geojson(request: Request, principal: Caller, chosen: Selected) -> Response:
    """The municipality's areas with their counts (WGS84), outlines from geo; 503 while geo is away."""
    answer = await _counts(request, principal, chosen, ["area"])
    geometry: Geometry = request.app.state.geometry
    try:
        outlines = await geometry.outlines(chosen.layer, principal.kommun, token_of(request) or "")
    except NoSuchLayer:
        raise not_found("layer") from None
    if outlines is None:
        raise Problem(
            503, "geo-away", "Kartan kan inte hämtas just nu. Försök igen om en stund.", headers={"Retry-After": "10"}
        )
    by_area = {row["area"]: row for row in answer.rows}
    features = [
        f
        | {
            "properties": f["properties"]
            | {"reports": by_area.get(f["id"], {}).get("reports", 0), "invented": answer.invented}
        }
        for f in outlines["features"]
    ]
    body = outlines | {
        "features": features,
        "from": answer.first.isoformat(),
        "to": answer.last.isoformat(),
        "unplaced": by_area.get("unplaced", {}).get("reports", 0),
    }
    import orjson  # the one place where a body is large enough to matter

    return Response(orjson.dumps(body), media_type=GEOJSON)


@router.get("/facts/{report_id}")
async def fact(request: Request, report_id: UUID, principal: Caller) -> dict[str, Any]:
    """Whether a report counts here, by which version, and why not if not."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        row = await numbers.fact(connection, principal.kommun, report_id)
    if row is None:
        raise not_found("fact")
    return {
        "revision": row.revision,
        "placement": row.placement,
        "counted": row.reason is None,
        "reason": row.reason,
    }


@router.get("/context")
async def context(request: Request, principal: Caller, chosen: Selected) -> dict[str, Any]:
    """Published items of polisen.se: how many are placed in a municipality, only in a county, nowhere; and by type."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        places = await numbers.context_counts(connection, "precision", first=chosen.first, last=chosen.last)
        types = await numbers.context_counts(connection, "type", first=chosen.first, last=chosen.last)
    precision = {r.precision: reports(r.reports) for r in places}
    return {
        "publisher": "polisen.se",
        "kommun": precision.get("kommun", 0),
        "lan": precision.get("lan", 0),
        "none": precision.get("none", 0),
        "total": sum(precision.values()),
        "by_type": {r.event_type: reports(r.reports) for r in types},
    }
