"""SQL for reading reports, and for the municipality's own types; what is handed in is stored by ``submissions``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.reports import ReportReceived


@dataclass(frozen=True, slots=True)
class Own:
    """One of a sender's own reports. ``taken_back``: after a restore, without its text; ``named``: can be withdrawn."""

    event: ReportReceived
    received_at: datetime
    named: bool
    taken_back: bool


_EPOCH = text("select epoch from epoch")
_BY_ID = text("""
    select report_id, client_id, sender_id, version_kind, source_version, revision, content, event, received_at,
           taken_back, coalesce(c.kind = 'person', false) as by_person
    from reports left join clients c using (kommun, client_id)
    where kommun = :kommun and report_id = :report""")
_MINE = text("""
    select event, received_at, sender_id, taken_back from reports
    where kommun = :kommun and client_id = :client order by received_at desc, report_id limit :limit""")
_BY_PEOPLE = text("""
    select p.person_id, r.event->>'event_type' as event_type, count(*) as reports
    from reports r join people p on p.kommun = r.kommun and p.client_id = r.client_id
    where r.kommun = :kommun and p.active and r.merged_into is null
        and not coalesce((r.event->>'withdrawn')::boolean, false)
        and (r.event->>'time_from')::timestamptz >= :first and (r.event->>'time_from')::timestamptz < :end
        and r.received_at <= :known
    group by 1, 2 order by 1, 2""")
_TEXT = text("""
    select text from texts where kommun = :kommun and report_id = :report order by revision desc limit 1""")
_FORGET_TEXT = text("delete from texts where kommun = :kommun and report_id = :report")
_TYPES = text("select code, label, severity from event_types where kommun = :kommun order by code")
_ADD_TYPE = text("""
    insert into event_types (kommun, code, label, severity) values (:kommun, :code, :label, :severity)
    on conflict do nothing returning code""")
_PUT_TYPE = text("""
    insert into event_types (kommun, code, label, severity) values (:kommun, :code, :label, :severity)
    on conflict (kommun, code) do update set label = excluded.label, severity = excluded.severity""")


async def epoch(connection: AsyncConnection) -> int:
    """The restore epoch that minted numbers carry in their high bits."""
    return int(await connection.scalar(_EPOCH) or 0)


async def get(connection: AsyncConnection, kommun: str, report: UUID) -> Row[Any] | None:
    """The newest state of a report by its id."""
    return (await connection.execute(_BY_ID, {"kommun": kommun, "report": report})).first()


async def text_of(connection: AsyncConnection, kommun: str, report: UUID) -> str | None:
    """What the sender wrote, in the newest version that has a text; None when there is none (any more)."""
    found: str | None = await connection.scalar(_TEXT, {"kommun": kommun, "report": report})
    return found


async def forget_text(connection: AsyncConnection, kommun: str, report: UUID) -> None:
    """Delete what was written to a report."""
    await connection.execute(_FORGET_TEXT, {"kommun": kommun, "report": report})


async def mine(connection: AsyncConnection, kommun: str, client: UUID, limit: int) -> list[Own]:
    """A sender's own reports, newest first."""
    rows = await connection.execute(_MINE, {"kommun": kommun, "client": client, "limit": limit})
    return [
        Own(ReportReceived.model_validate(r.event), r.received_at, r.sender_id is not None, r.taken_back) for r in rows
    ]


async def by_people(
    connection: AsyncConnection, kommun: str, first: datetime, end: datetime, known: datetime
) -> dict[UUID, dict[str, int]]:
    """Active person → type → how many reports of theirs began in the span and were here by ``known``.

    Without withdrawn and merged ones.
    """
    found: dict[UUID, dict[str, int]] = {}
    for row in await connection.execute(_BY_PEOPLE, {"kommun": kommun, "first": first, "end": end, "known": known}):
        found.setdefault(row.person_id, {})[row.event_type] = row.reports
    return found


async def local_types(connection: AsyncConnection, kommun: str) -> dict[str, tuple[str, int]]:
    """The municipality's own types: code → (label, severity)."""
    return {r.code: (r.label, r.severity) for r in await connection.execute(_TYPES, {"kommun": kommun})}


async def add_type(connection: AsyncConnection, kommun: str, code: str, label: str, severity: int) -> bool:
    """Add a local type; False when somebody has taken the code."""
    values = {"kommun": kommun, "code": code, "label": label, "severity": severity}
    return (await connection.execute(_ADD_TYPE, values)).first() is not None


async def put_type(connection: AsyncConnection, kommun: str, code: str, label: str, severity: int) -> None:
    """Add or rename a local type; its code is never reused for something else."""
    values = {"kommun": kommun, "code": code, "label": label, "severity": severity}
    await connection.execute(_PUT_TYPE, values)
