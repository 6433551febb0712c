"""Facts chunk by chunk for a rebuild: the next one is read and folded while the database takes the one before.

What was read ahead is used only if the facts are still the same ones in the same versions when its turn comes, which
one question under the view lock shows; otherwise they are read again there. A long rebuild folds in a process of its
own (``folding``); while that is not there, and when it goes, in a thread.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.handlers.folding import Apart, Chunk, folded
from services.analysis.store import facts as store
from services.analysis.store.facts import Fingerprint
from services.analysis.views import View
from services.analysis.views.catalogue import family_of
from services.runtime.waiting import ended

WORTH = 5
"""Chunks after which a process of its own is worth its start."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    after: tuple[str, UUID]
    fingerprint: Fingerprint
    folding: asyncio.Task[Chunk | None]


class Chunks:
    """The facts of one kind in the order of municipalities and ids, at most ``size`` at a time."""

    def __init__(self, views: Sequence[View[Any]], size: int, say: Callable[[str], None] = lambda _line: None) -> None:
        self._views, self._size, self._say = views, size, say
        self._ahead: _Ahead | None = None
        self._looked = 0
        self._apart: asyncio.Task[Apart] | None = None

    async def after(self, connection: AsyncConnection, kommun: str, ident: UUID) -> Chunk | None:
        """The facts that follow this one in its municipality, as they are now; None after the last."""
        ahead, self._ahead = self._ahead, None
        page = (family_of(self._views[0]).model, kommun, ident, self._size)
        if ahead is not None:
            same = ahead.after == (kommun, ident) and ahead.fingerprint == await store.fingerprint(connection, *page)
            if same:
                return await ahead.folding
            await self._given_up(ahead)
        return await self._folded(await store.stored_page(connection, *page))

    async def look_ahead(self, connection: AsyncConnection, kommun: str, ident: UUID) -> None:
        """Begin with the facts that follow this one, beside what the database does now."""
        page = (family_of(self._views[0]).model, kommun, ident, self._size)
        rows, seen = await store.stored_page(connection, *page), await store.fingerprint(connection, *page)
        self._looked += 1
        if self._looked == WORTH:
            self._apart = asyncio.create_task(Apart.begun())
        self._ahead = _Ahead((kommun, ident), seen, asyncio.create_task(self._folded(rows)))
        await asyncio.sleep(0)  # lets it begin

    async def close(self) -> None:
        """Wait for what was begun and is not needed."""
        try:
            if self._ahead is not None:
                await self._given_up(self._ahead)
                self._ahead = None
        finally:
            await self._let_go()

    @staticmethod
    async def _given_up(ahead: _Ahead) -> None:
        with suppress(Exception):  # of facts that are others now
            await ahead.folding

    async def _folded(self, rows: Sequence[Row[Any]]) -> Chunk | None:
        if not rows:
            return None
        last, events = rows[-1].id, [row.event for row in rows]
        if self._apart is not None and self._apart.done():
            try:
                return await self._apart.result().fold(self._views, last, events)
            except (OSError, Apart.Gone) as gone:
                self._say(f"folding goes on in this process ({type(gone).__name__})")
                await self._let_go()
        return await asyncio.to_thread(folded, self._views, last, events)

    async def _let_go(self) -> None:
        apart, self._apart = self._apart, None
        if apart is None:
            return
        if not apart.done():  # it is not needed any more, and puts away what it has begun
            await ended([apart])
        elif apart.exception() is None:
            await apart.result().end()
