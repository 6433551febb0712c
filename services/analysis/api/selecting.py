"""What is asked of the numbers, out of an address: a period, areas of a layer, types, sources; each route its own."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from schemas.values import EventType, Source
from services.analysis.domain.selection import BadSelection, Selection, last_days, parse_day
from services.runtime.problems import Problem

_DAY: dict[str, Any] = {"pattern": r"^(\d{4}-\d{2}-\d{2})?$"}


def period(
    first: Annotated[str | None, Query(alias="from", description="ISO date, inclusive", json_schema_extra=_DAY)] = None,
    last: Annotated[str | None, Query(alias="to", description="ISO date, inclusive", json_schema_extra=_DAY)] = None,
) -> Selection:
    """Everything in a period; the last 14 days when no dates are given."""
    start, end = last_days(datetime.now(UTC))
    try:
        return Selection(parse_day(first, "from", start), parse_day(last, "to", end))
    except BadSelection as bad:
        raise Problem(
            422, "bad-selection", str(bad), errors=[{"loc": ["query", bad.field], "type": "selection", "msg": str(bad)}]
        ) from None


Period = Annotated[Selection, Depends(period)]


def located(
    chosen: Period,
    layer: Annotated[str, Query(pattern=r"^[a-z0-9_]{1,32}$")] = "regso",
    area: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI's way to declare a repeated parameter
) -> Selection:
    """A period in some areas of a layer, or in all of them."""
    return replace(chosen, layer=layer, areas=tuple(area))


Located = Annotated[Selection, Depends(located)]


def of_sources(chosen: Period, source: Annotated[list[Source], Query()] = []) -> Selection:  # noqa: B006 - as above
    """A period of some sources, or of all of them."""
    return replace(chosen, sources=tuple(source))


OfSources = Annotated[Selection, Depends(of_sources)]


def selection(
    chosen: Located,
    type: Annotated[list[EventType | Literal["A", "B", "C", "D", "E", "F", "G"]], Query()] = [],  # noqa: A002, B006
    source: Annotated[list[Source], Query()] = [],  # noqa: B006
) -> Selection:
    """The whole selection in a query."""
    return replace(chosen, types=tuple(type), sources=tuple(source))


Selected = Annotated[Selection, Depends(selection)]
