"""The database of one process: a pool as its own role, and transactions opened for named municipalities only.

Row-level security is forced on every table with a ``kommun``. A transaction sees and writes the municipalities in
the transaction-local list ``app.kommuner``; without a list there are no rows. So a forgotten filter crosses nothing.
"""

import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.runtime import metrics

KEEPALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
"""The server asks after a silent client: one that vanished without a word would keep its advisory locks for hours."""
_OPEN = text("select set_config('app.kommuner', :kommuner, true)")
_OPEN_ASYNCHRONOUS = text(
    "select set_config('app.kommuner', :kommuner, true), set_config('synchronous_commit', 'off', true)"
)
IDLE_SECONDS = 1.0
"""A connection that rested longer is asked whether it is still there before it is used.

Asking at every transaction is three answers more to wait for in each: SQLAlchemy asks inside a transaction of its own.
Whatever breaks within the second breaks the statement, as it does for those that are under way.
"""
_SNAPSHOT = text("set transaction isolation level repeatable read")


class Database:
    """A pool of connections as this process' role."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            hide_parameters=True,  # an error's text must not repeat what somebody wrote
            connect_args={"server_settings": KEEPALIVE},
            pool_use_lifo=True,  # few backends that know the plans and pages, rather than all in turn
        )
        _ask_the_rested(self.engine)
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


def driver_dsn(url: str) -> str:
    """The plain DSN that asyncpg understands, from an SQLAlchemy URL."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def listener(url: str) -> asyncpg.Connection:
    """A connection outside the pool, for locks and notifications that live as long as it does."""
    return await asyncpg.connect(driver_dsn(url), timeout=10, server_settings=KEEPALIVE)


def _ask_the_rested(engine: AsyncEngine) -> None:
    """Connections that the server has closed are replaced when they are taken, all at once."""
    pool, dialect = engine.sync_engine, engine.dialect

    @event.listens_for(pool, "checkin")
    def rests(_connection: Any, record: Any) -> None:  # Any: SQLAlchemy's own types of what a pool holds
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(pool, "checkout")
    def taken(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.get("rests_since")
        if since is None:
            return
        gone = connection.driver_connection.is_closed()
        if not gone and time.monotonic() - since > IDLE_SECONDS:
            try:
                gone = not dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error:
                gone = True
        if gone:
            raise InvalidatePoolError
