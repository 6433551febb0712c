"""Live: tells an open overview that its numbers have moved. It never changes what is being read; the reader chooses."""

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.analysis.api.counts import reader
from services.analysis.domain.selection import BadSelection, Selection, reports
from services.analysis.store import numbers
from services.analysis.web.overview import read_selection
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.problems import Problem
from services.runtime.pulse import Pulse
from services.runtime.tokens import Principal
from services.runtime.waiting import happens

router = APIRouter(include_in_schema=False)
LONGEST = 240.0
"""Seconds before a stream ends by itself; the page opens another one, with a token that is still good."""
CALM = 1.0
"""At most one look at the database in so many seconds, however fast reports come."""


async def watched(request: Request, principal: Visitor) -> tuple[Principal, Selection]:
    """Who watches what; refused before the stream begins."""
    reader(principal)
    try:
        return principal, read_selection(request)
    except BadSelection as bad:
        raise Problem(422, "bad-selection", str(bad)) from None


@router.get("/oversikt/live", response_class=EventSourceResponse)
async def live(
    request: Request,
    watching: Annotated[tuple[Principal, Selection], Depends(watched)],
    seen: Annotated[int, Query()] = 0,
) -> AsyncIterable[ServerSentEvent]:
    """An event ``change`` with the selection's total and a sentence whenever the total is another than last told."""
    principal, chosen = watching
    database: Database = request.app.state.database
    pulse: Pulse = request.app.state.pulse
    until, told = time.monotonic() + LONGEST, seen
    yield ServerSentEvent(comment="open", retry=3000)
    async with pulse.follow(principal.kommun) as moved:
        moved.set()
        while time.monotonic() < until and not request.app.state.stopping():
            if not await happens(moved, CALM):
                continue
            moved.clear()
            async with database.transaction(principal.kommuner) as connection:
                (row,) = await numbers.counts(connection, principal.kommun, chosen)
            total = round(reports(row.reports))
            if total != told:
                told = total
                yield ServerSentEvent(event="change", data={"total": total, "text": _sentence(total - seen)})
            await asyncio.sleep(CALM)


def _sentence(difference: int) -> str:
    if difference == 1:
        return text("overview.live_one")
    if difference > 1:
        return text("overview.live_many", count=difference)
    return text("overview.live_changed")
