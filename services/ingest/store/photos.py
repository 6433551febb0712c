"""SQL of photos: which report has which, and what has been done with it. The pictures lie in the object store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo whose object is written, to be kept with its report. ``object``: its key in the object store."""

    photo_id: UUID
    object: str
    width: int
    height: int
    bytes: int


_ADD = text("""
    insert into photos (kommun, photo_id, report_id, client_id, object, width, height, bytes)
    values (:kommun, :id, :report, :client, :object, :width, :height, :bytes) on conflict do nothing""")
_OF_REPORTS = text("""
    select report_id, photo_id from photos
    where kommun = :kommun and report_id = any(:reports) and object is not null order by received_at""")
_ONE = """
    select p.photo_id, p.report_id, p.client_id, p.object, p.leaving, p.width, p.height, p.received_at,
        p.reviewed_at, p.covered, r.event, r.event->>'event_type' as event_type
    from photos p join reports r on r.kommun = p.kommun and r.report_id = p.report_id
    where p.kommun = :kommun"""
_BY_ID = text(f"{_ONE} and p.photo_id = :id")
_LOCKED = text(f"{_ONE} and p.photo_id = :id for update of p")
_WAITING = text(f"{_ONE} and p.object is not null and p.reviewed_at is null order by p.received_at limit :limit")
_SEEN = text(f"{_ONE} and p.object is not null and p.reviewed_at is not null order by p.reviewed_at desc limit :limit")
_REVIEWED = text("""
    update photos set reviewed_at = now(), covered = covered or :covered, bytes = :bytes, object = :object,
        leaving = case when object <> :object then object end
    where kommun = :kommun and photo_id = :id""")
_GONE = text("""
    update photos set leaving = object, object = null, reviewed_at = coalesce(reviewed_at, now())
    where kommun = :kommun and photo_id = :id and object is not null""")
_EMPTIED = text("update photos set leaving = null where kommun = :kommun and photo_id = :id and leaving = :object")
_TO_EMPTY = text("select photo_id, leaving from photos where kommun = :kommun and leaving is not null")
_TAKE_AWAY = text("""
    with old as (
        select photo_id, object, leaving from photos
        where kommun = :kommun and report_id = any(:reports) and object is not null for update)
    update photos p set leaving = old.object, object = null, reviewed_at = coalesce(p.reviewed_at, now()) from old
    where p.kommun = :kommun and p.photo_id = old.photo_id returning old.object, old.leaving as original""")
_OBJECTS = text("select object from photos where kommun = :kommun and object is not null")
_KOMMUNER = text("select kommun from municipalities order by kommun")
_WITHDRAWN = text("""
    select p.photo_id, p.object from photos p
    join reports r on r.kommun = p.kommun and r.report_id = p.report_id
    where p.kommun = :kommun and p.object is not null and p.leaving is null
      and (r.event->>'withdrawn')::boolean""")
"""One whose original is not emptied yet waits: a row has room for one key."""


async def add(connection: AsyncConnection, kommun: str, report: UUID, client: UUID, photo: NewPhoto) -> None:
    """Keep a photo with its report; once."""
    values = {"kommun": kommun, "id": photo.photo_id, "report": report, "client": client, "object": photo.object}
    await connection.execute(_ADD, values | {"width": photo.width, "height": photo.height, "bytes": photo.bytes})


async def of_reports(connection: AsyncConnection, kommun: str, reports: Iterable[UUID]) -> dict[UUID, UUID]:
    """Report → its photo, for those that have one."""
    rows = await connection.execute(_OF_REPORTS, {"kommun": kommun, "reports": list(reports)})
    return {row.report_id: row.photo_id for row in rows}


async def one(connection: AsyncConnection, kommun: str, ident: UUID, *, lock: bool = False) -> Row[Any] | None:
    """A photo with its report; ``lock``: until the transaction ends."""
    return (await connection.execute(_LOCKED if lock else _BY_ID, {"kommun": kommun, "id": ident})).first()


async def waiting(connection: AsyncConnection, kommun: str, limit: int) -> list[Row[Any]]:
    """Photos that nobody has looked at, the oldest first."""
    return list(await connection.execute(_WAITING, {"kommun": kommun, "limit": limit}))


async def seen(connection: AsyncConnection, kommun: str, limit: int) -> list[Row[Any]]:
    """Photos that somebody has looked at, the latest first."""
    return list(await connection.execute(_SEEN, {"kommun": kommun, "limit": limit}))


async def reviewed(
    connection: AsyncConnection, kommun: str, ident: UUID, *, object_: str, size: int, covered: bool
) -> None:
    """Somebody has looked at it; ``object_`` is where it lies now."""
    values = {"kommun": kommun, "id": ident, "object": object_, "bytes": size, "covered": covered}
    await connection.execute(_REVIEWED, values)


async def gone(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """The picture is taken away; that there was one stays."""
    await connection.execute(_GONE, {"kommun": kommun, "id": ident})


async def to_empty(connection: AsyncConnection, kommun: str) -> list[tuple[UUID, str]]:
    """(photo, key) of objects that no photo has any longer and that were not emptied yet."""
    return [(row.photo_id, row.leaving) for row in await connection.execute(_TO_EMPTY, {"kommun": kommun})]


async def emptied(connection: AsyncConnection, kommun: str, ident: UUID, key: str) -> None:
    """An object that a photo has left is emptied."""
    await connection.execute(_EMPTIED, {"kommun": kommun, "id": ident, "object": key})


async def take_away(connection: AsyncConnection, kommun: str, reports: Iterable[UUID]) -> list[str]:
    """Take the pictures of these reports away: the keys of their objects, to be emptied after the commit."""
    rows = await connection.execute(_TAKE_AWAY, {"kommun": kommun, "reports": list(reports)})
    return [key for row in rows for key in (row.original, row.object) if key is not None]


async def objects(connection: AsyncConnection, kommun: str) -> set[str]:
    """The keys of every object that a photo of the municipality has."""
    return {row.object for row in await connection.execute(_OBJECTS, {"kommun": kommun})}


async def withdrawn(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """Photos of reports that were withdrawn."""
    return list(await connection.execute(_WITHDRAWN, {"kommun": kommun}))


async def kommuner(connection: AsyncConnection) -> list[str]:
    """Every municipality's code."""
    return [row.kommun for row in await connection.execute(_KOMMUNER)]
