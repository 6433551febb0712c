"""Looking: how many reporters had their eyes on a place, over periods; what drafts, cards and pages divide by."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.exposure import MEMORY_DAYS, looking
from services.analysis.store import signals
from services.analysis.store.pictures import Span


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
