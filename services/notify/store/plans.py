"""SQL of a municipality's routing, revision by revision, and of the places outside to which messages go."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.plan import DEFAULT, Plan

_NEWEST = text("select revision, document from plans where kommun = :kommun order by revision desc limit 1")
_VERSIONS = text("select kommun, version from rule_versions where kommun = any(cast(:kommuner as text[]))")
_SAVE = text("""
    insert into plans (kommun, revision, document) values (:kommun, :revision, cast(:document as jsonb))
    on conflict do nothing returning revision""")
_PLACES = text("""
    select d.destination_id, d.kind, d.label, d.sealed, d.active, h.proven_at, h.failed_at, h.error
    from destinations d left join channel_health h
        on h.kommun = d.kommun and h.channel = d.destination_id::text
    where d.kommun = :kommun order by d.label""")
_PLACE = text("""
    select destination_id, kind, label, sealed, active from destinations
    where kommun = :kommun and destination_id = :id""")
_ADD_PLACE = text("""
    insert into destinations (kommun, destination_id, kind, label, sealed)
    values (:kommun, :id, :kind, :label, :sealed)""")
_END_PLACE = text("""
    update destinations set active = false, sealed = '' where kommun = :kommun and destination_id = :id and active
    returning destination_id""")
_PROVEN = text("""
    insert into channel_health (kommun, channel, proven_at) values (:kommun, :channel, :now)
    on conflict (kommun, channel) do update set proven_at = excluded.proven_at, error = null""")
_TROUBLED = text("""
    insert into channel_health (kommun, channel, failed_at, error) values (:kommun, :channel, :now, :error)
    on conflict (kommun, channel) do update set failed_at = excluded.failed_at, error = excluded.error,
        proven_at = case when :disproved then null else channel_health.proven_at end""")
_HEALTH = text("select channel, proven_at, failed_at, error from channel_health where kommun = :kommun")


@dataclass(frozen=True, slots=True)
class Health:
    """When a channel last carried a message, and what was wrong when it last did not."""

    proven_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None


async def versions(connection: AsyncConnection, kommuner: Collection[str]) -> dict[str, UUID]:
    """Municipality → the version of its rules and subscriptions; another one after every change of either."""
    rows = await connection.execute(_VERSIONS, {"kommuner": sorted(kommuner)})
    return {r.kommun: r.version for r in rows}


async def plan(connection: AsyncConnection, kommun: str) -> tuple[int, Plan]:
    """(revision, plan) that is in force; revision 0 is the default.

    Fields that a newer release wrote are passed over: going back to this one must not silence a municipality.
    """
    row = (await connection.execute(_NEWEST, {"kommun": kommun})).first()
    return (0, DEFAULT) if row is None else (row.revision, Plan.model_validate(row.document, extra="ignore"))


async def save(connection: AsyncConnection, kommun: str, revision: int, new: Plan) -> bool:
    """Keep the plan that follows ``revision``; False when somebody else has saved one meanwhile."""
    document = json.dumps(new.model_dump(mode="json", exclude_none=True))
    values = {"kommun": kommun, "revision": revision + 1, "document": document}
    current, _ = await plan(connection, kommun)
    return current == revision and (await connection.execute(_SAVE, values)).first() is not None


async def places(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """Every place outside with its health, also those that have been ended."""
    return list(await connection.execute(_PLACES, {"kommun": kommun}))


async def place(connection: AsyncConnection, kommun: str, ident: UUID) -> Row[Any] | None:
    """One place outside."""
    return (await connection.execute(_PLACE, {"kommun": kommun, "id": ident})).first()


async def add_place(
    connection: AsyncConnection, kommun: str, ident: UUID, *, kind: str, label: str, sealed: str
) -> None:
    """Keep a place outside; its address is sealed."""
    values = {"kommun": kommun, "id": ident, "kind": kind, "label": label, "sealed": sealed}
    await connection.execute(_ADD_PLACE, values)


async def end_place(connection: AsyncConnection, kommun: str, ident: UUID) -> bool:
    """Nothing goes there any more, and its address is forgotten; False when there is no such place."""
    return (await connection.execute(_END_PLACE, {"kommun": kommun, "id": ident})).first() is not None


async def proven(connection: AsyncConnection, kommun: str, channel: str, now: datetime) -> None:
    """A message went through."""
    await connection.execute(_PROVEN, {"kommun": kommun, "channel": channel, "now": now})


async def troubled(
    connection: AsyncConnection, kommun: str, channel: str, error: str, now: datetime, *, disproved: bool = False
) -> None:
    """A message did not go through; ``disproved``: nor did what had proved the channel."""
    values = {"kommun": kommun, "channel": channel, "error": error[:200], "now": now, "disproved": disproved}
    await connection.execute(_TROUBLED, values)


async def health(connection: AsyncConnection, kommun: str) -> dict[str, Health]:
    """Channel → its health."""
    rows = await connection.execute(_HEALTH, {"kommun": kommun})
    return {r.channel: Health(r.proven_at, r.failed_at, r.error) for r in rows}
