"""How often somebody may call: sliding windows per client, answered with 429 and when to come back.

Counted in this process' memory: with several serving processes each counts its own share, and a restart begins anew.
"""

from math import ceil
from time import time

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.runtime.problems import Problem


class Rate:
    """At most so many a minute, and so many a day if there is a quota, for each name by itself."""

    def __init__(self, per_minute: int | None, per_day: int | None = None) -> None:
        self._items: list[tuple[RateLimitItem, str]] = []
        if per_minute is not None:
            self._items.append((RateLimitItemPerMinute(per_minute), "minute"))
        if per_day is not None:
            self._items.append((RateLimitItemPerDay(per_day), "day"))
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, *names: str, cost: int = 1) -> None:
        """Count a call; raises Problem 429 when there have been too many, and counts that one in no window."""
        for item, window in self._items:
            if not await self._limiter.test(item, *names, cost=cost):
                raise await self._refused(item, window, *names)
        for item, window in self._items:
            if not await self._limiter.hit(item, *names, cost=cost):  # another call came between
                raise await self._refused(item, window, *names)

    async def _refused(self, item: RateLimitItem, window: str, *names: str) -> Problem:
        stats = await self._limiter.get_window_stats(item, *names)
        return Problem(
            429,
            "too-many",
            "Det blev för många anrop. Vänta en stund och försök igen.",
            f"At most {item.amount} a {window}.",
            headers={"Retry-After": str(max(1, ceil(stats.reset_time - time())))},
        )
