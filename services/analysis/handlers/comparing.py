"""Comparing: every night the door's newest revisions are held against the facts; the last net under all others.

What falls through the outbox, the log, the positions and the dead letters would be missed by nobody. Only what was
minted an hour before is compared: the rest may be on its way.
"""

from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.gateways import Minted
from services.analysis.metrics import REPORTS_MISSING
from services.analysis.store import comparing as store
from services.runtime.database import Database
from services.runtime.logs import logger
from services.runtime.schedule import Effect, Task, daily

SETTLED = timedelta(hours=1)
MOST_SAID = 20
_log = logger(__name__)


class Comparing:
    """The nightly task."""

    def __init__(self, database: Database, minted: Minted) -> None:
        self._database, self._minted = database, minted

    def task(self) -> Task:
        """At five, Swedish time."""
        return Task("comparison", daily(time(5)), self.night, timedelta(days=2))

    async def night(self, kommun: str, due: datetime) -> Effect:
        """Count and name what is missing. Away."""
        missing = await self.missing(kommun, due - SETTLED)
        if missing:
            REPORTS_MISSING.inc(len(missing))
            some = [str(report) for report in missing[:MOST_SAID]]
            _log.error("reports are missing in the picture", kommun=kommun, count=len(missing), reports=some)
        return _nothing

    async def missing(self, kommun: str, until: datetime) -> list[UUID]:
        """Reports whose newest revision, minted by ``until``, is not here, nor a newer one. Away."""
        theirs = await self._minted.parts(kommun, until)
        async with self._database.transaction((kommun,)) as connection:
            ours = await store.parts(connection, kommun, until)
        found: list[UUID] = []
        for which in sorted(part for part, said in theirs.items() if ours.get(part) != said):
            minted = await self._minted.part(kommun, until, which)
            async with self._database.transaction((kommun,)) as connection:
                here = await store.revisions(connection, kommun, minted)
            found += [report for report, revision in minted.items() if here.get(report, -1) < revision]
        return sorted(found)


async def _nothing(_connection: AsyncConnection) -> None:
    """There is nothing to store: the run itself is."""
