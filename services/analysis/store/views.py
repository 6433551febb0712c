"""SQL for views: rows in generations, and the state that says which generation lives and which one is being built.

Consumers hold the shared lock while they change views, a rebuild the exclusive one while it folds a chunk or switches:
so a chunk sees the facts exactly as the rows of its generation know them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.views import View, Weight, delta
from services.runtime.columns import joined, listed, split, unlisted
from services.runtime.database import Database

_TYPES = {str: "text", date: "date", int: "bigint"}
_LOCK_KEY = 0x4C42_5657  # "LBVW"
_SHARED = text("select pg_advisory_xact_lock_shared(:key)")
_EXCLUSIVE = text("select pg_advisory_xact_lock(:key)")
_ALONE = text("select pg_advisory_lock(:key)")
_NO_LONGER = text("select pg_advisory_unlock(:key)")


@dataclass(frozen=True, slots=True)
class State:
    """One view's state: who lives, who is being built. Facts up to the cursor (kommun, id) are in the latter."""

    generation: int | None
    definition: str | None
    release: str | None
    building: int | None
    building_definition: str | None
    cursor: tuple[str, UUID]

    @property
    def living(self) -> int:
        """The generation that people read; 0, which has no rows, before the first is built."""
        return self.generation or 0


_STATE = text("""
    select name, generation, definition, release, building, building_definition, cursor_kommun, cursor_id
    from view_state where name = any(cast(:names as text[]))""")
_BEGIN = text("""
    insert into view_state as s (name, building, numbered, building_definition, cursor_kommun, cursor_id)
    values (:name, 1, 1, :definition, '', :nil)
    on conflict (name) do update set building = s.numbered + 1, numbered = s.numbered + 1,
        building_definition = :definition, cursor_kommun = '', cursor_id = :nil""")
_ADVANCE = text("""
    update view_state set cursor_kommun = :kommun, cursor_id = :ident where name = :name""")
_ABANDON = text("update view_state set building = null, building_definition = null where name = :name")
_SWITCH = text("""
    update view_state set generation = building, definition = building_definition, release = :release,
        building = null, building_definition = null, rebuilt_at = now()
    where name = :name and building = :building""")


async def states(connection: AsyncConnection, names: list[str]) -> dict[str, State]:
    """The states of these views; a view that was never built is missing."""
    rows = await connection.execute(_STATE, {"names": names})
    return {
        r.name: State(
            r.generation,
            r.definition,
            r.release,
            r.building,
            r.building_definition,
            (r.cursor_kommun, r.cursor_id),
        )
        for r in rows
    }


async def share(connection: AsyncConnection) -> None:
    """Hold off rebuilding until this transaction ends."""
    await connection.execute(_SHARED, {"key": _LOCK_KEY})


async def exclude(connection: AsyncConnection) -> None:
    """Hold off consumers until this transaction ends."""
    await connection.execute(_EXCLUSIVE, {"key": _LOCK_KEY})


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[None]:
    """Be the only one that rebuilds, on a connection of its own; waits for another one to end."""
    async with database.engine.connect() as connection:
        await connection.execute(_ALONE, {"key": _LOCK_KEY + 1})
        await connection.commit()  # the lock is the session's; an open transaction would hold back the vacuum
        try:
            yield
        finally:
            await connection.execute(_NO_LONGER, {"key": _LOCK_KEY + 1})


async def begin(connection: AsyncConnection, name: str, definition: str) -> None:
    """Start a new generation beside the living one, its cursor before the first fact.

    Its number was never used before: a generation that was given up may have left rows.
    """
    await connection.execute(_BEGIN, {"name": name, "definition": definition, "nil": UUID(int=0)})


async def abandon(connection: AsyncConnection, name: str) -> None:
    """Give up a generation that is being built; its rows go with the next rebuild."""
    await connection.execute(_ABANDON, {"name": name})


async def advance(connection: AsyncConnection, name: str, cursor: tuple[str, UUID]) -> None:
    """Move the cursor past facts that are folded."""
    await connection.execute(_ADVANCE, {"name": name, "kommun": cursor[0], "ident": cursor[1]})


async def switch(connection: AsyncConnection, name: str, building: int, release: str) -> None:
    """Make the generation that was built the living one."""
    await connection.execute(_SWITCH, {"name": name, "building": building, "release": release})


@dataclass(frozen=True, slots=True)
class _Table:
    add: Any
    drop_zeros: Any
    rows: Any
    clear: Any


@cache
def _kinds(key: type[Any]) -> list[tuple[str, type[Any]]]:
    """Columns of a view's key and the types of their values."""
    return list(get_type_hints(key).items())


@cache
def _table(view: View[Any]) -> _Table:
    columns = {name: _TYPES[kind] for name, kind in _kinds(view.key)}
    names = ", ".join(columns)
    arrays = ", ".join(split(name) if kind == "text" else unlisted(name, kind) for name, kind in columns.items())
    measures = ", ".join(unlisted(name, "bigint") for name in ("reports", "seen"))
    same = " and ".join(f"v.{name} = t.{name}" for name in columns)
    t = view.name
    return _Table(
        text(f"""
            insert into {t} as v ({names}, reports, seen, generation)
            select t.*, :generation from unnest({arrays}, {measures}) as t
            on conflict ({names}, generation)
                do update set reports = v.reports + excluded.reports, seen = v.seen + excluded.seen"""),  # noqa: S608 - names are the code's own
        text(f"""
            delete from {t} v using unnest({arrays}) as t({names})
            where v.generation = :generation and {same} and v.reports = 0 and v.seen = 0"""),  # noqa: S608 - as above
        text(f"select {names}, reports, seen from {t} where kommun = :kommun and generation = :generation"),  # noqa: S608 - as above
        text(f"""
            delete from {t} where ctid = any(array(
                select ctid from {t} where kommun = :kommun and generation <> :keep limit :limit))"""),  # noqa: S608 - as above
    )


class Written(NamedTuple):
    """A change of one view as its statements take it: rows to add, and those of them that can have reached zero."""

    rows: dict[str, str]
    falling: dict[str, str]


def written(view: View[Any], changes: Mapping[Any, Weight]) -> Written:
    """A change as parameters; without any where there is nothing to do."""
    if not changes:
        return Written({}, {})
    weights = list(changes.values())
    measures = {"reports": listed([w.reports for w in weights]), "seen": listed([w.seen for w in weights])}
    # Few keys, or PostgreSQL reads the whole table to find them.
    falling = [key for key, w in changes.items() if view.signed or w.reports < 0 or w.seen < 0]
    return Written(_columns(view, list(changes)) | measures, _columns(view, falling) if falling else {})


async def change(connection: AsyncConnection, view: View[Any], generation: int, change: Written) -> None:
    """Add a change to one generation, and drop what reaches zero.

    No two transactions touch the same rows: a municipality's records are one partition's, whose position is locked,
    and a rebuild excludes consumers. So the order of the rows does not matter.
    """
    table = _table(view)
    if change.rows:
        await connection.execute(table.add, {**change.rows, "generation": generation})
    if change.falling:
        await connection.execute(table.drop_zeros, {**change.falling, "generation": generation})


def _columns(view: View[Any], keys: Sequence[Any]) -> dict[str, str]:
    """The keys as parameters, one per column."""
    return {
        name: joined(column) if kind is str else listed(column)
        for (name, kind), column in zip(_kinds(view.key), zip(*keys, strict=True), strict=True)
    }


async def change_all(
    connection: AsyncConnection, changes: Sequence[tuple[View[Any], int, Sequence[tuple[Any, Any]]]]
) -> None:
    """Move generations by what (old, new) pairs change in them, working out the next while the database applies one."""
    applying: asyncio.Task[None] | None = None
    try:
        for view, generation, pairs in changes:
            rows = written(view, delta(view.contributions, pairs))
            if applying is not None:
                await applying
            applying = asyncio.create_task(change(connection, view, generation, rows))
            await asyncio.sleep(0)  # lets it send its statement
    finally:
        if applying is not None:
            await applying  # a transaction must not end under a running statement


async def rows(connection: AsyncConnection, view: View[Any], generation: int, kommun: str) -> dict[Any, Weight]:
    """All rows of one municipality in one generation."""
    found = await connection.execute(_table(view).rows, {"kommun": kommun, "generation": generation})
    return {view.key(*r[:-2]): Weight(r[-2], r[-1]) for r in found}


async def clear(connection: AsyncConnection, view: View[Any], kommun: str, keep: int, limit: int) -> int:
    """Delete some rows of other generations than ``keep``; returns how many."""
    answer = await connection.execute(_table(view).clear, {"kommun": kommun, "keep": keep, "limit": limit})
    return int(answer.rowcount)
