"""``/v1/exposure`` and ``/v1/lateness``: who was looking, and how late what they saw came in, beside the counts."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.analysis.api.counts import WRITERS, reader
from services.analysis.api.files import as_csv, as_workbook
from services.analysis.api.selecting import Located, OfSources
from services.analysis.domain.selection import Selection
from services.analysis.gateways import Door, Geometry
from services.analysis.handlers.looking import by_area, came_late, knows_areas, side_by_side
from services.pages.tables import XLSX
from services.runtime import openapi, read_log
from services.runtime.database import Database
from services.runtime.http import Caller, token_of
from services.runtime.problems import Problem, not_allowed
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["analysis"])
By = Literal["week", "area", "organisation"]
Groups = Annotated[list[By], Query(description="repeat for several")]
LateBy = Literal["week", "source"]
LateGroups = Annotated[list[LateBy], Query(description="repeat for several")]


class ExposureRow(BaseModel):
    """One group. ``active`` = reporters who sent anything, zero reports included; ``zero_reports`` = times of calm.

    ``appointed`` = reporters who were appointed some time in the group's part of the period; null for areas of another
    layer than RegSO, which appointments do not know. ``week`` is its Monday.
    """

    week: str | None = None
    area: str | None = None
    organisation: UUID | None = None
    appointed: int | None = None
    active: int
    zero_reports: int
    last_day: str


class ExposureAnswer(BaseModel):
    """Rows in the order of their groups; ``layer`` is the one that areas are of."""

    layer: str
    first: str
    last: str
    rows: list[ExposureRow]


class LatenessRow(BaseModel):
    """One group, ``reports`` in it by how many days after the event they came in; an area's border splits none.

    ``median_days``: half came within so many days, ``nine_in_ten_days``: nine of ten did; 60 stands for that and more.
    """

    week: str | None = None
    source: str | None = None
    reports: float | int
    same_day: float | int
    within_week: float | int
    within_four_weeks: float | int
    median_days: int
    nine_in_ten_days: int


class LatenessAnswer(BaseModel):
    """Rows in the order of their groups. Of days less than four weeks old more is to come, and comes late."""

    first: str
    last: str
    rows: list[LatenessRow]


@router.get("/exposure")
async def exposure(request: Request, principal: Caller, chosen: Located, group_by: Groups = []) -> ExposureAnswer:  # noqa: B006 - FastAPI's way to declare a repeated parameter
    """Reporters of a period by week, located area and organisation, whatever they saw: no types, no sources."""
    if not principal.may(*WRITERS):  # few reporters in a group are somebody's days
        raise not_allowed(" or ".join(WRITERS))
    by = list(dict.fromkeys(group_by))
    known: dict[str, str] | None = {}
    if by_area(chosen, by) and knows_areas(chosen, by):
        geometry: Geometry = request.app.state.geometry
        known = await geometry.own_areas(principal.kommun, token_of(request) or "")
    if known is None:  # who is appointed for everywhere would be left out
        said = "Områdena kan inte hämtas just nu. Försök igen om en stund."
        raise Problem(503, "geo-away", said, headers={"Retry-After": "10"})
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner, snapshot=True) as connection:
        rows = await side_by_side(connection, principal.kommun, chosen, by, list(known))
    return ExposureAnswer(
        layer=chosen.layer,
        first=chosen.first.isoformat(),
        last=chosen.last.isoformat(),
        rows=[ExposureRow(**row | {"organisation": row.get("organisation") or None}) for row in rows],
    )


@router.get("/exposure.csv", response_class=Response, responses=openapi.media("text/csv"))
async def exposure_csv(request: Request, principal: Caller, chosen: Located, group_by: Groups = []) -> Response:  # noqa: B006
    """The same as CSV for Swedish Excel, organisations by name."""
    return as_csv(*await _exposed(request, principal, chosen, group_by))


@router.get("/exposure.xlsx", response_class=Response, responses=openapi.media(XLSX))
async def exposure_xlsx(request: Request, principal: Caller, chosen: Located, group_by: Groups = []) -> Response:  # noqa: B006
    """The same as a workbook with one sheet."""
    name, header, rows = await _exposed(request, principal, chosen, group_by)
    return await as_workbook(name, "rapporterande", header, rows)


async def _exposed(
    request: Request, principal: Principal, chosen: Selection, group_by: list[By]
) -> tuple[str, list[str], list[list[Any]]]:
    answer = await exposure(request, principal, chosen, group_by)
    name, header, rows = await _exported(request, principal, "rapporterande", group_by, answer)
    if "organisation" in header:
        door: Door = request.app.state.door
        names, at = await door.organisations(token_of(request) or ""), header.index("organisation")
        rows = [[*row[:at], names.get(row[at], row[at]), *row[at + 1 :]] for row in rows]
    return name, header, rows


@router.get("/lateness")
async def lateness(request: Request, principal: Caller, chosen: OfSources, group_by: LateGroups = []) -> LatenessAnswer:  # noqa: B006
    """How many days after the event the reports of a period came in, by week and source; no areas, no types."""
    reader(principal)
    by = list(dict.fromkeys(group_by))
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await came_late(connection, principal.kommun, chosen, by)
    rows = [LatenessRow(**dict(zip(by, group, strict=True)), **asdict(spread)) for group, spread in found]
    return LatenessAnswer(first=chosen.first.isoformat(), last=chosen.last.isoformat(), rows=rows)


@router.get("/lateness.csv", response_class=Response, responses=openapi.media("text/csv"))
async def lateness_csv(request: Request, principal: Caller, chosen: OfSources, group_by: LateGroups = []) -> Response:  # noqa: B006
    """The same as CSV for Swedish Excel."""
    return as_csv(*await _late(request, principal, chosen, group_by))


@router.get("/lateness.xlsx", response_class=Response, responses=openapi.media(XLSX))
async def lateness_xlsx(request: Request, principal: Caller, chosen: OfSources, group_by: LateGroups = []) -> Response:  # noqa: B006
    """The same as a workbook with one sheet."""
    name, header, rows = await _late(request, principal, chosen, group_by)
    return await as_workbook(name, "sent inkommet", header, rows)


async def _late(
    request: Request, principal: Principal, chosen: Selection, group_by: list[LateBy]
) -> tuple[str, list[str], list[list[Any]]]:
    answer = await lateness(request, principal, chosen, group_by)
    return await _exported(request, principal, "sent-inkommet", group_by, answer)


async def _exported(
    request: Request,
    principal: Principal,
    what: str,
    group_by: list[By] | list[LateBy],
    answer: ExposureAnswer | LatenessAnswer,
) -> tuple[str, list[str], list[list[Any]]]:
    """(name of the file, header, rows), noted in the read log."""
    database: Database = request.app.state.database
    await read_log.note(database, principal, "counts", f"{request.url.path}?{request.url.query}", "export")
    model = ExposureRow if isinstance(answer, ExposureAnswer) else LatenessRow
    groups = {"week", "area", "organisation", "source"} - set(group_by)
    header = [name for name in model.model_fields if name not in groups]
    rows = [[row.model_dump(mode="json")[name] for name in header] for row in answer.rows]
    return f"{what}-{principal.kommun}-{answer.first}-{answer.last}", header, rows
