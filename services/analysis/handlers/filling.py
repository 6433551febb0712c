"""Filling: facts from before their columns existed get them when the room starts, before its consumers do.

Also what an older release stored meanwhile: it knows nothing of the columns.
"""

from collections.abc import AsyncIterator, Callable

from services.analysis.store import facts as store
from services.runtime.database import Database

PIECE = 2_000


async def fill(database: Database, owners: Callable[[], AsyncIterator[str]]) -> int:
    """Fill every municipality's, in pieces; how many. Nothing to do is one look at an empty index each."""
    count = 0
    async for kommun in owners():
        filled = PIECE
        while filled == PIECE:
            async with database.transaction((kommun,)) as connection:
                filled = await store.fill(connection, kommun, PIECE)
            count += filled
    return count
