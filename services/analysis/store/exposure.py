"""SQL of exposure: who was active where and when, out of the view; who is appointed; how late reports come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.selection import Selection
from services.analysis.store.sums import WEEK
from services.analysis.views import monday

_GROUPS = {"week": WEEK, "organisation": "organisation"}
_NAMED = {"week": "week::text", "area": "area", "organisation": "organisation"}
_APPOINTED_IN = {"week": "week::text", "area": "area", "organisation": "coalesce(organisation::text, '')"}
_LATE_IN = {"week": f"({WEEK})::text", "source": "source"}
_NOW = text("""
    select count(*) from appointments where kommun = :kommun and since < :now and (until is null or until > :now)""")


async def active(
    connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str]
) -> list[dict[str, Any]]:
    """Groups with how many reporters sent anything, how many zero reports, and the last day; without groups one row.

    A report on a border counts its reporter in both areas, and half a zero report in each.
    """
    # Each reporter once for every group, by hashing: to count distinct tokens PostgreSQL would sort every row.
    columns, grouping = _grouped(_NAMED, by)
    middle = "".join(f"{name}, " for name in by)
    inner, count = "".join(f"{_GROUPS[name]} as {name}, " for name in by if name != "area"), len(by) - ("area" in by)
    statement = f"""
        select {columns} count(*) as active, coalesce(round(sum(zeros) / 1000000.0), 0)::bigint as zero_reports,
               coalesce(max(last)::text, '') as last_day
        from (
            select {middle} reporter_token, sum(zeros / 1000000 * share) as zeros, max(last) as last
            from (
                select kommun, area_set, {inner} reporter_token, sum(reports) filter (where kind = 'zero') as zeros,
                       max(day) as last
                from activity
                where kommun = :kommun and generation = (select generation from view_state where name = 'activity')
                  and day between :first and :last and kind <> 'calendar'
                group by {_numbered(count + 3)}) of_sets
            join area_sets using (kommun, area_set)
            where layer = :layer and (cast(:areas as text[]) = '{{}}' or area = any(cast(:areas as text[])))
            group by {_numbered(len(by) + 1)}) of_reporters {grouping}"""  # noqa: S608 - from the table above
    rows = (await connection.execute(text(statement), _values(kommun, chosen))).mappings()
    return [dict(row) for row in rows]


async def appointed(
    connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str], everywhere: Sequence[str]
) -> list[dict[str, Any]]:
    """Groups with how many reporters were appointed some time in them: in a week's part of the period, for an area.

    Who is appointed for no area in particular is so for each of ``everywhere``, the municipality's own areas of RegSO.
    """
    columns, grouping = _grouped(_APPOINTED_IN, by)
    weeks, since, until = "", "cast(:first as date)", "cast(:last as date)"
    if "week" in by:
        weeks = """cross join (
            select cast(:monday as date) + 7 * n as week
            from generate_series(0, (cast(:last as date) - cast(:monday as date)) / 7) as n) as weeks"""
        since, until = "greatest(week, cast(:first as date))", "least(week + 6, cast(:last as date))"
    areas = ""
    inside = """cast(:areas as text[]) = '{}' or areas && cast(:areas as text[])
        or areas = '{}' and cast(:areas as text[]) && cast(:everywhere as text[])"""
    if "area" in by:
        areas = """cross join lateral unnest(
            case when areas = '{}' then cast(:everywhere as text[]) else areas end) as named(area)"""
        inside = "cast(:areas as text[]) = '{}' or area = any(cast(:areas as text[]))"
    statement = f"""
        select {columns} count(*) as appointed from appointments {weeks} {areas}
        where kommun = :kommun and ({inside})
          and since < ({until} + 1)::timestamp at time zone 'Europe/Stockholm'
          and (until is null or until > ({since})::timestamp at time zone 'Europe/Stockholm') {grouping}"""  # noqa: S608 - as above
    values = _values(kommun, chosen) | {"everywhere": list(everywhere), "monday": monday(chosen.first)}
    return [dict(row) for row in (await connection.execute(text(statement), values)).mappings()]


async def appointed_at(connection: AsyncConnection, kommun: str, now: datetime) -> int:
    """Reporters who are appointed at a moment."""
    return int(await connection.scalar(_NOW, {"kommun": kommun, "now": now}) or 0)


async def late(connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str]) -> list[dict[str, Any]]:
    """Groups with days late and reports in millionths, of a period's reports of some sources or all."""
    columns, _ = _grouped(_LATE_IN, by)
    numbered = _numbered(len(by) + 1)
    statement = f"""
        select {columns} late, sum(reports)::bigint as reports from lateness
        where kommun = :kommun and generation = (select generation from view_state where name = 'lateness')
          and day between :first and :last
          and (cast(:sources as text[]) = '{{}}' or source = any(cast(:sources as text[])))
        group by {numbered} order by {numbered}"""  # noqa: S608 - as above
    values = {"kommun": kommun, "first": chosen.first, "last": chosen.last, "sources": list(chosen.sources)}
    return [dict(row) for row in (await connection.execute(text(statement), values)).mappings()]


def _grouped(expressions: dict[str, str], by: Sequence[str]) -> tuple[str, str]:
    """Columns to select, each followed by a comma, and how they group and sort."""
    columns = "".join(f"{expressions[g]} as {g}, " for g in by)
    return columns, f"group by {_numbered(len(by))} order by {_numbered(len(by))}" if by else ""


def _numbered(count: int) -> str:
    return ", ".join(str(i + 1) for i in range(count))


def _values(kommun: str, chosen: Selection) -> dict[str, Any]:
    return {
        "kommun": kommun, "layer": chosen.layer, "first": chosen.first, "last": chosen.last,
        "areas": list(chosen.areas),
    }  # fmt: skip
