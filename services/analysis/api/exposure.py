"""``/v1/exposure``: who was looking, beside the counts: active and appointed reporters, and how often all was calm."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.analysis.api.counts import WRITERS, Selected
from services.analysis.store import exposure as store
from services.analysis.views import SWEDEN
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import not_allowed

router = APIRouter(prefix="/v1", tags=["analysis"])


class ExposureRow(BaseModel):
    """One group. ``active`` = reporters who sent anything, zero reports included; ``zero_reports`` = times of calm.

    ``appointed`` where groups are organisations or nothing: an appointment has no week, and its areas are the door's.
    """

    week: str | None = None
    area: str | None = None
    organisation: UUID | None = None
    active: int
    zero_reports: int
    last_day: str
    appointed: int | None = None


class ExposureAnswer(BaseModel):
    """Rows in the order of their groups; ``layer`` is the one that areas are of."""

    layer: str
    first: str
    last: str
    rows: list[ExposureRow]


@router.get("/exposure")
async def exposure(
    request: Request,
    principal: Caller,
    chosen: Selected,
    group_by: Annotated[list[Literal["week", "area", "organisation"]], Query(description="repeat for several")] = [],  # noqa: B006 - FastAPI's way to declare a repeated parameter
) -> ExposureAnswer:
    """Reporters of a period by week, located area and organisation, whatever they saw: no types, no sources."""
    if not principal.may(*WRITERS):  # few reporters in a group are somebody's days
        raise not_allowed(" or ".join(WRITERS))
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner, snapshot=True) as connection:
        rows = await store.active(connection, principal.kommun, chosen, group_by)
        appointed: dict[Any, int] = {}
        if set(group_by) <= {"organisation"}:
            start = datetime.combine(chosen.first, time(), SWEDEN).astimezone(UTC)
            end = datetime.combine(chosen.last + timedelta(days=1), time(), SWEDEN).astimezone(UTC)
            appointed = await store.appointed_between(
                connection, principal.kommun, start, end, by_organisation=bool(group_by)
            )
    known = {str(r["organisation"]) for r in rows if r.get("organisation")} if group_by else set()
    nothing: dict[str, Any] = {"active": 0, "zero_reports": 0, "last_day": ""}
    silent = [nothing | {"organisation": o or None} for o in sorted(appointed) if group_by and o not in known]
    return ExposureAnswer(
        layer=chosen.layer,
        first=chosen.first.isoformat(),
        last=chosen.last.isoformat(),
        rows=[
            ExposureRow(**row, appointed=appointed.get(str(row.get("organisation") or "")) if appointed else None)
            for row in [*rows, *silent]
        ],
    )
