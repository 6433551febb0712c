"""Counting: the sums of a selection, now or as they were known at a moment, in one snapshot: ``/v1/counts``."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from services.analysis.domain import as_known
from services.analysis.domain.selection import GroupBy, Selection
from services.analysis.store import numbers
from services.analysis.views.fact import read
from services.runtime.database import Database


async def sums(
    database: Database, kommun: str, chosen: Selection, by: Sequence[GroupBy], at: datetime | None = None
) -> tuple[as_known.Sums, bool]:
    """The sums, and whether any of the municipality's reports is demonstration data."""
    changed: list[numbers.Changed] = []
    async with database.transaction((kommun,), snapshot=True) as connection:
        rows = await numbers.counts(connection, kommun, chosen, by)
        if at is not None:
            changed = await numbers.changed_since(connection, kommun, chosen.first, chosen.last, at)
        invented = await numbers.any_invented(connection, kommun)
    found = [(tuple(getattr(r, g) for g in by), r.reports, r.seen) for r in rows]
    if at is not None:
        found = await asyncio.to_thread(_then, found, changed, at, chosen, tuple(by))
    return found, invented


def _then(
    now: as_known.Sums, changed: Sequence[numbers.Changed], at: datetime, chosen: Selection, by: tuple[GroupBy, ...]
) -> as_known.Sums:
    versions = [as_known.Changed(one.version, read(one.event), one.newest) for one in changed]
    return as_known.then(now, versions, at, chosen, by)
