"""SQL of gallring: what a municipality decided, what is due by it, and the protocol of what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.reports import ReportReceived

NOBODY = UUID(int=0)
"""The client of a report that leads to nobody any longer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How many months a kind of data is kept, counted from when the report came in, and by which decision."""

    data_class: str
    months: int
    decision: str
    decided_on: date


_RULES = text("""
    select data_class, months, decision, decided_on from retention where kommun = :kommun order by data_class""")
_PUT = text("""
    insert into retention (kommun, data_class, months, decision, decided_on)
    values (:kommun, :data_class, :months, :decision, :decided_on)
    on conflict (kommun, data_class) do update set months = excluded.months, decision = excluded.decision,
        decided_on = excluded.decided_on""")
_END = text("delete from retention where kommun = :kommun and data_class = :data_class")
_NOTE = text("""
    insert into retention_protocol (kommun, at, data_class, months, decision, decided_on, received_before, reports)
    values (:kommun, :at, :data_class, :months, :decision, :decided_on, :before, :count)""")
_PROTOCOL = text("""
    select number, at, data_class, months, decision, decided_on, received_before, reports from retention_protocol
    where kommun = :kommun order by number desc limit :limit""")
_TEXTS = text("""
    delete from texts where kommun = :kommun and report_id in (
        select r.report_id from reports r where r.kommun = :kommun and r.received_at < :before
            and exists (select 1 from texts t where t.kommun = r.kommun and t.report_id = r.report_id)
        order by r.received_at limit :limit)
    returning report_id""")
_PHOTOS = text("""
    select distinct p.report_id from photos p join reports r on r.kommun = p.kommun and r.report_id = p.report_id
    where p.kommun = :kommun and r.received_at < :before and p.object is not null limit :limit""")
_PEOPLE = text("""
    select person_id, email from people p
    where kommun = :kommun and roles <@ array['rapportor'] and created_at < :before
        and exists (select 1 from appointments a where a.kommun = p.kommun and a.person_id = p.person_id)
        and not exists (select 1 from appointments a where a.kommun = p.kommun and a.person_id = p.person_id
            and (a.until is null or a.until >= :before))
    order by person_id limit :limit""")
_BEFORE = text("select cast(:now as timestamptz) - make_interval(months => cast(:months as int))")
_DUE = text("""
    with due as materialized (
        select report_id, client_id, sender_id, revision, event from reports
        where kommun = :kommun and received_at < :before
            and client_id is distinct from '00000000-0000-0000-0000-000000000000'
            and not ((event->>'ongoing')::boolean and event->>'event_type' like 'E%'
                     and not (event->>'withdrawn')::boolean and event->>'merged_into' is null)
        order by received_at limit :limit for update skip locked)
    select * from due where client_id is null
        or pg_try_advisory_xact_lock(hashtextextended(:kommun || '/' || client_id || '/' || sender_id, 4711))""")
"""The lock is the one that handing in takes: a correction under way is waited for by looking again later."""
_REPLACE = text("""
    update reports r set client_id = :nobody, sender_id = r.report_id::text, revision = n.revision,
        event = cast(n.event as jsonb), content = cast(n.content as jsonb)
    from unnest(cast(:reports as uuid[]), cast(:revisions as bigint[]), cast(:events as text[]),
                cast(:contents as text[])) as n(report_id, revision, event, content)
    where r.kommun = :kommun and r.report_id = n.report_id""")
_FORGET = (
    text("delete from revisions where kommun = :kommun and report_id = any(:reports)"),
    text("delete from texts where kommun = :kommun and report_id = any(:reports)"),
)
_FORGET_WHO = text("update photos set client_id = :nobody where kommun = :kommun and report_id = any(:reports)")
_FORGET_ANSWERS = text("""
    delete from submissions s using unnest(cast(:clients as uuid[]), cast(:ids as text[])) as w(client_id, sender_id)
    where s.kommun = :kommun and s.client_id = w.client_id and s.sender_id = w.sender_id""")
_REVISION = text("""
    insert into revisions (kommun, report_id, revision, event, minted_at)
    select :kommun, p, r, cast(e as jsonb), t
    from unnest(cast(:reports as uuid[]), cast(:revisions as bigint[]), cast(:events as text[]),
                cast(:minted as timestamptz[])) as n(p, r, e, t)""")


async def months_before(connection: AsyncConnection, now: datetime, months: int) -> datetime:
    """The same moment so many months before, by the calendar."""
    found: datetime = (await connection.execute(_BEFORE, {"now": now, "months": months})).scalar_one()
    return found


async def people_due(connection: AsyncConnection, kommun: str, before: datetime, limit: int) -> list[tuple[UUID, str]]:
    """(id, address) of people who only report, and whose last appointment ended before this moment."""
    rows = await connection.execute(_PEOPLE, {"kommun": kommun, "before": before, "limit": limit})
    return [(r.person_id, r.email) for r in rows]


async def rules(connection: AsyncConnection, kommun: str) -> list[Rule]:
    """What the municipality has decided."""
    return [Rule(*row) for row in await connection.execute(_RULES, {"kommun": kommun})]


async def put(connection: AsyncConnection, kommun: str, rule: Rule) -> None:
    """Keep a decision, in place of the one before it."""
    values = {"kommun": kommun, "data_class": rule.data_class, "months": rule.months}
    await connection.execute(_PUT, values | {"decision": rule.decision, "decided_on": rule.decided_on})


async def end(connection: AsyncConnection, kommun: str, data_class: str) -> None:
    """No decision any longer: nothing of this kind is deleted."""
    await connection.execute(_END, {"kommun": kommun, "data_class": data_class})


async def note(
    connection: AsyncConnection, kommun: str, rule: Rule, *, at: datetime, before: datetime, count: int
) -> None:
    """Write down what was done."""
    values = {"kommun": kommun, "data_class": rule.data_class, "months": rule.months, "decision": rule.decision}
    values |= {"decided_on": rule.decided_on, "at": at, "before": before, "count": count}
    await connection.execute(_NOTE, values)


async def protocol(connection: AsyncConnection, kommun: str, limit: int) -> list[Row[Any]]:
    """What was done, the latest first."""
    return list(await connection.execute(_PROTOCOL, {"kommun": kommun, "limit": limit}))


async def delete_texts(connection: AsyncConnection, kommun: str, before: datetime, limit: int) -> int:
    """Delete the texts of reports that came in before; of how many reports."""
    rows = await connection.execute(_TEXTS, {"kommun": kommun, "before": before, "limit": limit})
    return len({row.report_id for row in rows})


async def photos_due(connection: AsyncConnection, kommun: str, before: datetime, limit: int) -> list[UUID]:
    """Reports with a photo that came in before."""
    rows = await connection.execute(_PHOTOS, {"kommun": kommun, "before": before, "limit": limit})
    return [row.report_id for row in rows]


async def due(connection: AsyncConnection, kommun: str, before: datetime, limit: int) -> list[Row[Any]]:
    """Reports that came in before and lead to somebody still, locked; a state that goes on is none of them."""
    values = {"kommun": kommun, "before": before, "limit": limit}
    return list(await connection.execute(_DUE, values))


async def replace(
    connection: AsyncConnection,
    kommun: str,
    rows: Sequence[Row[Any]],
    events: Sequence[ReportReceived],
    contents: Sequence[str],
) -> None:
    """These revisions are all that is left of the reports: no sender, no earlier version, no text, no answer."""
    written = [event.model_dump_json() for event in events]
    values: Mapping[str, Any] = {
        "kommun": kommun,
        "nobody": NOBODY,
        "reports": [event.report_id for event in events],
        "revisions": [event.revision for event in events],
        "events": written,
        "contents": list(contents),
        "minted": [event.minted_at for event in events],
    }
    clients = {"clients": [row.client_id for row in rows], "ids": [row.sender_id for row in rows]}
    for statement in _FORGET:
        await connection.execute(statement, {"kommun": kommun, "reports": values["reports"]})
    await connection.execute(_FORGET_WHO, {"kommun": kommun, "nobody": NOBODY, "reports": values["reports"]})
    await connection.execute(_FORGET_ANSWERS, {"kommun": kommun} | clients)
    await connection.execute(_REPLACE, {k: v for k, v in values.items() if k != "minted"})
    await connection.execute(_REVISION, {k: v for k, v in values.items() if k not in {"nobody", "contents"}})
