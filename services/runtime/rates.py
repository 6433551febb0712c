"""How often somebody may call: a sliding window per client, answered with 429 and when to come back.

Counted in this process' memory: with several serving processes each counts its own share.
"""

from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.runtime.problems import Problem


class Rate:
    """At most so many a minute, for each name by itself."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, *names: str, cost: int = 1) -> None:
        """Count a call; raises Problem 429 when there have been too many, and counts that one not."""
        if await self._limiter.hit(self._item, *names, cost=cost):
            return
        window = await self._limiter.get_window_stats(self._item, *names)
        raise Problem(
            429,
            "too-many",
            "Det blev för många anrop. Vänta en stund och försök igen.",
            f"At most {self._item.amount} a minute.",
            headers={"Retry-After": str(max(1, ceil(window.reset_time - time())))},
        )
