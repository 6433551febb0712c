"""Gallring in the ledger, every night: what the municipality has decided to keep no longer. The door has the decision.

A replay of what was deleted tells nobody: what is past its deadline is recorded and never sent.
"""

from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.gateways.rooms import Directory
from services.notify.store import retention
from services.runtime.logs import logger
from services.runtime.schedule import Effect, Task, daily

AT = time(3)
_log = logger(__name__)


class Retaining:
    """The scheduled task."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def task(self) -> Task:
        """Every night at three."""
        return Task("gallring", daily(AT), self.work, timedelta(days=2))

    async def work(self, kommun: str, _due: datetime) -> Effect:
        """Ask for the decision now; without one nothing is deleted. Away fails the run, which is tried again."""
        before = await self._directory.retention(kommun)

        async def tidy(connection: AsyncConnection) -> None:
            await retention.forget_numbers(connection, kommun)
            if before is None:
                return
            count = await retention.tidy(connection, kommun, before)
            # Written down before it is committed: no deletion without its line in the protocol.
            if count and not await self._directory.retained(kommun, before, count):
                raise DecisionTakenBack(kommun)
            _log.info("gallring", kommun=kommun, data_class="message", count=count)

        return tidy


class DecisionTakenBack(Exception):
    """Between the question and the deletion; the next run finds no decision."""
