"""What waits, of every kind: notices to route, messages to send, alerts to pursue. Opaque ids outside the policies.

An entry that somebody has claimed comes back by itself after the lease, whatever became of them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

What = Literal["route", "send", "pursue", "thank"]
CHANNEL = "voice"

_PUT = text("""
    insert into due (id, kommun, at, what, receiver, urgent)
    select i, k, a, :what, r, i = any(cast(:urgent as uuid[])) from unnest(cast(:ids as uuid[]),
        cast(:kommuner as text[]), cast(:moments as timestamptz[]), cast(:receivers as uuid[])) as t(i, k, a, r)
    order by i
    on conflict (id) do update set urgent = due.urgent or excluded.urgent,
        at = case when due.leased_until > now() then due.at else least(due.at, excluded.at) end""")
_WAKE = text("select pg_notify('voice', '')")
_CLAIM = text("""
    update due set at = clock_timestamp() + make_interval(secs => :lease),
        leased_until = clock_timestamp() + make_interval(secs => :lease)
    where id in (select id from due where what = :what and at <= clock_timestamp() order by urgent desc, at limit :most
                 for update skip locked)
    returning id, kommun""")
_CLAIM_MESSAGE = text("""
    with lead as (
        select id, kommun, receiver from due where what = 'send' and at <= clock_timestamp()
        order by urgent desc, at limit 1 for update skip locked),
    rest as (
        select d.id from due d join lead on d.receiver = lead.receiver and d.kommun = lead.kommun and d.id <> lead.id
        where d.what = 'send' and (d.at <= clock_timestamp() or d.turn is not null and d.leased_until is null)
        order by d.at limit :most for update of d skip locked),
    taken as (select id, true as lead from lead union all select id, false from rest)
    update due set at = clock_timestamp() + make_interval(secs => :lease),
        leased_until = clock_timestamp() + make_interval(secs => :lease)
    from taken where due.id = taken.id
    returning due.id, due.kommun, taken.lead, set_config('synchronous_commit', 'off', true)""")
"""Its commit waits for no disk: a claim that a crash of the database takes back is due again.

What waits for its turn goes with what its receiver is to get now: one message has one turn.
"""
MANY = 1000
"""Entries at once from which the planner is told of them.

A queue is empty whenever PostgreSQL counts it by itself: its statements are planned for an empty table, and when it
fills each of them reads the whole of it.
"""
_COUNTED = text("analyze (skip_locked) due")
_DROP = text("delete from due where id = any(cast(:ids as uuid[]))")
_AT = text("update due set at = :at, leased_until = null where id = any(cast(:ids as uuid[]))")
_BACK = text("""
    update due set at = greatest(cast(:at as timestamptz), turn), leased_until = null
    where id = any(cast(:ids as uuid[]))""")
_SOONER = text("""
    update due set at = now() where id = any(cast(:ids as uuid[])) and at = any(cast(:until as timestamptz[]))""")
_DEPTHS = text("select what, count(*) as waiting from due where at <= now() group by what")
_LATER = text(
    "update due set at = now() + make_interval(secs => :delay), leased_until = null"
    " where id = any(cast(:ids as uuid[]))"
)


async def sooner(connection: AsyncConnection, ids: Collection[UUID], until: Collection[datetime]) -> None:
    """Those of these that wait until one of these moments wait no longer."""
    await connection.execute(_SOONER, {"ids": sorted(ids), "until": sorted(until)})


async def put(
    connection: AsyncConnection,
    what: What,
    entries: Sequence[tuple[UUID, str, datetime, UUID | None]],
    *,
    urgent: Collection[UUID] = (),
) -> None:
    """Enter (id, municipality, when, receiver); ``urgent`` ones come before all others.

    One that waits already keeps the earlier moment; one that somebody has in hand is left alone.
    """
    if not entries:
        return
    ids, kommuner, moments, receivers = zip(*entries, strict=True)
    values = {
        "ids": list(ids),
        "kommuner": list(kommuner),
        "moments": list(moments),
        "receivers": list(receivers),
        "urgent": list(urgent),
    }
    await connection.execute(_PUT, values | {"what": what})
    if len(entries) >= MANY:
        await connection.execute(_COUNTED)
    await connection.execute(_WAKE)


async def claim(connection: AsyncConnection, what: What, lease: float, most: int) -> list[tuple[UUID, str]]:
    """Take what is due for ``lease`` seconds: (id, municipality)."""
    rows = await connection.execute(_CLAIM, {"what": what, "lease": lease, "most": most})
    return [(r.id, r.kommun) for r in rows]


async def claim_message(connection: AsyncConnection, lease: float, most: int) -> tuple[str, list[UUID]] | None:
    """Take the message that has waited longest, and what else its receiver waits for now: (municipality, ids).

    ``most``: how many entries one message may carry.
    """
    rows = (await connection.execute(_CLAIM_MESSAGE, {"lease": lease, "most": most - 1})).all()
    if not rows:
        return None
    return rows[0].kommun, [r.id for r in sorted(rows, key=lambda r: not r.lead)]


async def drop(connection: AsyncConnection, ids: Sequence[UUID]) -> int:
    """These are settled; returns how many of them still waited."""
    return (await connection.execute(_DROP, {"ids": list(ids)})).rowcount


async def at(connection: AsyncConnection, ids: Sequence[UUID], moment: datetime) -> None:
    """Not before this moment."""
    await connection.execute(_AT, {"ids": list(ids), "at": moment})


async def back(connection: AsyncConnection, ids: Sequence[UUID], moment: datetime) -> None:
    """Claimed with another and not taken: due at this moment, or when its own turn comes."""
    await connection.execute(_BACK, {"ids": list(ids), "at": moment})


async def later(connection: AsyncConnection, ids: Sequence[UUID], delay: float) -> None:
    """Again after ``delay`` seconds."""
    await connection.execute(_LATER, {"ids": list(ids), "delay": delay})


async def depths(connection: AsyncConnection) -> dict[str, int]:
    """How many of each kind are due and not done."""
    return {r.what: r.waiting for r in await connection.execute(_DEPTHS)}
