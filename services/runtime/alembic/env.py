"""Alembic's entry: one transaction per room, as the owner role, in the room's own schema."""

import asyncio
import logging

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.runtime.migrations import OWNER_ROLE

_room: str = context.config.attributes["room"]
_url: str = context.config.attributes["url"]


def _migrate(connection: Connection) -> None:
    connection.execute(text(f"create schema if not exists {_room} authorization {OWNER_ROLE}"))
    connection.execute(text(f"set search_path = {_room}"))
    connection.commit()
    context.configure(connection=connection, version_table_schema=_room, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    engine = create_async_engine(_url)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


logging.getLogger("alembic").setLevel(logging.WARNING)
asyncio.run(_run())
