"""Looking: how many reporters had their eyes on a place, over periods; what drafts, cards and pages divide by."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.exposure import MEMORY_DAYS, looking
from services.analysis.domain.lateness import Lateness, lateness
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

    A group where somebody is appointed is there though nobody was heard of. ``everywhere``: the municipality's own
    areas, where ``by_area``. ``appointed`` is None where appointments do not know the areas.
    """
    rows = {tuple(row[g] for g in by): row for row in await exposure.active(connection, kommun, chosen, by)}
    if not knows_areas(chosen, by):
        return [row | {"appointed": None} for row in rows.values()]
    found = await exposure.appointed(connection, kommun, chosen, by, everywhere)
    appointed = {tuple(row[g] for g in by): row for row in found}
    return [NOBODY | appointed.get(group, {}) | rows.get(group, {}) for group in sorted({*rows, *appointed})]


def by_area(chosen: Selection, by: Sequence[str]) -> bool:
    """Whether areas matter: they are asked for, or only some of them."""
    return "area" in by or bool(chosen.areas)


def knows_areas(chosen: Selection, by: Sequence[str]) -> bool:
    """Whether appointments can say: they know areas of RegSO alone."""
    return chosen.layer == ALWAYS or not by_area(chosen, by)


async def came_late(
    connection: AsyncConnection, kommun: str, chosen: Selection, by: Sequence[str]
) -> list[tuple[tuple[str, ...], Lateness]]:
    """Groups of week and source, and how late their reports came in."""
    rows = await exposure.late(connection, kommun, chosen, by)
    return [
        (group, lateness((row["late"], row["reports"]) for row in members))
        for group, members in groupby(rows, key=lambda row: tuple(row[g] for g in by))
    ]


NOBODY = {"appointed": 0, "active": 0, "zero_reports": 0, "last_day": ""}
"""A group where nobody is appointed and nobody was heard of."""
