"""The database of one process: a pool as its own role, and transactions opened for named municipalities only.

Row-level security is forced on every table with a ``kommun``. A transaction sees and writes the municipalities in
the transaction-local list ``app.kommuner``; without a list there are no rows. So a forgotten filter crosses nothing.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.runtime import metrics

_OPEN = text("select set_config('app.kommuner', :kommuner, true)")
_OPEN_ASYNCHRONOUS = text(
    "select set_config('app.kommuner', :kommuner, true), set_config('synchronous_commit', 'off', true)"
)
_SNAPSHOT = text("set transaction isolation level repeatable read")


class Database:
    """A pool of connections as this process' role."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=10,
            hide_parameters=True,  # an error's text must not repeat what somebody wrote
            pool_use_lifo=True,  # few backends that know the plans and pages, rather than all in turn
        )
        metrics.POOL.set_function(self.engine.pool.checkedout)  # type: ignore[attr-defined]  # a QueuePool
        metrics.POOL_LIMIT.set(2 * pool_size)

    @asynccontextmanager
    async def transaction(
        self, kommuner: Collection[str] = (), *, asynchronous: bool = False, snapshot: bool = False
    ) -> AsyncIterator[AsyncConnection]:
        """One READ COMMITTED transaction that sees ``kommuner`` and nothing else; commits at the end.

        ``snapshot`` makes all its statements see the same moment (REPEATABLE READ): for comparing, not for writing.

        ``asynchronous`` lets the commit return before it is on disk: only for transactions that hold nothing but
        facts, views and positions, which are lost together and read again.
        """
        async with self.engine.begin() as connection:
            if snapshot:
                await connection.execute(_SNAPSHOT)
            if kommuner or asynchronous:
                opening = _OPEN_ASYNCHRONOUS if asynchronous else _OPEN
                await connection.execute(opening, {"kommuner": ",".join(sorted(kommuner))})
            yield connection

    async def close(self) -> None:
        """Return every connection."""
        await self.engine.dispose()
