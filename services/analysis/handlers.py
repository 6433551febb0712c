"""From located batches to facts and views, in one transaction: newest version wins, views move by the difference."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextLocated
from schemas.locations import ReportLocated
from services.analysis.store import facts as store
from services.analysis.store.facts import F, Versioned
from services.analysis.views import context_days, cube, delta
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_reports(connection: AsyncConnection, batch: Sequence[Received[ReportLocated]]) -> Sequence[Outgoing]:
    """Apply a batch of located reports to facts, history and cube."""
    versions = [
        Versioned(
            r.message.kommun,
            r.message.report.report_id,
            (r.message.report.revision, r.message.placement.placement),
            r.message,
            r.message.report.minted_at,
            r.message.placement.placed_at,
        )
        for r in batch
    ]
    changed = await _newest(connection, ReportLocated, versions)
    if changed:
        reasons = [cube.why_not_counted(new.fact) for _, new in changed]
        await store.upsert_reports(connection, [new for _, new in changed], reasons)
        change = delta(cube.contributions, ((old, new.fact) for old, new in changed))
        await store.change_cube(connection, change)
    return ()


async def take_context(connection: AsyncConnection, batch: Sequence[Received[ContextLocated]]) -> Sequence[Outgoing]:
    """Apply a batch of located published items to their facts, history and view."""
    versions = [
        Versioned(
            r.message.kommun,
            r.message.context.context_id,
            (r.message.context.revision, r.message.placement.placement),
            r.message,
            r.message.context.minted_at,
            r.message.placement.placed_at,
        )
        for r in batch
    ]
    changed = await _newest(connection, ContextLocated, versions)
    if changed:
        days = [
            (n.fact.context.occurred_at or n.fact.context.published_at).astimezone(cube.SWEDEN).date()
            for _, n in changed
        ]
        await store.upsert_context(connection, [new for _, new in changed], days)
        change = delta(context_days.contributions, ((old, new.fact) for old, new in changed))
        await store.change_context_days(connection, change)
    return ()


async def _newest(
    connection: AsyncConnection, model: type[F], versions: Sequence[Versioned[F]]
) -> list[tuple[F | None, Versioned[F]]]:
    """Keep every version in the history; return (stored before, new) for the facts that become newer, by identity."""
    await store.remember(connection, model, versions)
    newest: dict[tuple[str, UUID], Versioned[F]] = {}
    for candidate in versions:
        identity = (candidate.kommun, candidate.ident)
        if identity not in newest or candidate.version > newest[identity].version:
            newest[identity] = candidate
    stored = await store.load(connection, model, sorted(newest))
    changed: list[tuple[F | None, Versioned[F]]] = []
    for identity in sorted(newest):
        known = stored.get(identity)
        if known is None or newest[identity].version > known[0]:
            changed.append((None if known is None else known[1], newest[identity]))
    return changed
