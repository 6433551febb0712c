"""The default points that are known, kept for some seconds: they change a few times a year."""

import time
from collections.abc import Collection, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from services.geo.store import default_points as store

KEEP_SECONDS = 10.0


class Defaults:
    """One process' knowledge of default points."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, frozenset[tuple[float, float]]]] = {}

    async def known(
        self, connection: AsyncConnection, kommuner: Collection[str]
    ) -> Mapping[str, frozenset[tuple[float, float]]]:
        """Municipality → its default points (EPSG:3006), as they were at most ten seconds ago."""
        now = time.monotonic()
        stale = [k for k in kommuner if k not in self._kept or now - self._kept[k][0] >= KEEP_SECONDS]
        if stale:
            found = await store.known(connection, stale)
            self._kept |= {k: (now, found.get(k, frozenset())) for k in stale}
        return {k: points for k in kommuner if (points := self._kept[k][1])}
