"""Listening for work: the database says when something was entered, so that nobody waits for the next look.

Losing the connection costs no more than the idle pause between two looks. The same job measures what waits.
"""

import asyncio
from collections.abc import Sequence
from typing import get_args

import asyncpg

from services.notify.metrics import WAITING
from services.notify.settings import NotifySettings
from services.notify.store import queue
from services.runtime.database import Database, listener
from services.runtime.errors import is_transient
from services.runtime.logs import logger
from services.runtime.publisher import Publisher
from services.runtime.waiting import happens

MEASURE_SECONDS = 5.0
_log = logger(__name__)


async def woken(event: asyncio.Event, seconds: float) -> None:
    """Until there is something to do, or so many seconds have passed."""
    event.clear()
    await happens(event, seconds)


class Listening:
    """The standing job."""

    def __init__(self, database: Database, settings: NotifySettings, wakes: Sequence[asyncio.Event]) -> None:
        self._database, self._wakes = database, wakes
        self._url = settings.database_url.get_secret_value()

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled."""
        while True:
            try:
                connection = await listener(self._url)
                try:
                    await connection.add_listener(queue.CHANNEL, self._heard)
                    self._wake()
                    while not connection.is_closed():
                        await self._measure()
                        await asyncio.sleep(MEASURE_SECONDS)
                finally:
                    await connection.close(timeout=2)
            except Exception as error:
                if not is_transient(error) and not isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
                    raise
                _log.warning("listening for work is interrupted", error=type(error).__name__)
                await asyncio.sleep(2)

    def _heard(self, *_: object) -> None:
        self._wake()

    def _wake(self) -> None:
        for event in self._wakes:
            event.set()

    async def _measure(self) -> None:
        async with self._database.transaction() as connection:
            waiting = await queue.depths(connection)
        for what in get_args(queue.What):
            WAITING.labels(what).set(waiting.get(what, 0))
