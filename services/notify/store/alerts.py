"""SQL of alerts: what is going on that somebody was told about, who has taken it, who wants quiet about it."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import LASTING, OWN, Alert
from services.notify.domain.notices import TOLD_ONE_BY_ONE
from services.notify.domain.plan import To

_SELECT = """
    select alert_id, dedup_key, kind, subject_id, event, correlation_id, state, notices, severity,
        event_type, area, opened_at, last_at, closed_at, owner, taken_at, rule, then_to, step, answer_minutes,
        answer_by, urgent
    from alerts where kommun = :kommun"""
_OPEN_BY_KEY = text(_SELECT + " and closed_at is null and dedup_key = any(cast(:keys as text[])) for update")
_LISTED = """ and closed_at is {over} and kind = any(cast(:kinds as text[])) and (cast(:before as uuid) is null
        or ({of}, alert_id) < (select {of}, alert_id from alerts where kommun = :kommun and alert_id = :before))
    order by {by}, alert_id desc limit :most"""
_GRAVE = f"(urgent or coalesce(severity, 0) >= {TOLD_ONE_BY_ONE})"
"""As ``Alert.grave``."""
_OPEN = text(_SELECT + _LISTED.format(over="null", of=f"{_GRAVE}, last_at", by=f"{_GRAVE} desc, last_at desc"))
_CLOSED = text(_SELECT + _LISTED.format(over="not null", of="closed_at", by="closed_at desc"))
_ONE = text(_SELECT + " and alert_id = :id")
_LOCK = text(_SELECT + " and alert_id = :id for update")
_NEWEST_TOLD = text(
    f"""{_SELECT} and kind = :kind and not jsonb_exists(event, 'invitation') and exists (
        select 1 from deliveries d
        where d.kommun = alerts.kommun and d.alert_id = alerts.alert_id and d.sent_at is not null)
    order by opened_at desc limit 1"""  # noqa: S608 - a constant
)
_BY_START = text(_SELECT + " and left(alert_id::text, 8) = :start order by last_at desc limit 1")
_MANY = text(_SELECT + " and alert_id = any(cast(:ids as uuid[]))")
_OPEN_KINDS = text("""
    select distinct kind, area, event_type from alerts
    where kommun = :kommun and closed_at is null and kind = any(cast(:kinds as text[]))""")
_PUT = text("""
    insert into alerts (kommun, alert_id, dedup_key, kind, subject_id, event, correlation_id, state, notices,
        severity, event_type, area, last_at, closed_at, rule, then_to, answer_minutes, answer_by, urgent)
    values (:kommun, :alert_id, :dedup_key, :kind, :subject_id, cast(:event as jsonb), :correlation_id, :state,
        :notices, :severity, :event_type, :area, :last_at, :closed_at, :rule, cast(:then_to as jsonb),
        :answer_minutes, :answer_by, :urgent)
    on conflict (kommun, alert_id) do update set event = excluded.event, notices = excluded.notices,
        severity = excluded.severity, last_at = excluded.last_at, closed_at = excluded.closed_at,
        state = excluded.state, urgent = alerts.urgent or excluded.urgent,
        rule = case when alerts.answer_by <= coalesce(excluded.answer_by, 'infinity')
            then alerts.rule else excluded.rule end,
        then_to = case when alerts.answer_by <= coalesce(excluded.answer_by, 'infinity')
            then alerts.then_to else excluded.then_to end,
        answer_minutes = case when alerts.answer_by <= coalesce(excluded.answer_by, 'infinity')
            then alerts.answer_minutes else coalesce(excluded.answer_minutes, alerts.answer_minutes) end,
        answer_by = least(alerts.answer_by, excluded.answer_by),
        step = case when alerts.answer_by is null and excluded.answer_by is not null then 0 else alerts.step end""")
_TAKE = text("""
    update alerts set owner = :person, taken_at = :now, state = 'taken'
    where kommun = :kommun and alert_id = :id and closed_at is null
        and (owner is null or (:over and owner <> :person)) returning alert_id""")
_LET_GO = text("""
    update alerts set owner = null, taken_at = null, state = 'open', step = 0,
        answer_by = case when answer_minutes is null then null
            else cast(:now as timestamptz) + make_interval(mins => answer_minutes) end
    where kommun = :kommun and alert_id = :id and closed_at is null and owner = :person returning answer_by""")
_FORGET_WHAT = text("""
    update alerts set event_type = null, area = null,
        event = case when jsonb_exists(event, 'kinds') then event - 'kinds' || jsonb_build_object(
            'count', (select coalesce(sum(value::int), 0) from jsonb_each_text(event->'kinds'))) else event end
    where kommun = :kommun and kind = 'feedback' and alert_id in (
        select alert_id from deliveries where kommun = :kommun and delivery_id = any(cast(:ids as uuid[])))""")
_CLOSE_LOWERED = text("""
    update alerts a set closed_at = :now, state = 'over'
    from unnest(cast(:keys as text[]), cast(:revisions as bigint[])) as n(key, revision)
    where a.kommun = :kommun and a.dedup_key = n.key and a.closed_at is null
        and (a.event->'report'->>'revision')::bigint < n.revision returning a.alert_id""")
_CLOSE = text("""
    update alerts set closed_at = :now, state = 'over'
    where kommun = :kommun and alert_id = :id and closed_at is null returning alert_id""")
_CLOSE_REPORTS = text("""
    update alerts set closed_at = :now, state = 'over'
    where kommun = :kommun and closed_at is null and kind = 'report' and notices = 1
        and subject_id = any(cast(:reports as uuid[])) returning alert_id""")
_OPEN_KEYS = text("""
    select dedup_key from alerts
    where kommun = :kommun and closed_at is null and dedup_key = any(cast(:keys as text[]))""")
_ALONE = text("select pg_advisory_xact_lock(hashtext('voice'), hashtext(:kommun))")
_STEP = text("update alerts set step = :step, answer_by = :by where kommun = :kommun and alert_id = :id")
_SILENCE = text("""
    insert into silences (kommun, alert_id, person_id, until) values (:kommun, :id, :person, :until)
    on conflict (kommun, alert_id, person_id) do update set until = excluded.until""")
_SILENCES = text("""
    select alert_id, person_id, until from silences
    where kommun = :kommun and alert_id = any(cast(:ids as uuid[])) and until > :now""")
_ANSWER = text("""
    insert into answers (kommun, answer_id, alert_id, person_id, rule, useful, revision, answered_at)
    values (:kommun, gen_random_uuid(), :id, :person, :rule, :useful, :revision, :now)
    on conflict (kommun, alert_id, person_id) do update set useful = excluded.useful,
        revision = greatest(answers.revision + 1, excluded.revision), answered_at = excluded.answered_at
    returning answer_id, revision""")
_TOLD_OF = text("""
    select 1 from deliveries where kommun = :kommun and alert_id = :id and person_id = :person limit 1""")
_ANSWERED = text("select useful from answers where kommun = :kommun and alert_id = :id and person_id = :person")


def _alert(kommun: str, row: Row[Any]) -> Alert:
    values = row._asdict()
    values["then_to"] = tuple(To.model_validate(t) for t in values["then_to"])
    return Alert(kommun, **values)


async def open_by_key(connection: AsyncConnection, kommun: str, keys: Collection[str]) -> dict[str, Alert]:
    """Dedup key → the open alert, locked."""
    rows = await connection.execute(_OPEN_BY_KEY, {"kommun": kommun, "keys": sorted(keys)})
    return {r.dedup_key: _alert(kommun, r) for r in rows}


async def listed(
    connection: AsyncConnection, kommun: str, *, over: bool, most: int = 100, before: UUID | None = None
) -> list[Alert]:
    """The alerts that go on, the grave first, or those that are over; the latest first. Only what can be taken.

    ``before``: those that follow this one in the list.
    """
    values = {"kommun": kommun, "most": most, "kinds": list(LASTING), "before": before}
    rows = await connection.execute(_CLOSED if over else _OPEN, values)
    return [_alert(kommun, r) for r in rows]


async def readable(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID) -> Alert | None:
    """One alert, if this person may read it: what is somebody's own matter is theirs alone."""
    alert = await one(connection, kommun, ident)
    if alert is None or alert.kind not in OWN:
        return alert
    values = {"kommun": kommun, "id": ident, "person": person}
    return alert if (await connection.execute(_TOLD_OF, values)).first() is not None else None


async def one(connection: AsyncConnection, kommun: str, ident: UUID, *, lock: bool = False) -> Alert | None:
    """One alert, locked when it is to be changed."""
    row = (await connection.execute(_LOCK if lock else _ONE, {"kommun": kommun, "id": ident})).first()
    return None if row is None else _alert(kommun, row)


async def newest_told(connection: AsyncConnection, kommun: str, kind: str) -> Alert | None:
    """The latest alert of a kind that somebody was sent; an invitation is no agenda."""
    row = (await connection.execute(_NEWEST_TOLD, {"kommun": kommun, "kind": kind})).first()
    return None if row is None else _alert(kommun, row)


async def by_start(connection: AsyncConnection, kommun: str, start: str) -> Alert | None:
    """The alert whose id begins so: what a short address in an SMS names."""
    row = (await connection.execute(_BY_START, {"kommun": kommun, "start": start})).first()
    return None if row is None else _alert(kommun, row)


async def many(connection: AsyncConnection, kommun: str, ids: Collection[UUID]) -> dict[UUID, Alert]:
    """These alerts by id."""
    rows = await connection.execute(_MANY, {"kommun": kommun, "ids": sorted(ids)})
    return {r.alert_id: _alert(kommun, r) for r in rows}


async def open_kinds(
    connection: AsyncConnection, kommun: str, kinds: Collection[str]
) -> list[tuple[str, str | None, str | None]]:
    """(kind, area, type) of open alerts of these kinds."""
    rows = await connection.execute(_OPEN_KINDS, {"kommun": kommun, "kinds": sorted(kinds)})
    return [(r.kind, r.area, r.event_type) for r in rows]


async def put(connection: AsyncConnection, changed: Sequence[Alert]) -> None:
    """Store these as they now are; who has taken them stays as it is in the database."""
    for alert in changed:
        values = {
            name: getattr(alert, name)
            for name in Alert.__slots__
            if name not in {"owner", "taken_at", "step", "opened_at"}
        }
        values["event"] = json.dumps(alert.event)
        values["then_to"] = json.dumps([t.model_dump(mode="json", exclude_none=True) for t in alert.then_to])
        await connection.execute(_PUT, values)


async def take(
    connection: AsyncConnection, kommun: str, ident: UUID, person: UUID, now: datetime, *, over: bool = False
) -> bool:
    """Somebody takes an open alert; False when it is closed or somebody has it, unless it is taken over from them."""
    values = {"kommun": kommun, "id": ident, "person": person, "now": now, "over": over}
    return (await connection.execute(_TAKE, values)).first() is not None


async def let_go(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID, now: datetime) -> datetime | None:
    """Whoever has taken it lets it go; by when somebody else must answer then, where the rule says so."""
    values = {"kommun": kommun, "id": ident, "person": person, "now": now}
    by: datetime | None = (await connection.execute(_LET_GO, values)).scalar()
    return by


async def close_reports(
    connection: AsyncConnection, kommun: str, reports: Collection[UUID], now: datetime
) -> list[UUID]:
    """These reports are none any more: the alerts that are about one of them alone are over. Returns those."""
    values = {"kommun": kommun, "reports": sorted(reports), "now": now}
    rows = await connection.execute(_CLOSE_REPORTS, values)
    return [r.alert_id for r in rows]


async def close_lowered(
    connection: AsyncConnection, kommun: str, reports: Mapping[UUID, int], now: datetime
) -> list[UUID]:
    """Close the alerts about single reports that a later revision (report → revision) holds to be less grave."""
    values = {
        "kommun": kommun,
        "now": now,
        "keys": [f"report/{r}" for r in reports],
        "revisions": list(reports.values()),
    }
    return [r.alert_id for r in await connection.execute(_CLOSE_LOWERED, values)]


async def forget_what(connection: AsyncConnection, kommun: str, deliveries: Sequence[UUID]) -> None:
    """What a reporter was told of their own report is settled: type and place are not kept beside who it was."""
    await connection.execute(_FORGET_WHAT, {"kommun": kommun, "ids": list(deliveries)})


async def open_keys(connection: AsyncConnection, kommun: str, keys: Collection[str]) -> set[str]:
    """Which of these dedup keys have an open alert."""
    rows = await connection.execute(_OPEN_KEYS, {"kommun": kommun, "keys": sorted(keys)})
    return {r.dedup_key for r in rows}


async def alone(connection: AsyncConnection, kommun: str) -> None:
    """One at a time decides about a municipality's alerts, until the transaction ends."""
    await connection.execute(_ALONE, {"kommun": kommun})


async def close(connection: AsyncConnection, kommun: str, ident: UUID, now: datetime) -> bool:
    """The alert is over; False when it was."""
    return (await connection.execute(_CLOSE, {"kommun": kommun, "id": ident, "now": now})).first() is not None


async def step(connection: AsyncConnection, kommun: str, ident: UUID, number: int, by: datetime | None) -> None:
    """The next who are asked, and until when they have."""
    await connection.execute(_STEP, {"kommun": kommun, "id": ident, "step": number, "by": by})


async def silence(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID, until: datetime) -> None:
    """One person, or everybody (``NOBODY``), hears nothing more of this alert until then."""
    await connection.execute(_SILENCE, {"kommun": kommun, "id": ident, "person": person, "until": until})


async def silences(
    connection: AsyncConnection, kommun: str, ids: Collection[UUID], now: datetime
) -> dict[tuple[UUID, UUID], datetime]:
    """(alert, person) → until when it is quiet, of those that still hold."""
    rows = await connection.execute(_SILENCES, {"kommun": kommun, "ids": sorted(ids), "now": now})
    return {(r.alert_id, r.person_id): r.until for r in rows}


async def answer(
    connection: AsyncConnection, kommun: str, ident: UUID, person: UUID, rule: str, *, useful: bool, now: datetime
) -> tuple[UUID, int]:
    """Whether the alert was useful to this person; a second answer replaces the first. Returns (id, revision).

    Revisions are milliseconds of the clock: they grow, also over a restored database.
    """
    values = {"kommun": kommun, "id": ident, "person": person, "rule": rule, "useful": useful, "now": now}
    values["revision"] = int(now.timestamp() * 1000)
    row = (await connection.execute(_ANSWER, values)).one()
    return row.answer_id, row.revision


async def answered(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID) -> bool | None:
    """What this person has answered."""
    useful: bool | None = await connection.scalar(_ANSWERED, {"kommun": kommun, "id": ident, "person": person})
    return useful
