"""The pool against a real PostgreSQL: who has rested is asked, who was cut off is replaced, and nobody else pays."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from services.runtime import database as under_test
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.support.ground import Ground
from tests.support.instance import eventually

_PID = text("select pg_backend_pid()")


@pytest.fixture
async def database(ground: Ground) -> AsyncIterator[Database]:
    made = Database(ground.database_url(work_role("geo")), pool_size=3)
    yield made
    await made.close()


async def _backend(database: Database) -> int:
    async with database.transaction() as connection:
        return int((await connection.execute(_PID)).scalar_one())


@pytest.fixture
def asked(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The connections that were asked whether they are still there."""
    found: list[Any] = []
    ask = database.engine.dialect.do_ping

    def noted(connection: Any) -> bool:
        found.append(connection)
        return bool(ask(connection))

    monkeypatch.setattr(database.engine.dialect, "do_ping", noted)
    return found


async def test_only_a_connection_that_has_rested_is_asked(
    database: Database, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No question beside the work's own in a row of transactions; one after a rest."""
    monkeypatch.setattr(under_test, "IDLE_SECONDS", 3600.0)
    pids = {await _backend(database) for _ in range(5)}
    assert (len(pids), len(asked)) == (1, 0)
    monkeypatch.setattr(under_test, "IDLE_SECONDS", -1.0)
    assert {await _backend(database)} == pids
    assert len(asked) == 1


async def test_connections_that_the_server_closed_are_replaced_unnoticed(
    ground: Ground, database: Database, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one of them, also within the second: a restarted database costs no transaction that begins afterwards."""
    monkeypatch.setattr(under_test, "IDLE_SECONDS", 3600.0)
    before = set(await asyncio.gather(*(_held(database) for _ in range(3))))
    assert len(before) == 3
    admin = await asyncpg.connect(ground.admin_dsn)
    await admin.fetch("select pg_terminate_backend(pid) from unnest($1::int[]) as t(pid)", list(before))
    await eventually(lambda: _gone(admin, before), "the server has closed them")
    await admin.close()
    await asyncio.sleep(0.1)  # the sockets' ends are read
    after = set(await asyncio.gather(*(_held(database) for _ in range(3))))
    assert not after & before
    assert not asked


async def test_a_connection_that_does_not_answer_after_a_rest_is_replaced(
    ground: Ground, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off without a word: the question fails, the work does not."""
    before = await _backend(database)
    monkeypatch.setattr(under_test, "IDLE_SECONDS", -1.0)

    def silent(_connection: Any) -> bool:
        monkeypatch.undo()
        raise database.engine.dialect.loaded_dbapi.InterfaceError("the connection is closed")

    monkeypatch.setattr(database.engine.dialect, "do_ping", silent)
    assert await _backend(database) != before


async def _held(database: Database) -> int:
    """A backend that is held while others are taken."""
    async with database.transaction() as connection:
        pid = int((await connection.execute(_PID)).scalar_one())
        await asyncio.sleep(0.2)
        return pid


async def _gone(admin: Any, pids: set[int]) -> bool:
    left = await admin.fetchval("select count(*) from pg_stat_activity where pid = any($1::int[])", list(pids))
    return bool(left == 0)
