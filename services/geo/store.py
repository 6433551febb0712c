"""SQL of place: the newest placement of each report, and every one that was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_EPOCH = text("select epoch from epoch")
_STORED = {
    "placements": text("""
        select p.kommun, p.report_id as id, p.placement, p.revision, p.event from placements p
        join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i) on p.kommun = w.k and p.report_id = w.i
        order by p.kommun, p.report_id, p.placement"""),
    "context_placements": text("""
        select p.kommun, p.context_id as id, p.placement, p.revision, p.event from context_placements p
        join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i) on p.kommun = w.k and p.context_id = w.i
        order by p.kommun, p.context_id, p.placement"""),
}
_ADD_REPORTS = text("""
    insert into placements (kommun, report_id, placement, revision, reason, event, envelope_id, placed_at)
    select k, i, p, r, why, cast(e as jsonb), v, t
    from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:placements as bigint[]),
                cast(:revisions as bigint[]), cast(:reasons as text[]), cast(:events as text[]),
                cast(:envelopes as text[]), cast(:placed as timestamptz[])) as t(k, i, p, r, why, e, v, t)""")
_ADD_CONTEXT = text("""
    insert into context_placements (kommun, context_id, placement, revision, event, placed_at)
    select k, i, p, r, cast(e as jsonb), t
    from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:placements as bigint[]),
                cast(:revisions as bigint[]), cast(:events as text[]), cast(:placed as timestamptz[]))
        as t(k, i, p, r, e, t)""")
_ONE = text("""
    select event, placed_at from placements where kommun = :kommun and report_id = :report
    order by placement desc limit 1""")
_UNPLACED = text("""
    select reason, count(*) as reports from (
        select distinct on (report_id) reason from placements where kommun = :kommun
        order by report_id, placement desc) as newest
    where reason is not null group by reason order by reason""")

Identity = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Stored:
    """One placement of something, and what was published about it."""

    placement: int
    revision: int
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class New:
    """A placement to keep; ``event`` is the JSON that will be published."""

    kommun: str
    ident: UUID
    placement: int
    revision: int
    event: str
    placed_at: datetime
    reason: str | None = None
    envelope_id: str = ""


async def epoch(connection: AsyncConnection) -> int:
    """The restore epoch that minted numbers carry."""
    return int(await connection.scalar(_EPOCH) or 0)


@dataclass(slots=True)
class Known:
    """What is stored of one identity: the newest placement, and the last one of each revision."""

    newest: Stored
    by_revision: dict[int, Stored]


async def known(connection: AsyncConnection, table: str, identities: Sequence[Identity]) -> dict[Identity, Known]:
    """The stored placements of these identities in ``placements`` or ``context_placements``."""
    rows = await connection.execute(
        _STORED[table], {"kommuner": [k for k, _ in identities], "ids": [i for _, i in identities]}
    )
    found: dict[Identity, Known] = {}
    for r in rows:  # in the order of placements
        remember(found, (r.kommun, r.id), Stored(r.placement, r.revision, r.event))
    return found


def remember(found: dict[Identity, Known], identity: Identity, stored: Stored) -> None:
    """Add a placement that is newer than those known."""
    entry = found.setdefault(identity, Known(stored, {}))
    entry.newest = stored
    entry.by_revision[stored.revision] = stored


def _columns(rows: Sequence[New]) -> dict[str, Any]:
    return {
        "kommuner": [r.kommun for r in rows],
        "ids": [r.ident for r in rows],
        "placements": [r.placement for r in rows],
        "revisions": [r.revision for r in rows],
        "events": [r.event for r in rows],
        "placed": [r.placed_at for r in rows],
    }


async def add_reports(connection: AsyncConnection, rows: Sequence[New]) -> None:
    """Keep report placements before they are published."""
    if rows:
        extra = {"reasons": [r.reason for r in rows], "envelopes": [r.envelope_id for r in rows]}
        await connection.execute(_ADD_REPORTS, _columns(rows) | extra)


async def add_context(connection: AsyncConnection, rows: Sequence[New]) -> None:
    """Keep context placements before they are published."""
    if rows:
        await connection.execute(_ADD_CONTEXT, _columns(rows))


async def one(connection: AsyncConnection, kommun: str, report: UUID) -> Row[Any] | None:
    """The newest placement of one report."""
    return (await connection.execute(_ONE, {"kommun": kommun, "report": report})).first()


async def unplaced(connection: AsyncConnection, kommun: str) -> dict[str, int]:
    """Reason → reports whose newest placement has no area."""
    return {r.reason: r.reports for r in await connection.execute(_UNPLACED, {"kommun": kommun})}
