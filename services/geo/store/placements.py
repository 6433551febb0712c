"""SQL of place: every placement as it was published, by identity."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_IDENT = {"placements": "report_id", "context_placements": "context_id"}
_EPOCH = text("select epoch from epoch")
_NEWEST = {
    table: text(f"""
        select distinct on (p.kommun, p.{ident}) p.kommun, p.{ident} as id, p.placement, p.revision from {table} p
        join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i) on p.kommun = w.k and p.{ident} = w.i
        order by p.kommun, p.{ident}, p.placement desc""")  # noqa: S608 - names are the constants above
    for table, ident in _IDENT.items()
}
_AGAIN = {
    table: text(f"""
        select p.kommun, p.{ident} as id, p.placement, p.revision, p.placed_at, p.event from {table} p
        join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i) on p.kommun = w.k and p.{ident} = w.i
        order by p.kommun, p.{ident}, p.placement""")  # noqa: S608 - as above
    for table, ident in _IDENT.items()
}
_COLUMNS = """
    unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:placements as bigint[]),
           cast(:revisions as bigint[]), cast(:events as text[]), cast(:placed as timestamptz[])"""
_ADD = {
    "placements": text(f"""
        insert into placements (kommun, report_id, placement, revision, event, placed_at, reason, envelope_id, review,
                                e, n, cell, occurred, event_type)
        select * from {_COLUMNS}, cast(:reasons as text[]), cast(:envelopes as text[]), cast(:reviews as text[]),
            cast(:e as float8[]), cast(:n as float8[]), cast(:cells as bigint[]), cast(:occurred as timestamptz[]),
            cast(:types as text[]))"""),  # noqa: S608 - as above
    "context_placements": text(f"""
        insert into context_placements (kommun, context_id, placement, revision, event, placed_at)
        select * from {_COLUMNS})"""),  # noqa: S608 - as above
}
_ONE = text("""
    select event, placed_at from placements where kommun = :kommun and report_id = :report
    order by placement desc limit 1""")
_UNPLACED = text("""
    select reason, count(*) as reports from (
        select distinct on (report_id) reason from placements where kommun = :kommun
        order by report_id, placement desc) as newest
    where reason is not null group by reason order by reason""")

_NEWEST_EVENTS = text("""
    select distinct on (p.kommun, p.report_id) p.kommun, p.report_id as id, p.event from placements p
    join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i) on p.kommun = w.k and p.report_id = w.i
    order by p.kommun, p.report_id, p.placement desc""")
_FORGET_OLDER = text("""
    delete from placements p
    using unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:placements as bigint[])) as w(k, i, n)
    where p.kommun = w.k and p.report_id = w.i and p.placement < w.n""")

Identity = tuple[str, UUID]


class Newest(NamedTuple):
    """The numbers of the newest placement of something."""

    placement: int
    revision: int


class Stored(NamedTuple):
    """One placement, and the message that was published about it."""

    placement: int
    revision: int
    placed_at: datetime
    event: str


class Spot(NamedTuple):
    """What GIS clients filter a located report by: EPSG:3006 metres, H3 cell of resolution 7, time and type."""

    e: float
    n: float
    cell: int
    occurred: datetime
    event_type: str


NOWHERE = (None, None, None, None, None)


class New(NamedTuple):
    """A placement to keep before it is published."""

    identity: Identity
    stored: Stored
    reason: str | None
    envelope_id: str
    review: str | None = None
    """Why a person should look at it; None when nobody need."""
    spot: Spot | None = None
    """Where it is; None for what has no place, or counts no more."""


async def epoch(connection: AsyncConnection) -> int:
    """The restore epoch that minted numbers carry."""
    return int(await connection.scalar(_EPOCH) or 0)


def _named(identities: Sequence[Identity]) -> dict[str, Any]:
    return {"kommuner": [k for k, _ in identities], "ids": [i for _, i in identities]}


async def newest(connection: AsyncConnection, table: str, identities: Sequence[Identity]) -> dict[Identity, Newest]:
    """The newest placements of these identities in ``placements`` or ``context_placements``."""
    rows = await connection.execute(_NEWEST[table], _named(identities))
    return {(r.kommun, r.id): Newest(r.placement, r.revision) for r in rows}


async def again(
    connection: AsyncConnection, table: str, identities: Sequence[Identity]
) -> dict[Identity, dict[int, list[Stored]]]:
    """Revision → its placements in order, as they were or would have been published."""
    found: dict[Identity, dict[int, list[Stored]]] = {}
    if identities:
        for r in await connection.execute(_AGAIN[table], _named(identities)):  # in the order of placements
            stored = Stored(r.placement, r.revision, r.placed_at, r.event)
            found.setdefault((r.kommun, r.id), {}).setdefault(r.revision, []).append(stored)
    return found


async def add(connection: AsyncConnection, table: str, rows: Sequence[New]) -> None:
    """Keep placements before they are published."""
    if not rows:
        return
    values = _named([r.identity for r in rows]) | {
        "placements": [r.stored.placement for r in rows],
        "revisions": [r.stored.revision for r in rows],
        "events": [r.stored.event for r in rows],
        "placed": [r.stored.placed_at for r in rows],
    }
    if table == "placements":
        values |= {"reasons": [r.reason for r in rows], "envelopes": [r.envelope_id for r in rows]}
        values["reviews"] = [r.review for r in rows]
        spots = zip(*(r.spot or NOWHERE for r in rows), strict=True)
        values |= dict(zip(("e", "n", "cells", "occurred", "types"), map(list, spots), strict=True))
    await connection.execute(_ADD[table], values)


async def newest_events(connection: AsyncConnection, identities: Sequence[Identity]) -> dict[Identity, str]:
    """The newest stored messages about these reports."""
    rows = await connection.execute(_NEWEST_EVENTS, _named(identities))
    return {(r.kommun, r.id): r.event for r in rows}


async def forget_older(connection: AsyncConnection, newest: Sequence[tuple[Identity, int]]) -> None:
    """Delete the placements of these reports that are older than the number."""
    values = _named([identity for identity, _ in newest]) | {"placements": [number for _, number in newest]}
    await connection.execute(_FORGET_OLDER, values)


async def one(connection: AsyncConnection, kommun: str, report: UUID) -> Row[Any] | None:
    """The newest placement of one report."""
    return (await connection.execute(_ONE, {"kommun": kommun, "report": report})).first()


async def unplaced(connection: AsyncConnection, kommun: str) -> dict[str, int]:
    """Reason → reports whose newest placement has no area."""
    return {r.reason: r.reports for r in await connection.execute(_UNPLACED, {"kommun": kommun})}
