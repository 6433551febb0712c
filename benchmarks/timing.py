"""Seconds of a piece of work, as the benchmarks of methods quote them."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any


def timed(work: Callable[[], Any]) -> float:
    """Median seconds of five."""
    found = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return median(found)
