"""SQL of located reports for GIS: pages by key, so that the thousandth is as fast as the first."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NIL = UUID(int=0)
_NEWEST = """p.placement = (
    select max(q.placement) from placements q where q.kommun = p.kommun and q.report_id = p.report_id)"""
"""One look into the primary key per row, however many rows are left: an anti-join would be planned over all of them."""
_PAGE = f"""
    select p.report_id, p.event from placements p
    where p.kommun = :kommun and p.report_id > :after and p.cell is not null and {_NEWEST}"""  # noqa: S608 - constants
_ONE = text(f"""
    select p.report_id, p.event from placements p
    where p.kommun = :kommun and p.report_id = :report and p.cell is not null and {_NEWEST}""")  # noqa: S608 - as above
_FILTERS = {
    "cells": "p.cell = any(cast(:cells as bigint[]))",
    "west": "p.e >= :west",
    "east": "p.e <= :east",
    "south": "p.n >= :south",
    "north": "p.n <= :north",
    "begin": "p.occurred >= :begin",
    "end": "p.occurred <= :end",
    "event_type": "p.event_type = :event_type",
}


class Filter(NamedTuple):
    """What is asked for. The box in EPSG:3006, metres; ``cells`` are the H3 cells (resolution 7) that cover it."""

    box: tuple[float, float, float, float] | None = None
    cells: Sequence[int] | None = None
    begin: datetime | None = None
    end: datetime | None = None
    event_type: str | None = None

    def values(self) -> dict[str, Any]:
        """The parameters that are set, by name."""
        west, south, east, north = self.box or (None,) * 4
        named: dict[str, Any] = {
            "west": west,
            "south": south,
            "east": east,
            "north": north,
            "begin": self.begin,
            "end": self.end,
        }
        named |= {"cells": self.cells, "event_type": self.event_type}
        return {k: v for k, v in named.items() if v is not None}


async def page(
    connection: AsyncConnection, kommun: str, chosen: Filter, after: UUID, limit: int
) -> list[tuple[UUID, str]]:
    """(report, its newest event) in the order of report ids, after one of them."""
    values = chosen.values()
    where = "".join(f" and {_FILTERS[name]}" for name in values)
    query = text(f"{_PAGE}{where} order by p.report_id limit :limit")
    rows = await connection.execute(query, values | {"kommun": kommun, "after": after, "limit": limit})
    return [(r.report_id, r.event) for r in rows]


async def one(connection: AsyncConnection, kommun: str, report: UUID) -> str | None:
    """The newest event of one located report."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "report": report})).first()
    return None if row is None else str(row.event)


async def everything(
    connection: AsyncConnection, kommun: str, chosen: Filter, size: int
) -> AsyncIterator[list[tuple[UUID, str]]]:
    """All pages, one after the other, in one transaction."""
    after = NIL
    while found := await page(connection, kommun, chosen, after, size):
        yield found
        after = found[-1][0]
