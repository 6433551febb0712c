"""SQL of default points: how often exact points repeat, and those that were found."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.geo.domain.default_points import Repeated

_COUNTS = text("""
    with counted as (
        select e, n, count(distinct report_id) as reports from placements
        where kommun = :kommun and cell is not null and occurred > now() - make_interval(days => :days)
        group by e, n)
    select e, n, reports, coalesce(
        (select reports from counted order by reports desc
         offset (select greatest(1, count(*) / 100) from counted) limit 1), 0) as usual
    from counted order by reports desc limit 10""")
_KNOWN = text("select kommun, e, n from default_points where kommun = any(cast(:kommuner as text[]))")
_ADD = text("""
    insert into default_points (kommun, e, n, reports)
    select :kommun, * from unnest(cast(:e as float8[]), cast(:n as float8[]), cast(:reports as bigint[]))
    on conflict (kommun, e, n) do update set reports = excluded.reports
    returning xmax = 0 as added""")


async def counts(connection: AsyncConnection, kommun: str, days: int) -> tuple[list[Repeated], float]:
    """The ten points with the most reports of so many days, and the count that one point in a hundred exceeds."""
    rows = (await connection.execute(_COUNTS, {"kommun": kommun, "days": days})).all()
    return [Repeated(r.e, r.n, r.reports) for r in rows], float(rows[0].usual) if rows else 0.0


async def known(connection: AsyncConnection, kommuner: Collection[str]) -> Mapping[str, frozenset[tuple[float, float]]]:
    """Municipality → its default points."""
    found: dict[str, set[tuple[float, float]]] = defaultdict(set)
    for r in await connection.execute(_KNOWN, {"kommuner": sorted(kommuner)}):
        found[r.kommun].add((r.e, r.n))
    return {kommun: frozenset(points) for kommun, points in found.items()}


async def add(connection: AsyncConnection, kommun: str, points: Sequence[Repeated]) -> bool:
    """Keep what was found; whether any of it was new."""
    if not points:
        return False
    values = {"kommun": kommun, "e": [p.e for p in points], "n": [p.n for p in points]}
    rows = await connection.execute(_ADD, values | {"reports": [p.reports for p in points]})
    return any(r.added for r in rows)
