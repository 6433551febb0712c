"""The standing job that notices default points: of the municipalities whose reports this process has placed.

What it finds is flagged from then on, and once for what lies there already, by placing the municipality's reports anew.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from services.geo.domain.default_points import stand_out
from services.geo.handlers import replacing
from services.geo.handlers.defaults import KEEP_SECONDS
from services.geo.store import default_points as store
from services.runtime.database import Database
from services.runtime.publisher import Publisher

DAYS = 90
EVERY_SECONDS = 6 * 3600.0
FIRST_SECONDS = 60.0
"""A minute after the start most municipalities have been seen."""


class Noticing:
    """Looks at one municipality after the other, a few times a day."""

    def __init__(self, database: Database, seen: set[str]) -> None:
        self._database, self._seen = database, seen

    async def run(self, _publisher: Publisher, first: float = FIRST_SECONDS, every: float = EVERY_SECONDS) -> None:
        """Until cancelled."""
        await asyncio.sleep(first)
        while True:
            for kommun in sorted(self._seen):
                await self.look(kommun)
            await asyncio.sleep(every)

    async def look(self, kommun: str) -> bool:
        """Look at one municipality; whether a new default point was found."""
        async with self._database.transaction((kommun,)) as connection:
            most, usual = await store.counts(connection, kommun, DAYS)
            found = await store.add(connection, kommun, stand_out(most, usual))
        if found:
            known = datetime.now(UTC) + timedelta(seconds=1.5 * KEEP_SECONDS)  # by every process
            await replacing.ask(self._database, kommun, "all", "a default point was found", known)
        return found
