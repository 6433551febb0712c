"""SQL for numbers: sums over the cube, one layer at a time, and over published items."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER
from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.selection import GroupBy, Selection
from services.analysis.store.pictures import Span
from services.analysis.store.sums import ALWAYS, WEEK, Sums, of_kinds

_GROUPS: dict[GroupBy, str | None] = {
    "day": "day",
    "week": WEEK,
    "area": None,
    "type": "event_type",
    "group": "left(event_type, 1)",
    "source": "source",
    "layer": None,
}
_MEASURES = {"reports": "sum(reports)", "seen": "sum(seen)"}
_OF_PERIOD = {"reports": "sum(reports)", "by_reporters": "sum(reports) filter (where source = 'rapportor')"}
_FACT = text("""
    select revision, placement, reason from facts where kommun = :kommun and report_id = :report""")
_CHANGED = text("""
    with wanted as (
        select report_id from facts where kommun = :kommun and day between :first and :last and placed_at > :at
        union
        select h.report_id from fact_history h join facts f using (kommun, report_id)
        where h.kommun = :kommun and f.placed_at > :at
          and (cast(h.event as jsonb)->'report'->>'time_from')::timestamptz between :earliest and :latest)
    select revision, placement, event, true as newest from facts join wanted using (report_id) where kommun = :kommun
    union all
    select revision, placement, event, false from fact_history join wanted using (report_id)
    where kommun = :kommun and placed_at <= :at""")
_INVENTED = text("select exists (select 1 from facts where kommun = :kommun and invented)")
_CONTEXT_WHERE = """
    kommun = :owner and generation = (select generation from view_state where name = 'context_days')
    and day between :first and :last
    and (cast(:kommuner as text[]) = '{}' or located_kommun = any(cast(:kommuner as text[])))
    and (cast(:lan as text[]) = '{}' or located_lan = any(cast(:lan as text[])))
    and (cast(:types as text[]) = '{}' or event_type = any(cast(:types as text[])))"""
_CONTEXT_GROUPS = {
    "type": "event_type",
    "day": "day",
    "precision": "precision",
    "place": "precision, located_kommun, located_lan",
}
_LATEST = text("""
    select event from context_facts where kommun = :owner and day between :first and :last
    and (cast(:kommuner as text[]) = '{}'
         or event::json->'placement'->>'located_kommun' = any(cast(:kommuner as text[])))
    and (cast(:lan as text[]) = '{}' or event::json->'placement'->>'located_lan' = any(cast(:lan as text[])))
    and (cast(:types as text[]) = '{}' or event::json->'context'->>'event_type' = any(cast(:types as text[])))
    order by day desc, context_id limit :limit""")


def values_of(kommun: str, selection: Selection) -> dict[str, Any]:
    """A selection as parameters."""
    return {
        "kommun": kommun,
        "layer": selection.layer,
        "first": selection.first,
        "last": selection.last,
        "areas": list(selection.areas),
        "sources": list(selection.sources),
    }


async def counts(
    connection: AsyncConnection, kommun: str, selection: Selection, by: Sequence[GroupBy] = ()
) -> list[Row[Any]]:
    """Sums in millionths, grouped by the names in ``by``, in their order. Without groups: one row, zeros if empty."""
    kinds, values = of_kinds(selection.types)
    sources = "and source = any(cast(:sources as text[]))" if selection.sources else ""
    sums = Sums("cube", {name: _GROUPS[name] for name in by}, _MEASURES, "day between :first and :last")
    areas = bool(selection.areas or {"area", "layer"} & set(by) or selection.layer != ALWAYS)
    statement = sums.statement(areas=areas, where=f"{kinds} {sources}", chosen=bool(selection.areas))
    return list(await connection.execute(text(statement), values_of(kommun, selection) | values))


async def by_period(
    connection: AsyncConnection, kommun: str, selection: Selection, span: Span, by: Sequence[GroupBy] = ()
) -> list[PeriodRow]:
    """Sums of every period of a span; of other days than the selection's own.

    By each of ``by`` (area, type) for itself, not by both together: rows of one have nothing of the other.
    """
    kinds, values = of_kinds(selection.types)
    sources = "and source = any(cast(:sources as text[]))" if selection.sources else ""
    groups: dict[str, str | None] = {"at": "(day - cast(:start as date)) / :days", **{n: _GROUPS[n] for n in by}}
    sums = Sums("cube", groups, _OF_PERIOD, "day >= :start and day <= :last")
    areas = bool(selection.areas or "area" in by or selection.layer != ALWAYS)
    sets = [("at", name) for name in by] if len(by) > 1 else ()
    statement = sums.statement(areas=areas, where=f"{kinds} {sources}", chosen=bool(selection.areas), sets=sets)
    asked = values_of(kommun, selection) | values | {"start": span.start, "last": span.last, "days": span.days}
    return [
        PeriodRow(r.at, getattr(r, "area", "") or "", getattr(r, "type", "") or "", r.reports, r.by_reporters)
        for r in await connection.execute(text(statement), asked)
    ]


Beside = dict[str, tuple[int, int]]
"""Group → (reports now, reports of the period just before) in millionths, of what had any in either."""


async def beside(
    connection: AsyncConnection, kommun: str, selection: Selection, by: Sequence[GroupBy]
) -> dict[str, Beside]:
    """For each of ``by`` its groups, out of one question per period."""
    found: dict[str, dict[str, list[int]]] = {name: {} for name in by}
    for at, chosen in enumerate((selection, selection.before())):
        for row in await counts(connection, kommun, chosen, by):
            for name in by:
                found[name].setdefault(getattr(row, name), [0, 0])[at] += row.reports
    return {
        name: {group: (now, before) for group, (now, before) in sorted(groups.items())}
        for name, groups in found.items()
    }


async def fact(connection: AsyncConnection, kommun: str, report: UUID) -> Row[Any] | None:
    """The newest version of one report and why it does not count, if it does not."""
    return (await connection.execute(_FACT, {"kommun": kommun, "report": report})).first()


class Changed(NamedTuple):
    """A version of a report, as (revision, placement), and the located report as stored."""

    version: tuple[int, int]
    event: str
    newest: bool


async def changed_since(
    connection: AsyncConnection, kommun: str, first: date, last: date, at: datetime
) -> list[Changed]:
    """Versions of every report that is or ever was in the period and was placed, or placed anew, after a moment.

    The newest of each, and the superseded ones that were placed by then.
    """
    day = timedelta(days=1)
    edges = {
        "earliest": datetime.combine(first - day, time(), UTC),
        "latest": datetime.combine(last + day, time.max, UTC),
    }
    values = {"kommun": kommun, "first": first, "last": last, "at": at} | edges
    rows = await connection.execute(_CHANGED, values)
    return [Changed((r.revision, r.placement), r.event, r.newest) for r in rows]


async def any_invented(connection: AsyncConnection, kommun: str) -> bool:
    """Whether any of the municipality's reports is demonstration data."""
    return bool(await connection.scalar(_INVENTED, {"kommun": kommun}))


def _context_values(
    first: date, last: date, kommuner: Sequence[str], lan: Sequence[str], types: Sequence[str]
) -> dict[str, Any]:
    return {
        "owner": CONTEXT_OWNER,
        "first": first,
        "last": last,
        "kommuner": list(kommuner),
        "lan": list(lan),
        "types": list(types),
    }


async def context_counts(
    connection: AsyncConnection,
    by: str,
    *,
    first: date,
    last: date,
    kommuner: Sequence[str] = (),
    lan: Sequence[str] = (),
    types: Sequence[str] = (),
) -> list[Row[Any]]:
    """Published items in millionths by type, day, precision or place."""
    columns = _CONTEXT_GROUPS[by]
    statement = f"""
        select {columns}, sum(reports)::bigint as reports from context_days where {_CONTEXT_WHERE}
        group by {columns} order by reports desc, {columns}"""  # noqa: S608 - columns come from the table above
    values = _context_values(first, last, kommuner, lan, types)
    return list(await connection.execute(text(statement), values))


async def latest_context(
    connection: AsyncConnection,
    *,
    first: date,
    last: date,
    kommuner: Sequence[str] = (),
    lan: Sequence[str] = (),
    types: Sequence[str] = (),
    limit: int = 20,
) -> list[dict[str, Any]]:
    """The newest published items of a selection, as located."""
    values = _context_values(first, last, kommuner, lan, types) | {"limit": limit}
    return [json.loads(r.event) for r in await connection.execute(_LATEST, values)]
