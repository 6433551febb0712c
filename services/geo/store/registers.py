"""SQL of address registers: every version of every municipality, one of them active."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_ACTIVE = text("""
    select kommun, number from registers where active and kommun = any(cast(:kommuner as text[]))""")
_CONTENT = text("""
    select source, vintage, credit, content from registers where kommun = :kommun and number = :number""")
_LIST = text("""
    select number, source, vintage, licence, credit, file_name, addresses, streets, left_out, active, imported_at
    from registers where kommun = :kommun order by number desc""")
_LOCK = text("select pg_advisory_xact_lock(hashtext('registers'), hashtext(:kommun))")
_NEXT = text("select coalesce(max(number), 0) + 1 from registers where kommun = :kommun")
_RETIRE = text("update registers set active = false where kommun = :kommun and active")
_ACTIVATE = text("update registers set active = true where kommun = :kommun and number = :number returning number")
_ADD = text("""
    insert into registers (kommun, number, source, vintage, licence, credit, file_name, sha256, addresses, streets,
                           left_out, active, content)
    values (:kommun, :number, :source, :vintage, :licence, :credit, :file_name, :sha256, :addresses, :streets,
            cast(:left_out as jsonb), true, :content)""")


class Content(NamedTuple):
    """A register as it is kept: its Parquet file, and what is said with every answer from it."""

    source: str
    vintage: str
    credit: str
    parquet: bytes


class Entry(NamedTuple):
    """A register in the list of versions."""

    number: int
    source: str
    vintage: str
    licence: str
    credit: str
    file_name: str
    addresses: int
    streets: int
    left_out: dict[str, int]
    active: bool
    imported_at: datetime


async def active(connection: AsyncConnection, kommuner: Collection[str]) -> dict[str, int]:
    """Municipality → number of its active register, for those that have one."""
    rows = await connection.execute(_ACTIVE, {"kommuner": sorted(kommuner)})
    return {r.kommun: r.number for r in rows}


async def content(connection: AsyncConnection, kommun: str, number: int) -> Content:
    """One register's file."""
    row = (await connection.execute(_CONTENT, {"kommun": kommun, "number": number})).one()
    return Content(row.source, row.vintage, row.credit, bytes(row.content))


async def versions(connection: AsyncConnection, kommun: str) -> list[Entry]:
    """Every register that was imported, newest first."""
    return [Entry(*row) for row in await connection.execute(_LIST, {"kommun": kommun})]


async def add(connection: AsyncConnection, kommun: str, facts: Mapping[str, Any]) -> int:
    """Keep a register and make it the active one, in the caller's transaction; its number."""
    await connection.execute(_LOCK, {"kommun": kommun})
    number = int(await connection.scalar(_NEXT, {"kommun": kommun}) or 1)
    await connection.execute(_RETIRE, {"kommun": kommun})
    await connection.execute(
        _ADD, {**facts, "kommun": kommun, "number": number, "left_out": json.dumps(facts["left_out"])}
    )
    return number


async def activate(connection: AsyncConnection, kommun: str, number: int) -> bool:
    """Make an earlier register the active one again; False when there is none of that number."""
    await connection.execute(_LOCK, {"kommun": kommun})
    await connection.execute(_RETIRE, {"kommun": kommun})
    return await connection.scalar(_ACTIVATE, {"kommun": kommun, "number": number}) is not None
