"""SQL of duty rotas: where their calendars are, sealed, and whose turn it is when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_PUT = text("""
    insert into rotas (kommun, name, sealed) values (:kommun, :name, :sealed)
    on conflict (kommun, name) do update set sealed = excluded.sealed, read_at = null, trouble = null,
        strangers = 0""")
_ALL = text("select name, sealed, read_at, trouble, strangers from rotas where kommun = :kommun order by name")
_END = (
    text("delete from rotas where kommun = :kommun and name = :name"),
    text("delete from shifts where kommun = :kommun and rota = :name"),
)
_ON_DUTY = text("select rota, person_id from shifts where kommun = :kommun and begins <= :now and ends > :now")
_CLEAR_SHIFTS = text("delete from shifts where kommun = :kommun and rota = :name")
_ADD_SHIFTS = text("""
    insert into shifts (kommun, rota, begins, ends, person_id)
    select :kommun, :name, b, e, p from unnest(cast(:begins as timestamptz[]), cast(:ends as timestamptz[]),
        cast(:people as uuid[])) as t(b, e, p) on conflict do nothing""")
_READ = text("""
    update rotas set read_at = case when cast(:trouble as text) is null then :now else read_at end, trouble = :trouble,
        strangers = case when cast(:trouble as text) is null then :strangers else strangers end
    where kommun = :kommun and name = :name""")


async def put(connection: AsyncConnection, kommun: str, name: str, sealed: str) -> None:
    """Add or replace a rota's address."""
    await connection.execute(_PUT, {"kommun": kommun, "name": name, "sealed": sealed})


async def listed(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """The rotas: name, sealed address, when they were last read, what was wrong then, unknown addresses."""
    return list(await connection.execute(_ALL, {"kommun": kommun}))


async def end(connection: AsyncConnection, kommun: str, name: str) -> None:
    """Forget a rota and its shifts."""
    for statement in _END:
        await connection.execute(statement, {"kommun": kommun, "name": name})


async def on_duty(connection: AsyncConnection, kommun: str, now: datetime) -> dict[str, frozenset[UUID]]:
    """Rota → whose turn it is."""
    found: dict[str, frozenset[UUID]] = {}
    for row in await connection.execute(_ON_DUTY, {"kommun": kommun, "now": now}):
        found[row.rota] = found.get(row.rota, frozenset()) | {row.person_id}
    return found


async def keep(
    connection: AsyncConnection, kommun: str, name: str, shifts: Sequence[tuple[datetime, datetime, UUID]]
) -> None:
    """Replace a rota's shifts: (from, to, person)."""
    await connection.execute(_CLEAR_SHIFTS, {"kommun": kommun, "name": name})
    if shifts:
        begins, ends, people = zip(*shifts, strict=True)
        values = {"begins": list(begins), "ends": list(ends), "people": list(people)}
        await connection.execute(_ADD_SHIFTS, values | {"kommun": kommun, "name": name})


async def read(
    connection: AsyncConnection, kommun: str, name: str, trouble: str | None, now: datetime, *, strangers: int = 0
) -> None:
    """A rota was read, or could not be. ``strangers``: addresses in it that belong to nobody who can be told."""
    values = {"kommun": kommun, "name": name, "trouble": trouble, "now": now, "strangers": strangers}
    await connection.execute(_READ, values)
