"""The pulse: one listening connection per serving process that tells open pages when their municipality's rows moved.

Whoever changes rows says so in its own transaction (``beat``); the database passes it on when that commits.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.database import listener
from services.runtime.logs import logger

CHANNEL = "pulse"
_BEAT = text("select pg_notify('pulse', :kommuner)")
_MOST = 1500
"""Municipalities in one message: a payload holds at most 8 000 bytes."""
_log = logger(__name__)


async def beat(connection: AsyncConnection, kommuner: Iterable[str]) -> None:
    """Tell open pages, at this transaction's commit, that rows of these municipalities moved."""
    await connection.execute(_BEAT, {"kommuner": ",".join(sorted(set(kommuner))[:_MOST])})


class Pulse:
    """Listens while anybody follows; without followers there is no connection."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def follow(self, kommun: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever rows of this municipality moved; clear it before looking."""
        moved = asyncio.Event()
        self._followers.setdefault(kommun, set()).add(moved)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="pulse")
        try:
            yield moved
        finally:
            self._followers[kommun].discard(moved)
            if not self._followers[kommun]:
                del self._followers[kommun]
            if not self._followers and self._listening is not None:
                listening, self._listening = self._listening, None
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _listen(self) -> None:
        while True:
            try:
                connection = await listener(self._url)
                try:
                    await connection.add_listener(CHANNEL, self._heard)
                    self._tell(list(self._followers))  # something may have moved while nobody listened
                    while not connection.is_closed():  # noqa: ASYNC110 - nothing else tells that it is
                        await asyncio.sleep(1)
                finally:
                    await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                _log.warning("the pulse is lost", error=type(error).__name__)
                await asyncio.sleep(2)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        self._tell(payload.split(","))

    def _tell(self, kommuner: Iterable[str]) -> None:
        for kommun in kommuner:
            for moved in self._followers.get(kommun, ()):
                moved.set()
