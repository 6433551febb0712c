"""SQL of density: reports by H3 cell, day by day or by week; points for near repeats; what the nights found."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.density import Event
from services.analysis.domain.emerging import CellDay
from services.analysis.store.signals import LAYER, sealed
from services.analysis.store.sums import OWN, Sums, of_kinds
from services.analysis.views.fact import NO_CELL

PERIODS = 5
"""Of a map: the one that is shown, and those before that it is held against."""
_CELL_DAYS = text(f"""
    select f.r9, f.day, left(f.event_type, 1) as kind, a.area, sum(a.share)::bigint as reports
    from facts f join area_sets a using (kommun, area_set)
    where f.kommun = :kommun and f.day between :first and :last and f.r9 <> :none and a.layer = :layer
      and {OWN}
    group by 1, 2, 3, 4""")  # noqa: S608 - a constant
_POINTS = text("""
    select event_type, day, (event->'placement'->'point'->>'e')::float as e,
           (event->'placement'->'point'->>'n')::float as n
    from (select f.event_type, f.day, cast(f.event as jsonb) as event from facts f
          where f.kommun = :kommun and f.day between :first and :last and f.r9 <> :none) placed
    where event->'placement'->>'precision' = any(:exact)""")
_PERIODS = Sums(
    "cells",
    {"r9": "r9", "at": "(week - cast(:start as date)) / :days"},
    {"reports": "sum(reports)"},
    "week >= :start and week < :end and r9 <> :none",
)
_PLANNED_ANEW = text("set local plan_cache_mode = force_custom_plan")
"""A plan for any weeks at all takes a fifth longer than one for these (PostgreSQL 18, 300 000 reports)."""
_AREAS = text("""
    select distinct on (r9) r9, area from (
        select f.r9, a.area, sum(a.share) as share from facts f join area_sets a using (kommun, area_set)
        where f.kommun = :kommun and f.day between :first and :last and f.r9 <> :none and a.layer = :layer
        group by 1, 2) shares
    order by r9, share desc, area""")
_ADD = text("""
    insert into night_runs (kommun, day, document, hash, minted_at) values (:kommun, :day, :document, :hash, :now)
    on conflict do nothing""")
_NEWEST = text("""
    select day, document, hash, minted_at from night_runs where kommun = :kommun order by day desc limit 1""")
EXACT = ("gps", "address", "near_number", "crossing")
"""Placements that are points: a street's middle is no distance to anything."""


async def cell_days(connection: AsyncConnection, kommun: str, first: date, last: date) -> list[CellDay]:
    """Reports by cell, day, group and area of RegSO; not what reporters saw in another municipality."""
    values = {"kommun": kommun, "first": first, "last": last, "none": NO_CELL, "layer": LAYER}
    return [CellDay(*row) for row in await connection.execute(_CELL_DAYS, values)]


async def areas_of(connection: AsyncConnection, kommun: str, first: date, last: date) -> dict[str, str]:
    """Cell (as hexadecimal text) → the area of RegSO that most of its reports lie in."""
    values = {"kommun": kommun, "first": first, "last": last, "none": NO_CELL, "layer": LAYER}
    return {f"{row.r9:x}": row.area for row in await connection.execute(_AREAS, values)}


async def points(connection: AsyncConnection, kommun: str, first: date, last: date) -> dict[str, list[Event]]:
    """Type → reports that were placed at a point."""
    values = {"kommun": kommun, "first": first, "last": last, "none": NO_CELL, "exact": list(EXACT)}
    found: dict[str, list[Event]] = {}
    for row in await connection.execute(_POINTS, values):
        found.setdefault(row.event_type, []).append(Event(row.e, row.n, row.day.toordinal()))
    return found


async def by_period(
    connection: AsyncConnection, kommun: str, kind: str, weeks: tuple[date, int], first_day: date
) -> list[dict[str, float]]:
    """Cell (as hexadecimal text) → reports, in the period and whole ones like it before, ``PERIODS`` at most.

    ``weeks`` = (Monday on which the last period begins, weeks of each). None begins before ``first_day``, from which
    the municipality reports: half a period would look like calm.
    """
    monday, length = weeks
    count = min(PERIODS, 1 + max(0, (monday - first_day).days // (7 * length)))
    start = monday - timedelta(weeks=length * (count - 1))
    values = {
        "kommun": kommun,
        "start": start,
        "end": monday + timedelta(weeks=length),
        "days": 7 * length,
        "none": NO_CELL,
    }
    kinds, of_kind = of_kinds([kind] if kind else [])
    await connection.execute(_PLANNED_ANEW)
    found: Sequence[dict[str, float]] = [{} for _ in range(count)]
    for row in await connection.execute(text(_PERIODS.statement(areas=False, where=kinds)), values | of_kind):
        found[row.at][f"{row.r9:x}"] = row.reports / 1_000_000
    return list(found)


async def add_night(
    connection: AsyncConnection, kommun: str, day: date, document: dict[str, Any], now: datetime
) -> str:
    """Keep what a night found, and return its hash; one that is kept stays as it is."""
    written, digest = sealed(document)
    values = {"kommun": kommun, "day": day, "document": written, "hash": digest, "now": now}
    await connection.execute(_ADD, values)
    return digest


async def newest_night(connection: AsyncConnection, kommun: str) -> dict[str, Any] | None:
    """What the latest night found; None before the first."""
    row = (await connection.execute(_NEWEST, {"kommun": kommun})).first()
    return None if row is None else json.loads(row.document) | {"hash": row.hash, "minted_at": row.minted_at}
