"""Gallring in the ledger, every night: what the municipality has decided to keep no longer. The door has the decision.

A replay of what was deleted tells nobody: what is past its deadline is recorded and never sent.

And of whom the door has erased nothing stays: a page that was open when its owner was erased can still save for as long
as its token lives, after everything of theirs went.
"""

from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.gateways.rooms import Directory
from services.notify.store import people, retention
from services.runtime.database import Database
from services.runtime.logs import logger
from services.runtime.schedule import Effect, Task, daily

AT = time(3)
_log = logger(__name__)


class Retaining:
    """The scheduled task."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database, self._directory = database, directory

    def task(self) -> Task:
        """Every night at three."""
        return Task("gallring", daily(AT), self.work, timedelta(days=2))

    async def work(self, kommun: str, _due: datetime) -> Effect:
        """Ask for the decision now; without one nothing is deleted. Away fails the run, which is tried again."""
        before = await self._directory.retention(kommun)
        erased = await self._erased(kommun)

        async def tidy(connection: AsyncConnection) -> None:
            await retention.forget_numbers(connection, kommun)
            for person in erased:
                await people.erase(connection, kommun, person)
            if before is None:
                return
            count = await retention.tidy(connection, kommun, before)
            # Written down before it is committed: no deletion without its line in the protocol.
            if count and not await self._directory.retained(kommun, before, count):
                raise DecisionTakenBack(kommun)
            _log.info("gallring", kommun=kommun, data_class="message", count=count)

        return tidy

    async def _erased(self, kommun: str) -> set[UUID]:
        """Of whom something is held here and nothing at the door; nobody where the door knows none of them at all."""
        async with self._database.transaction((kommun,)) as connection:
            held = await people.held(connection, kommun)
        known = await self._directory.known(kommun, held)
        if len(held) > 1 and not known:
            _log.error("the door knows nobody of whom something is held: nothing is forgotten", kommun=kommun)
            return set()
        return held - known


class DecisionTakenBack(Exception):
    """Between the question and the deletion; the next run finds no decision."""
