"""Waiting that can be called off, and calling off what waits: before Python 3.12 ``asyncio.wait_for`` does not always.

A cancellation that comes in the same turn of the loop as the awaited result is swallowed there (gh-86296),
in libraries too. So a task that is to end is told again until it has ended: a process that halts stayed for ever.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 5.0
"""How long a task that was cancelled may take to put things in order before it is told again."""


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these until every one has ended, however."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_SECONDS)
