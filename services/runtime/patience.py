"""How patient a consumer is: how long it tries again in place, and how many dead letters it takes for an accident."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the boundary is; seconds and counts."""

    retry_budget: float = 60.0
    first_delay: float = 0.2
    longest_delay: float = 10.0
    dead_letter_limit: int = 100
    dead_letter_window: float = 600.0

    def delays(self) -> Iterator[float]:
        """Pauses between tries, doubling up to the longest, with jitter; without end."""
        delay = self.first_delay
        while True:
            yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            delay = min(delay * 2, self.longest_delay)
