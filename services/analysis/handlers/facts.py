"""From located batches to facts and views, in one transaction: newest version wins, views move by the difference."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextLocated
from services.analysis.metrics import VIEW_MOVED
from services.analysis.store import area_sets
from services.analysis.store import facts as store
from services.analysis.store import views as view_store
from services.analysis.store.facts import Candidate, F, Identity, Kept, Version
from services.analysis.store.views import State
from services.analysis.views import View
from services.analysis.views.catalogue import CONTEXT, PRESENCE, REPORTS, Family, definition
from services.analysis.views.fact import LocatedReport
from services.runtime.decoding import Received
from services.runtime.errors import MustStop
from services.runtime.publisher import Outgoing
from services.runtime.pulse import beat

Pair = tuple[Identity, Any, Any]
"""A fact that changed: its identity, how it counted before and how it counts now; None is not at all."""


async def take_reports(connection: AsyncConnection, batch: Sequence[Received[LocatedReport]]) -> Sequence[Outgoing]:
    """Apply a batch of located reports to facts, history and views."""
    candidates = [
        _candidate(r, r.message.report.report_id, r.message.report.revision, r.message.report.minted_at) for r in batch
    ]
    changed = await _newest(connection, LocatedReport, candidates)
    moves = [(family, _pairs(family, changed)) for family in (REPORTS, PRESENCE)]
    await area_sets.ensure(connection, [new for _, pairs in moves for _, _, new in pairs if new is not None])
    await _move_views(connection, moves)
    return ()


async def take_context(connection: AsyncConnection, batch: Sequence[Received[ContextLocated]]) -> Sequence[Outgoing]:
    """Apply a batch of located published items to their facts, history and view."""
    candidates = [
        _candidate(r, r.message.context.context_id, r.message.context.revision, r.message.context.minted_at)
        for r in batch
    ]
    changed = await _newest(connection, ContextLocated, candidates)
    await _move_views(connection, [(CONTEXT, _pairs(CONTEXT, changed))])
    return ()


def _pairs(family: Family[F], changed: Sequence[tuple[F | None, Candidate[F]]]) -> list[Pair]:
    """What changed, as the family's views count it; without what they never counted."""
    counts = family.counts
    pairs = [(new.identity, None if old is None else counts(old), counts(new.fact)) for old, new in changed]
    return [pair for pair in pairs if pair[1] is not None or pair[2] is not None]


def _candidate(received: Received[F], ident: UUID, revision: int, minted_at: datetime) -> Candidate[F]:
    placement = received.message.placement
    kept = Kept((revision, placement.placement), received.json, minted_at, placement.placed_at)
    return Candidate((received.kommun, ident), kept, received.message)


async def _newest(
    connection: AsyncConnection, model: type[F], candidates: Sequence[Candidate[F]]
) -> list[tuple[F | None, Candidate[F]]]:
    """(stored before, new) for the facts that become newer; every other version goes to the history."""
    by_identity: dict[Identity, dict[Version, Candidate[F]]] = {}
    for candidate in candidates:
        by_identity.setdefault(candidate.identity, {})[candidate.kept.version] = candidate
    tops = {identity: versions.pop(max(versions)) for identity, versions in by_identity.items()}
    fresh = await store.insert(connection, model, list(tops.values()))
    stored = await store.load(connection, model, [identity for identity in tops if identity not in fresh])
    changed: list[tuple[F | None, Candidate[F]]] = [(None, tops[identity]) for identity in fresh]
    past: list[tuple[Identity, Kept]] = []
    for identity, before in stored.items():
        top = tops[identity]
        if top.kept.version > before.version:
            changed.append((store.read(model, before.event), top))
            past.append((identity, before))
        elif top.kept.version < before.version:
            past.append((identity, top.kept))
        by_identity[identity].pop(before.version, None)
    past += [(identity, late.kept) for identity, versions in by_identity.items() for late in versions.values()]
    await store.replace(connection, model, [new for old, new in changed if old is not None])
    # After gallring nothing older of a fact stays, neither what it replaced nor what comes late.
    gone = {i for i, b in stored.items() if _is_anonymised(b.event)} | {
        i for i, t in tops.items() if _anonymised(t.fact)
    }
    await store.remember(connection, model, [(identity, kept) for identity, kept in past if identity not in gone])
    await store.forget(connection, model, sorted(gone))
    return changed


def _anonymised(fact: Any) -> bool:
    return isinstance(fact, LocatedReport) and fact.report.anonymised


def _is_anonymised(event: str) -> bool:
    """The same of a stored fact; looked for first, since reading every one would cost more than all the rest."""
    return '"anonymised":true' in event and _anonymised(store.read(LocatedReport, event))


def _fit(view: View[Any], states: dict[str, State]) -> State:
    """The state of a view that this program maintains; MustStop when another program's hands are on it."""
    state, ours = states.get(view.name), definition(view)
    if state is None or state.generation is None:
        raise MustStop(f"view {view.name} was never built")
    if state.definition != ours or (state.building is not None and state.building_definition != ours):
        raise MustStop(f"view {view.name} is kept by another program than this one")
    return state


async def _move_views(connection: AsyncConnection, moves: Sequence[tuple[Family[Any], Sequence[Pair]]]) -> None:
    """Move the living generations by the difference, and those being built for facts already passed."""
    moving = [(view, pairs) for family, pairs in moves if pairs for view in family.views]
    if not moving:
        return
    await view_store.share(connection)
    states = await view_store.states(connection, [view.name for view, _ in moving])
    changes: list[tuple[View[Any], int, list[tuple[Any, Any]]]] = []
    for view, pairs in moving:
        state = _fit(view, states)
        changes.append((view, state.living, [(old, new) for _, old, new in pairs]))
        if state.building is not None:
            passed = [(old, new) for identity, old, new in pairs if identity <= state.cursor]
            changes.append((view, state.building, passed))
    await view_store.change_all(connection, changes)
    for view, _ in moving:
        VIEW_MOVED.labels(view.name).set_to_current_time()
    await beat(connection, {kommun for _, pairs in moves for (kommun, _), _, _ in pairs})
