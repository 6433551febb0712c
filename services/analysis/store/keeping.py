"""SQL of the selections that readers keep: a name for an address, theirs alone."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_OF = text("select name, address from kept_selections where kommun = :kommun and reader = :reader order by name")
_KEEP = text("""
    insert into kept_selections (kommun, reader, name, address, kept_at)
    select :kommun, :reader, :name, :address, :now
    where (select count(*) from kept_selections where kommun = :kommun and reader = :reader and name <> :name) < :most
    on conflict (kommun, reader, name) do update set address = excluded.address, kept_at = excluded.kept_at
    returning name""")
_LET_GO = text("delete from kept_selections where kommun = :kommun and reader = :reader and name = :name")


async def of(connection: AsyncConnection, kommun: str, reader: str) -> list[tuple[str, str]]:
    """(name, address) of a reader's own, by name."""
    return [(r.name, r.address) for r in await connection.execute(_OF, {"kommun": kommun, "reader": reader})]


async def keep(
    connection: AsyncConnection, kommun: str, reader: str, named: tuple[str, str], *, most: int, now: datetime
) -> bool:
    """Keep (name, address); the same name again is the new address. False: the reader has ``most`` already."""
    values = {"kommun": kommun, "reader": reader, "name": named[0], "address": named[1], "most": most, "now": now}
    return (await connection.execute(_KEEP, values)).first() is not None


async def let_go(connection: AsyncConnection, kommun: str, reader: str, name: str) -> None:
    """Forget one."""
    await connection.execute(_LET_GO, {"kommun": kommun, "reader": reader, "name": name})
