"""Looking: how many reporters had their eyes on a place, over periods; what drafts, cards and pages divide by."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.exposure import MEMORY_DAYS, looking
from services.analysis.domain.selection import Selection
from services.analysis.store import exposure, signals
from services.analysis.store.pictures import Span
from services.analysis.store.sums import ALWAYS


async def active_reporters(connection: AsyncConnection, kommun: str, span: Span, count: int) -> dict[str, list[int]]:
    """Area (or the whole, "") → reporters who were looking, in every period.

    What they sent before the first period is read too: else the first periods would seem to have had fewer eyes.
    """
    start, memory = remembered(span)
    sent = await signals.presence(connection, kommun, start, span.last, days=span.days)
    return {area: [by.get(at + memory, 0) for at in range(count)] for area, by in looking(sent, memory).items()}


def remembered(span: Span) -> tuple[date, int]:
    """From when on reporters' presence counts for a span, and how many periods that is before it."""
    memory = -(-MEMORY_DAYS // span.days)
    return span.start - timedelta(days=memory * span.days), memory


async def side_by_side(
    connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str], everywhere: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Groups of week, area and organisation ("" for none): appointed, active, zero reports, last day ("" for never).

    A group where somebody is appointed is there though nobody was heard of. ``everywhere``: the areas that a reporter
    without any in particular is appointed for; appointments know RegSO alone, so for areas of another layer
    ``appointed`` is None.
    """
    rows = {tuple(row[g] for g in by): row for row in await exposure.active(connection, kommun, chosen, by)}
    if chosen.layer != ALWAYS and ("area" in by or chosen.areas):
        return [row | {"appointed": None} for row in rows.values()]
    found = await exposure.appointed(connection, kommun, chosen, by, everywhere)
    appointed = {tuple(row[g] for g in by): row for row in found}
    return [NOBODY | appointed.get(group, {}) | rows.get(group, {}) for group in sorted({*rows, *appointed})]


NOBODY = {"appointed": 0, "active": 0, "zero_reports": 0, "last_day": ""}
"""A group where nobody is appointed and nobody was heard of."""
