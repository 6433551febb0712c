"""Who has read what: every read of single reports and people, every export, in each room; insert-only and hash-chained.

A read is noted before anything is handed out, in a transaction of its own: no note, no read. Each municipality has its
own chain in each room: an entry's hash covers the one before, and the head, kept apart, says how long the chain is, so
that an entry that was changed, taken out or cut off at the end is found. The reader is a digest of an opaque id, which
leads nowhere once the person is erased; what was read is named by ids, never by content.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime import metrics
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.logs import logger
from services.runtime.problems import not_allowed
from services.runtime.publisher import Publisher
from services.runtime.tokens import Principal, subject_digest

READERS = ("registrator", "administrator")
"""Who may see the log itself: the data protection officer's people."""
LONGEST_OBJECT = 200
PAGE = 2_000
"""Entries walked at a time; a chain that is no longer is walked at once when somebody looks."""
CHECK_SECONDS = 6 * 3600.0
_OPEN = text("insert into read_log_heads (kommun, number, hash) values (:kommun, 0, '') on conflict do nothing")
_HEAD = text("select number, hash from read_log_heads where kommun = :kommun for update")
_MOVE = text("update read_log_heads set number = :number, hash = :hash where kommun = :kommun")
_ADD = text("""
    insert into read_log (kommun, number, at, reader, kind, roles, what, object, purpose, hash)
    values (:kommun, :number, :at, :reader, :kind, :roles, :what, :object, :purpose, :hash)""")
_AFTER = text("""
    select number, at, reader, kind, roles, what, object, purpose, hash from read_log
    where kommun = :kommun and number > :after order by number limit :limit""")
_LATEST = text("""
    select number, at, reader, kind, roles, what, object, purpose, hash from read_log
    where kommun = :kommun and (cast(:reader as text) is null or reader = :reader)
        and (cast(:before as timestamptz) is null or at < :before)
    order by number desc limit :limit""")
_HEADS = text("select kommun, number, hash from read_log_heads order by kommun")
_SAID = text("select number, checked_at, broken_at from read_log_heads where kommun = :kommun")
_CHECKED = text("update read_log_heads set checked_at = now(), broken_at = :at where kommun = :kommun")
_log = logger(__name__)
router = APIRouter(prefix="/v1", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One read. ``what`` is the kind of thing, ``object`` its id or the address that was asked for."""

    number: int
    at: datetime
    reader: str
    kind: str
    roles: tuple[str, ...]
    what: str
    object: str
    purpose: str

    def hash(self, before: str) -> str:
        """SHA-256 over the entry before and everything that this one says, in hexadecimal digits."""
        said = [before, *({**asdict(self), "at": self.at.astimezone(UTC).isoformat()}).values()]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


async def note(database: Database, principal: Principal, what: str, object_: str, purpose: str) -> None:
    """Note a read, before it happens."""
    await note_each(database, principal, what, [object_], purpose)


async def note_each(database: Database, principal: Principal, what: str, objects: Sequence[str], purpose: str) -> None:
    """Note the read of each of these, before it happens: whoever asks for many leaves no less behind."""
    kommun = principal.kommun
    async with database.transaction((kommun,)) as connection:
        await connection.execute(_OPEN, {"kommun": kommun})
        head = (await connection.execute(_HEAD, {"kommun": kommun})).one()
        number, before, rows = head.number, head.hash, []
        for object_ in objects:
            number += 1
            entry = Entry(
                number,
                datetime.now(UTC),
                subject_digest(kommun, principal.subject),
                principal.kind,
                tuple(sorted(principal.roles | principal.scopes)),
                what,
                object_[:LONGEST_OBJECT],
                purpose,
            )
            before = entry.hash(before)
            rows.append({**asdict(entry), "kommun": kommun, "roles": list(entry.roles), "hash": before})
        if rows:
            await connection.execute(_ADD, rows)
            await connection.execute(_MOVE, {"kommun": kommun, "number": number, "hash": before})


def _entry(row: Any) -> Entry:
    return Entry(row.number, row.at, row.reader, row.kind, tuple(row.roles), row.what, row.object, row.purpose)


async def broken_at(database: Database, kommun: str) -> int | None:
    """The number of the first entry that is not what it was; None for a whole chain. Read in pages."""
    async with database.transaction((kommun,), snapshot=True) as connection:
        heads = {row.kommun: row for row in await connection.execute(_HEADS)}
        if kommun not in heads:
            return None
        return await _walk(connection, kommun, heads[kommun].number, heads[kommun].hash)


async def _walk(connection: AsyncConnection, kommun: str, length: int, head: str) -> int | None:
    number, before = 0, ""
    while number < length:
        rows = list(await connection.execute(_AFTER, {"kommun": kommun, "after": number, "limit": PAGE}))
        if not rows:
            return number + 1
        for row in rows:
            number += 1
            if number > length:  # more than the head knows of
                return number
            before = _entry(row).hash(before)
            if row.number != number or row.hash != before:
                return number
    return None if before == head else number


async def watch(database: Database) -> None:
    """Until cancelled: walk every chain again and again, and say so when one is broken. For ``work``."""
    while True:
        async with database.transaction() as connection:
            kommuner = [row.kommun for row in await connection.execute(_HEADS)]
        broken = 0
        for kommun in kommuner:
            at = await broken_at(database, kommun)
            async with database.transaction((kommun,)) as connection:
                await connection.execute(_CHECKED, {"kommun": kommun, "at": at})
            if at is not None:
                broken += 1
                _log.error("read log is broken", kommun=kommun, entry=at)
        metrics.READ_LOG_BROKEN.set(broken)
        await asyncio.sleep(CHECK_SECONDS)


def watching(database: Database) -> Callable[[Publisher], Awaitable[None]]:
    """The watch as a standing job."""

    async def run(_publisher: Publisher) -> None:
        await watch(database)

    return run


@router.get("/reads")
async def reads(
    request: Request,
    principal: Caller,
    reader: Annotated[str | None, Query(pattern=r"^[0-9a-f]{24}$")] = None,
    before: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """The latest entries of the caller's municipality in this room, newest first. Looking is a read too."""
    if not principal.may(*READERS):
        raise not_allowed(" or ".join(READERS))
    database: Database = request.app.state.database
    await note(database, principal, "read_log", request.url.path, "oversight")
    values = {"kommun": principal.kommun, "reader": reader, "before": before, "limit": limit}
    async with database.transaction((principal.kommun,)) as connection:
        entries = [_entry(row) for row in await connection.execute(_LATEST, values)]
        said = (await connection.execute(_SAID, {"kommun": principal.kommun})).one()
    at = said.broken_at
    if at is None and said.number <= PAGE:  # short enough to walk while somebody waits; else as the watch last found it
        at = await broken_at(database, principal.kommun)
    return {"entries": [asdict(e) for e in entries], "broken_at": at, "checked_at": said.checked_at}
