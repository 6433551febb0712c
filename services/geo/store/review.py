"""SQL of review: what waits for a person, what was decided, and the names that decisions taught."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.geo.domain.deciding import Decision

_NEWEST = """
    p.kommun = :kommun and p.review is not null
    and not exists (select 1 from placements q
                    where q.kommun = p.kommun and q.report_id = p.report_id and q.placement > p.placement)
    and not exists (select 1 from decisions d
                    where d.kommun = p.kommun and d.report_id = p.report_id and d.decided_at > p.placed_at)"""
_WAITING = text(f"""
    select p.report_id, p.review, p.event, p.placed_at from placements p where {_NEWEST}
    order by p.placed_at desc, p.report_id limit :limit""")  # noqa: S608 - a constant above
_COUNT = text(f"select count(*) from (select 1 from placements p where {_NEWEST} limit 1000) as waiting")  # noqa: S608 - as above
_ONE = text("""
    select review, event, placed_at from placements where kommun = :kommun and report_id = :report
    order by placement desc limit 1""")
_DECISIONS = text("""
    select distinct on (d.kommun, d.report_id)
        d.kommun, d.report_id, d.place_key, d.kind, d.e, d.n, d.precision, d.radius_m
    from decisions d
    join unnest(cast(:kommuner as text[]), cast(:reports as uuid[])) as w(k, r) on d.kommun = w.k and d.report_id = w.r
    order by d.kommun, d.report_id, d.number desc""")
_DECIDE = text("""
    insert into decisions (kommun, report_id, number, place_key, kind, e, n, precision, radius_m, label, decided_by)
    select :kommun, :report, coalesce(max(number), 0) + 1, :place_key, :kind, :e, :n, :precision, :radius, :label, :by
    from decisions where kommun = :kommun and report_id = :report""")
_TEACH = text("""
    insert into popular_names (kommun, number, name, e, n, precision, radius_m, forgotten)
    select :kommun, coalesce(max(number), 0) + 1, :name, :e, :n, :precision, :radius, :forgotten
    from popular_names where kommun = :kommun""")
_TAUGHT = text("""
    select kommun, max(number) as number from popular_names where kommun = any(cast(:kommuner as text[]))
    group by kommun""")
_NAMES = text("""
    select distinct on (lower(name)) name, e, n, radius_m, forgotten from popular_names where kommun = :kommun
    order by lower(name), number desc""")

UNDONE = "undone"
"""A decision that takes the one before back: the report is placed as if nobody had decided."""

_FORGET_DECISIONS = text("""
    delete from decisions d using unnest(cast(:kommuner as text[]), cast(:reports as uuid[])) as w(k, i)
    where d.kommun = w.k and d.report_id = w.i""")
_FORGET = text("update decisions set decided_by = '' where kommun = :kommun and decided_by = :person")


class Waiting(NamedTuple):
    """A report that waits for a person, by its newest placement."""

    report_id: UUID
    why: str
    event: str
    placed_at: datetime


class Decided(NamedTuple):
    """The newest decision about a report, and the place that it was about."""

    place_key: str
    decision: Decision


class Taught(NamedTuple):
    """A name that the municipality uses for a point (EPSG:3006)."""

    name: str
    e: float
    n: float
    radius_m: float


async def waiting(connection: AsyncConnection, kommun: str, limit: int) -> list[Waiting]:
    """What waits, newest first."""
    return [Waiting(*row) for row in await connection.execute(_WAITING, {"kommun": kommun, "limit": limit})]


async def count(connection: AsyncConnection, kommun: str) -> int:
    """How many wait; counted up to a thousand."""
    return int(await connection.scalar(_COUNT, {"kommun": kommun}) or 0)


async def one(connection: AsyncConnection, kommun: str, report: UUID) -> Waiting | None:
    """A report by its newest placement, waiting or not."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "report": report})).first()
    return None if row is None else Waiting(report, row.review or "", row.event, row.placed_at)


async def decisions(
    connection: AsyncConnection, identities: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID], Decided]:
    """The newest decisions about these reports; those that were taken back are left out."""
    if not identities:
        return {}
    values = {"kommuner": [k for k, _ in identities], "reports": [r for _, r in identities]}
    return {
        (r.kommun, r.report_id): Decided(r.place_key, Decision(r.kind, r.e, r.n, r.precision, r.radius_m))
        for r in await connection.execute(_DECISIONS, values)
        if r.kind != UNDONE
    }


async def decide(
    connection: AsyncConnection, kommun: str, report: UUID, decided: Decided, *, label: str, by: str
) -> None:
    """Keep a decision; the newest one holds."""
    kind, e, n, precision, radius = decided.decision
    values = {"kommun": kommun, "report": report, "place_key": decided.place_key, "kind": kind, "e": e, "n": n}
    await connection.execute(_DECIDE, values | {"precision": precision, "radius": radius, "label": label, "by": by})


async def teach(connection: AsyncConnection, kommun: str, taught: Taught, *, forgotten: bool = False) -> None:
    """Keep a name, or that it is forgotten; the newest of equal names holds."""
    values = {"kommun": kommun, "name": taught.name, "e": taught.e, "n": taught.n, "radius": taught.radius_m}
    await connection.execute(_TEACH, values | {"precision": "place", "forgotten": forgotten})


async def taught_until(connection: AsyncConnection, kommuner: Collection[str]) -> dict[str, int]:
    """Municipality → the number of the newest name that it was taught."""
    return {r.kommun: r.number for r in await connection.execute(_TAUGHT, {"kommuner": sorted(kommuner)})}


async def names(connection: AsyncConnection, kommun: str) -> list[Taught]:
    """The names that a municipality was taught and has not forgotten."""
    rows = await connection.execute(_NAMES, {"kommun": kommun})
    return [Taught(r.name, r.e, r.n, r.radius_m) for r in rows if not r.forgotten]


async def forget(connection: AsyncConnection, kommun: str, person: str) -> None:
    """Their decisions stay, by nobody. Safe to repeat."""
    await connection.execute(_FORGET, {"kommun": kommun, "person": person})


async def forget_decisions(connection: AsyncConnection, identities: Sequence[tuple[str, UUID]]) -> None:
    """What was decided about these reports' places goes with the places."""
    values = {"kommuner": [k for k, _ in identities], "reports": [r for _, r in identities]}
    await connection.execute(_FORGET_DECISIONS, values)
