"""Rebuilding views from the facts while reports flow in: a new generation beside the living one, compared, switched.

Chunks of facts in key order, each folded under the exclusive view lock; meanwhile live changes reach the new generation
only for facts that the cursor has passed (``handlers/facts.py``). Stopped half-way it goes on where it was. Before the
switch every municipality's rows are compared with a fresh fold in one snapshot; a difference keeps the old generation.
Nothing is published, so nobody is told anything.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.handlers.chunks import Chunks
from services.analysis.store import area_sets
from services.analysis.store import facts as fact_store
from services.analysis.store import views as store
from services.analysis.store.views import State
from services.analysis.views import View, add_into
from services.analysis.views.catalogue import CONTEXT, FAMILIES, Family, definition, family_of
from services.runtime.database import Database
from services.runtime.errors import MustStop
from services.runtime.faultpoints import reach
from services.runtime.logs import logger

CHUNK = 1000
"""Facts per chunk: consumers wait for one chunk at most, about a tenth of a second."""
MOST_SAID = 20
_CLEAR = 5000
_NIL = UUID(int=0)
_log = logger(__name__)

Progress = Callable[[str], None]


class Unequal(Exception):
    """Rows of a generation differ from a fresh fold of the facts; the text says how many and where."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What this run of a rebuild did: facts folded, seconds of folding and of comparing.

    One that was ``resumed`` had folded others before.
    """

    views: tuple[str, ...]
    facts: int
    fold_seconds: float
    compare_seconds: float
    resumed: bool


class Rebuilding:
    """Rebuilds views; one rebuild at a time per database, others wait for it."""

    def __init__(self, database: Database, release: str, *, chunk: int = CHUNK) -> None:
        self._database, self._release, self._chunk = database, release, chunk

    async def ensure(self) -> None:
        """Rebuild the views that were never built or that another definition made, before consumers start.

        MustStop when a newer release keeps them: an old program never takes a view back.
        """
        for views in (family.views for family in FAMILIES):
            states = await self._states(views)
            if not _stale(views, states) and not _foreign(views, states):
                continue  # a rebuild by hand is no reason to wait
            _log.warning("waiting for another rebuild to end, if there is one")
            async with store.alone(self._database):
                states = await self._states(views)
                stale = _stale(views, states)
                for view in stale:
                    state = states.get(view.name)
                    if state is not None and newer(state.release, self._release):
                        raise MustStop(f"view {view.name} is kept by the newer release {state.release}")
                await self._abandon([v for v in _foreign(views, states) if v not in stale])
                if stale:
                    _log.warning("rebuilding views of another definition", views=[v.name for v in stale])
                    await self._rebuild(stale, _log.info)

    async def rebuild(self, views: Sequence[View[Any]], progress: Progress) -> Rebuilt:
        """Rebuild these views, all of one kind of fact, in one pass. Unequal keeps the old generations."""
        async with store.alone(self._database):
            return await self._rebuild(views, progress)

    async def compare(self, views: Sequence[View[Any]]) -> dict[str, int]:
        """View → rows of the living generations, all equal to a fresh fold; raises Unequal."""
        states = await self._states(views)
        return await self._compare(views, {v.name: states[v.name].living for v in views if v.name in states})

    async def _states(self, views: Sequence[View[Any]]) -> dict[str, State]:
        async with self._database.transaction() as connection:
            return await store.states(connection, [v.name for v in views])

    async def _rebuild(self, views: Sequence[View[Any]], progress: Progress) -> Rebuilt:
        states, resumed = await self._begin(views)
        started = time.monotonic()
        cursor = states[views[0].name].cursor
        building = {v.name: states[v.name].building or 0 for v in views}
        facts, chunks = 0, Chunks(views, self._chunk, progress)
        try:
            while cursor != LAST:
                cursor, folded = await self._step(chunks, views, building, cursor)
                facts += folded
                if folded:
                    progress(f"{facts} facts, municipality {cursor[0]}, {facts / (time.monotonic() - started):.0f}/s")
        finally:
            await chunks.close()
        between = time.monotonic()
        try:
            await self._compare(views, building)
        except Unequal:
            await self._abandon(views)  # going on with it could only end the same way
            raise
        compared = time.monotonic()
        await reach("rebuild.before_switch")
        async with self._database.transaction() as connection:
            await store.exclude(connection)
            for view in views:
                await store.switch(connection, view.name, building[view.name], self._release)
        await reach("rebuild.after_switch")
        await self._clear(views, building)
        names = tuple(v.name for v in views)
        return Rebuilt(names, facts, between - started, compared - between, resumed)

    async def _abandon(self, views: Sequence[View[Any]]) -> None:
        async with self._database.transaction() as connection:
            await store.exclude(connection)
            for view in views:
                await store.abandon(connection, view.name)

    async def _begin(self, views: Sequence[View[Any]]) -> tuple[dict[str, State], bool]:
        """The states with a generation to build: the interrupted one if all views can go on from one cursor."""
        async with self._database.transaction() as connection:
            await store.exclude(connection)
            states = await store.states(connection, [v.name for v in views])
            ours = all(v.name in states and states[v.name].building_definition == definition(v) for v in views)
            resumed = ours and len({states[v.name].cursor for v in views}) == 1
            if not resumed:
                for view in views:
                    await store.begin(connection, view.name, definition(view))
                states = await store.states(connection, [v.name for v in views])
        return states, resumed

    async def _step(
        self, chunks: Chunks, views: Sequence[View[Any]], building: dict[str, int], cursor: tuple[str, UUID]
    ) -> tuple[tuple[str, UUID], int]:
        """Fold one chunk, or move on to the next municipality; the new cursor and how many facts were folded."""
        kommun, after = cursor
        # Facts, views and the cursor only: lost together and done again, so the commit need not wait for the disk.
        async with self._database.transaction((kommun,) if kommun else (), asynchronous=True) as connection:
            await store.exclude(connection)
            found = await chunks.after(connection, kommun, after) if kommun else None
            if found is not None:
                cursor = (kommun, found.last)
                if found.facts == self._chunk:
                    await chunks.look_ahead(connection, *cursor)
                await area_sets.ensure(connection, found.somewhere)
                for view, change in zip(views, found.changes, strict=True):
                    await store.change(connection, view, building[view.name], change)
            else:
                following = await fact_store.following_owner(connection, kommun)
                cursor = LAST if following is None else (following, _NIL)
            for view in views:
                await store.advance(connection, view.name, cursor)
            await reach("rebuild.before_commit")
        await reach("rebuild.after_commit")
        return cursor, 0 if found is None else found.facts

    async def _compare(self, views: Sequence[View[Any]], generations: dict[str, int]) -> dict[str, int]:
        totals = dict.fromkeys(generations, 0)
        wrong: list[str] = []
        async for kommun in self.owners():
            async with self._database.transaction((kommun,), snapshot=True) as connection:
                try:
                    fresh = await self._fold(connection, views, kommun)
                except Unequal as lost:
                    wrong.append(str(lost))
                    continue
                for view in views:
                    rows = await store.rows(connection, view, generations[view.name], kommun)
                    if rows != fresh[view.name]:
                        different = len(rows.items() ^ fresh[view.name].items())
                        wrong.append(f"view {view.name}, municipality {kommun}: {different} rows differ from a fold")
                    totals[view.name] += len(rows)
        if wrong:
            more = [f"and {len(wrong) - MOST_SAID} more"] if len(wrong) > MOST_SAID else []
            raise Unequal("; ".join([*wrong[:MOST_SAID], *more]))
        return totals

    async def _fold(
        self, connection: AsyncConnection, views: Sequence[View[Any]], kommun: str
    ) -> dict[str, dict[Any, Any]]:
        """View → the rows of one municipality, from nothing; Unequal when the areas of some fact are not known."""
        family, after = family_of(views[0]), _NIL
        fresh: dict[str, dict[Any, Any]] = {v.name: {} for v in views}
        sets: dict[int, Any] = {}
        while found := await self._page(connection, family, kommun, after):
            after = found[-1][0]
            counting = [fact for _, fact in found if fact is not None]
            for view in views:
                for fact in counting:
                    add_into(fresh[view.name], view.contributions(fact))
            if family is not CONTEXT:
                sets |= {fact.areas.number: fact for fact in counting}
        if lost := await area_sets.missing(connection, sets.values()):
            raise Unequal(f"municipality {kommun}: {lost} area sets are not known, their reports count in no area")
        return fresh

    async def _page(
        self, connection: AsyncConnection, family: Family[Any], kommun: str, after: UUID
    ) -> list[tuple[UUID, Any]]:
        """The next facts as the views count them, None for those that do not."""
        found = await fact_store.page(connection, family.model, kommun, after, self._chunk)
        return [(ident, family.counts(fact)) for ident, fact in found]

    async def owners(self) -> AsyncIterator[str]:
        """Every municipality that has facts, in code order."""
        kommun: str | None = ""
        while kommun is not None:
            async with self._database.transaction() as connection:
                kommun = await fact_store.following_owner(connection, kommun)
            if kommun is not None:
                yield kommun

    async def _clear(self, views: Sequence[View[Any]], keep: dict[str, int]) -> None:
        """Delete the generations that nobody reads any more, a little at a time."""
        async for kommun in self.owners():
            for view in views:
                cleared = _CLEAR
                while cleared == _CLEAR:
                    async with self._database.transaction((kommun,)) as connection:
                        cleared = await store.clear(connection, view, kommun, keep[view.name], _CLEAR)


def _stale(views: Sequence[View[Any]], states: dict[str, State]) -> list[View[Any]]:
    """Those that were never built, or that another definition made."""
    return [v for v in views if v.name not in states or states[v.name].definition != definition(v)]


def _foreign(views: Sequence[View[Any]], states: dict[str, State]) -> list[View[Any]]:
    """Those for which a rebuild by another definition was begun and left."""
    return [v for v in views if v.name in states and states[v.name].building_definition not in {None, definition(v)}]


LAST = ("~", UUID(int=2**128 - 1))
"""A cursor after every fact."""


def newer(stored: str | None, ours: str) -> bool:
    """Whether a release is newer than ours, by the numbers in it."""

    def numbers(release: str) -> list[int]:
        return [int(part) for part in release.split(".") if part.isdigit()]

    return stored is not None and numbers(stored) > numbers(ours)
