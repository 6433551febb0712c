"""Facts chunk by chunk for a rebuild: the next one is read and folded while the database takes the one before.

What was read ahead is used only if the facts are still the same ones in the same versions when its turn comes, which
one question under the view lock shows; otherwise they are read again there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.store import facts as store
from services.analysis.store.facts import Fingerprint
from services.analysis.views import View, Weight, fold
from services.analysis.views.catalogue import Family


@dataclass(frozen=True, slots=True)
class Chunk:
    """Facts that are folded: the last one's id, how many there were, those that count, what they are in each view."""

    last: UUID
    facts: int
    counting: Sequence[Any]
    changes: Sequence[dict[Any, Weight]]


@dataclass(frozen=True, slots=True)
class _Ahead:
    after: tuple[str, UUID]
    fingerprint: Fingerprint
    folding: asyncio.Task[Chunk | None]


class Chunks:
    """The facts of one kind in the order of municipalities and ids, at most ``size`` at a time."""

    def __init__(self, family: Family[Any], views: Sequence[View[Any]], size: int) -> None:
        self._family, self._views, self._size = family, views, size
        self._ahead: _Ahead | None = None

    async def after(self, connection: AsyncConnection, kommun: str, ident: UUID) -> Chunk | None:
        """The facts that follow this one in its municipality, as they are now; None after the last."""
        ahead, self._ahead = self._ahead, None
        page = (self._family.model, kommun, ident, self._size)
        if ahead is not None:
            same = ahead.after == (kommun, ident) and ahead.fingerprint == await store.fingerprint(connection, *page)
            if same:
                return await ahead.folding
            await self._given_up(ahead)
        return self._folded(await store.stored_page(connection, *page))

    async def look_ahead(self, connection: AsyncConnection, kommun: str, ident: UUID) -> None:
        """Begin with the facts that follow this one, in a thread of their own."""
        page = (self._family.model, kommun, ident, self._size)
        rows, seen = await store.stored_page(connection, *page), await store.fingerprint(connection, *page)
        self._ahead = _Ahead((kommun, ident), seen, asyncio.create_task(asyncio.to_thread(self._folded, rows)))

    async def close(self) -> None:
        """Wait for what was begun and is not needed."""
        if self._ahead is not None:
            await self._given_up(self._ahead)
            self._ahead = None

    @staticmethod
    async def _given_up(ahead: _Ahead) -> None:
        with suppress(Exception):  # of facts that are others now
            await ahead.folding

    def _folded(self, rows: Sequence[Row[Any]]) -> Chunk | None:
        if not rows:
            return None
        facts = (self._family.counts(store.read(self._family.model, row.event)) for row in rows)
        counting = [fact for fact in facts if fact is not None]
        return Chunk(rows[-1].id, len(rows), counting, [fold(view.contributions, counting) for view in self._views])
