"""Named points where crash tests stop a process to kill it from outside. Does nothing unless asked by environment.

``LAGESBILD_FAULTPOINT=boundary.before_commit`` with ``LAGESBILD_FAULTFILE=/path`` makes the first process that gets
there create the file and wait; later passes go through, so that the restarted process can finish the work.
"""

import asyncio
import os
from pathlib import Path

WAIT_SECONDS = 60.0

POINTS = (
    "ingest.before_commit",
    "ingest.after_commit",
    "ingest.photo_written",
    "ingest.photo_covered",
    "batches.after_submit",
    "relay.before_publish",
    "relay.after_confirm",
    "publisher.on_the_way",
    "boundary.before_commit",
    "boundary.after_commit",
    "boundary.after_effect",
    "boundary.after_confirm",
    "boundary.after_dead_letter",
    "routing.before_commit",
    "routing.after_commit",
    "notify.before_send",
    "notify.after_send",
    "notify.after_refusal",
    "receipt.before_commit",
    "receipt.after_commit",
    "pursuing.before_commit",
    "pursuing.after_commit",
    "thanking.before_commit",
    "thanking.after_commit",
    "rebuild.before_commit",
    "rebuild.after_commit",
    "rebuild.before_switch",
    "rebuild.after_switch",
    "replacing.before_commit",
    "replacing.after_commit",
    "schedule.before_commit",
    "schedule.after_commit",
)
"""Every point there is; a test holds this list against the calls in the code."""


async def reach(point: str) -> None:
    """Stand still here once if the environment names this point; otherwise return at once."""
    if os.environ.get("LAGESBILD_FAULTPOINT") != point:
        return
    marker = Path(os.environ["LAGESBILD_FAULTFILE"])
    try:
        with marker.open("x") as file:  # noqa: ASYNC230 - tests only, and exclusive creation is the point
            file.write(str(os.getpid()))
    except FileExistsError:
        return
    await asyncio.sleep(WAIT_SECONDS)
