"""SQL of exposure: who was active where and when, out of the view; who is appointed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.selection import Selection
from services.analysis.store.sums import WEEK

_GROUPS = {"week": f"({WEEK})::text", "area": "area", "organisation": "organisation"}
_APPOINTED = text("""
    select case when :by then coalesce(organisation::text, '') else '' end as organisation, count(*) as reporters
    from appointments where kommun = :kommun and since < :end and (until is null or until > :start) group by 1""")


async def active(
    connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str]
) -> list[dict[str, Any]]:
    """Groups with how many reporters sent anything, how many zero reports, and the last day; without groups one row.

    A report on a border counts its reporter in both areas, and half a zero report in each.
    """
    columns = ", ".join(f"{_GROUPS[g]} as {g}" for g in by)
    numbered = ", ".join(str(i + 1) for i in range(len(by)))
    grouping = f"group by {numbered} order by {numbered}" if by else ""
    statement = f"""
        select {columns + "," if by else ""} count(distinct reporter_token) as active,
               coalesce(round(sum(reports / 1000000 * share) filter (where kind = 'zero') / 1000000.0), 0)::bigint
                   as zero_reports,
               coalesce(max(day)::text, '') as last_day
        from activity join area_sets using (kommun, area_set)
        where kommun = :kommun and generation = (select generation from view_state where name = 'activity')
          and layer = :layer and day between :first and :last and kind <> 'calendar'
          and (cast(:areas as text[]) = '{{}}' or area = any(cast(:areas as text[]))) {grouping}"""  # noqa: S608 - from the table above
    values = {
        "kommun": kommun, "layer": chosen.layer, "first": chosen.first, "last": chosen.last,
        "areas": list(chosen.areas),
    }  # fmt: skip
    rows = (await connection.execute(text(statement), values)).mappings()
    return [dict(row) | ({"organisation": row["organisation"] or None} if "organisation" in by else {}) for row in rows]


async def appointed(connection: AsyncConnection, kommun: str, now: datetime) -> int:
    """Reporters who are appointed at a moment."""
    return (await appointed_between(connection, kommun, now, now, by_organisation=False)).get("", 0)


async def appointed_between(
    connection: AsyncConnection, kommun: str, start: datetime, end: datetime, *, by_organisation: bool
) -> dict[str, int]:
    """Organisation (or "" for all together) → reporters who were appointed some time between two moments."""
    values = {"kommun": kommun, "start": start, "end": end, "by": by_organisation}
    return {row.organisation: row.reporters for row in await connection.execute(_APPOINTED, values)}
