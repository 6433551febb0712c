"""SQL for published items (polisen.se): the newest version, and every version with its text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER

_LOCK = text("select pg_advisory_xact_lock(4712)")
_KNOWN = text("""
    select context_id, source_version, revision, content_hash from context_items
    where kommun = :owner and context_id = any(cast(:ids as uuid[]))""")
_STORED = text("""
    select context_id, source_version, content_hash from context_revisions
    where kommun = :owner and context_id = any(cast(:ids as uuid[]))""")
_ADD = text("""
    insert into context_revisions (kommun, context_id, source_version, revision, content_hash, content, event)
    select :owner, i, s, r, h, cast(c as jsonb), cast(e as jsonb)
    from unnest(cast(:ids as uuid[]), cast(:seen as timestamptz[]), cast(:revisions as bigint[]),
                cast(:hashes as text[]), cast(:contents as text[]), cast(:events as text[])) as t(i, s, r, h, c, e)""")
_UPSERT = text("""
    insert into context_items (kommun, context_id, source_version, revision, content_hash)
    select :owner, i, s, r, h
    from unnest(cast(:ids as uuid[]), cast(:seen as timestamptz[]), cast(:revisions as bigint[]),
                cast(:hashes as text[])) as t(i, s, r, h)
    on conflict (kommun, context_id) do update set source_version = excluded.source_version,
        revision = excluded.revision, content_hash = excluded.content_hash""")


@dataclass(frozen=True, slots=True)
class Known:
    """The newest stored version of an item."""

    source_version: datetime
    revision: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class ContextVersion:
    """One version to store; ``revision`` and ``event`` are None for a version that came too late."""

    context_id: UUID
    source_version: datetime
    content_hash: str
    content: str
    revision: int | None
    event: str | None


async def lock(connection: AsyncConnection) -> None:
    """One import at a time: revisions are minted from what is known."""
    await connection.execute(_LOCK)


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Known]:
    """What is known of these items."""
    rows = await connection.execute(_KNOWN, {"owner": CONTEXT_OWNER, "ids": list(ids)})
    return {r.context_id: Known(r.source_version, r.revision, r.content_hash) for r in rows}


async def stored(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[tuple[UUID, datetime], str]:
    """(item, version) → content hash of every stored version of these items."""
    rows = await connection.execute(_STORED, {"owner": CONTEXT_OWNER, "ids": list(ids)})
    return {(r.context_id, r.source_version): r.content_hash for r in rows}


async def add(connection: AsyncConnection, versions: Sequence[ContextVersion]) -> None:
    """Store versions, and move the newest state to the last minted one of each item."""
    if not versions:
        return
    await connection.execute(
        _ADD,
        _columns(versions) | {"contents": [v.content for v in versions], "events": [v.event for v in versions]},
    )
    newest = {v.context_id: v for v in versions if v.revision is not None}
    if newest:
        await connection.execute(_UPSERT, _columns(list(newest.values())))


def _columns(versions: Sequence[ContextVersion]) -> dict[str, Any]:
    return {
        "owner": CONTEXT_OWNER,
        "ids": [v.context_id for v in versions],
        "seen": [v.source_version for v in versions],
        "revisions": [v.revision for v in versions],
        "hashes": [v.content_hash for v in versions],
    }
