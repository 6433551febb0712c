"""What is called off ends, also when it did not hear it the first time."""

import asyncio

import pytest

from services.runtime import waiting
from services.runtime.waiting import ended, happens


async def test_a_task_that_swallows_a_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "AGAIN_SECONDS", 0.01)
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard += 1
                if heard == 3:
                    raise

    async def fails() -> None:
        raise ValueError("of its own")

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await ended(tasks)
    assert [task.done() for task in tasks] == [True, True, True]
    assert heard == 3
    with pytest.raises(ValueError, match="of its own"):
        await tasks[1]


async def test_an_event_that_comes_with_the_cancellation_does_not_swallow_it() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(happens(event, 60))
    await asyncio.sleep(0)
    event.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await happens(event, 60)
    assert not await happens(asyncio.Event(), 0.01)
