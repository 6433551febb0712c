"""Lanes: a consumer's partitions shared out over a few rows of batches, each row settled in order, all side by side.

While one lane waits for the database or the broker, another is worked out; and while a batch is being settled, the one
behind it is already read. Order holds per partition, which is all the order there is.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

LANES = 3
"""More give nothing on two cores (docs/decisions/0011-lanes.md)."""


class Lane:
    """Some of a consumer's partitions: one batch after the other."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        """Held while a batch is in flight."""
        self.since: float | None = None
        """When the batch in flight was begun, monotonic seconds."""
        self.gap: dict[int, int] | None = None
        """The positions above which the last batch began, if it did: twice in a row is a hole in the log."""
        self._flight: asyncio.Task[None] | None = None

    async def idle(self) -> None:
        """Wait until the batch in flight is settled."""
        if self._flight is not None:
            await asyncio.wait([self._flight])

    async def follow(self, batch: Coroutine[Any, Any, None]) -> None:
        """Let a batch be settled behind the one in flight; returns when that one is."""
        try:
            await self.idle()
        except asyncio.CancelledError:
            batch.close()
            raise
        self._flight = asyncio.create_task(batch)


class Lanes:
    """All lanes of one consumer."""

    def __init__(self) -> None:
        self._lanes = [Lane() for _ in range(LANES)]

    def of(self, partition: int) -> Lane:
        """The lane of a partition, always the same."""
        return self._lanes[partition % LANES]

    @property
    def since(self) -> float | None:
        """When the oldest batch in flight was begun; None while nothing is in flight."""
        return min((lane.since for lane in self._lanes if lane.since is not None), default=None)

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        for lane in self._lanes:
            await lane.idle()

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Hold every lane: nothing is in flight inside. Revocation waits for it."""
        async with AsyncExitStack() as held:
            for lane in self._lanes:
                await held.enter_async_context(lane.lock)
            yield
