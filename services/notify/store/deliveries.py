"""SQL of the ledger: every message to one receiver about one alert, its attempts, and what came of it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import message_id
from services.notify.store.queue import MANY

_ADD = text("""
    insert into deliveries (kommun, delivery_id, receiver, person_id, alert_id, subject_id, kind, rule, rules, urgent,
        repeat_hours, state, reason, error, correlation_id, message_id, deadline)
    select :kommun, d, w, p, a, s, k, r, string_to_array(rs, ' '), u, rh, st, why, err, c, m, dl
    from unnest(cast(:ids as uuid[]), cast(:receivers as text[]), cast(:people as uuid[]), cast(:alerts as uuid[]),
                cast(:subjects as uuid[]), cast(:kinds as text[]), cast(:rules as text[]), cast(:all_rules as text[]),
                cast(:urgent as boolean[]), cast(:repeats as int[]), cast(:states as text[]),
                cast(:reasons as text[]), cast(:errors as text[]), cast(:correlations as text[]),
                cast(:messages as text[]), cast(:deadlines as timestamptz[]))
        as t(d, w, p, a, s, k, r, rs, u, rh, st, why, err, c, m, dl)
    order by a, p
    on conflict (kommun, alert_id, person_id) where state = 'due' do update
    set urgent = deliveries.urgent or excluded.urgent, deadline = greatest(deliveries.deadline, excluded.deadline),
        repeat_hours = least(deliveries.repeat_hours, excluded.repeat_hours),
        reason = case when excluded.reason = 'rule' then 'rule' else deliveries.reason end,
        rule = case when excluded.reason = 'rule' then excluded.rule else deliveries.rule end,
        rules = case when excluded.reason = 'rule' then excluded.rules else deliveries.rules end
    returning delivery_id, alert_id, person_id""")
_COUNTED = text("analyze (skip_locked) deliveries")
_TOLD = text("""
    select alert_id, person_id, max(sent_at) as at from deliveries
    where kommun = :kommun and alert_id = any(cast(:alerts as uuid[])) and sent_at is not null group by 1, 2""")
_WAITING = text("""
    select delivery_id, receiver, person_id, alert_id, subject_id, state, attempts, deadline, created_at, kind, rule,
        rules, urgent, message_id, correlation_id, tier, first_tried, repeat_hours, reason, refused
    from deliveries where kommun = :kommun and delivery_id = any(cast(:ids as uuid[])) and state in ('due', 'sending')
    order by alert_id, person_id for update""")
_START = text("""
    with begun as (
        update deliveries set state = 'sending', attempts = attempts + 1, message_id = :message, channel = :channel,
            first_tried = coalesce(first_tried, now())
        where kommun = :kommun and delivery_id = any(cast(:ids as uuid[])) returning delivery_id, attempts)
    insert into attempts (kommun, delivery_id, number, channel, outcome)
    select :kommun, delivery_id, attempts, :channel, 'begun' from begun returning number""")
_OUTCOME = text("""
    update attempts a set outcome = :outcome, error = :error
    from deliveries d where a.kommun = :kommun and a.delivery_id = any(cast(:ids as uuid[])) and d.kommun = a.kommun
        and d.delivery_id = a.delivery_id and a.number = d.attempts""")
_FINISH = text("""
    update deliveries set state = :state, error = :error
    where kommun = :kommun and delivery_id = any(cast(:ids as uuid[]))""")
_AGAIN = text("""
    update deliveries d set tier = :tier, error = :error,
        refused = case when cast(:refused as text) is null then refused else array_append(refused, :refused) end,
        state = case when :state = 'due' and exists (
        select 1 from deliveries o where o.kommun = d.kommun and o.alert_id = d.alert_id and o.person_id = d.person_id
            and o.state = 'due' and o.delivery_id <> d.delivery_id) then 'held' else :state end
    where kommun = :kommun and delivery_id = any(cast(:ids as uuid[])) and state in ('due', 'sending')
    returning delivery_id, state""")
_ARRIVING = text("""
    with closed as (
        update deliveries set state = 'sent', error = null, said = cast(:said as jsonb), sent_at = now()
        where kommun = :kommun and delivery_id = any(cast(:ids as uuid[]))),
    tried as (
        update attempts a set outcome = 'sent', provider_id = :provider_id,
            cost = case when a.delivery_id = :lead then cast(:cost as int) end
        where a.kommun = :kommun and a.delivery_id = any(cast(:ids as uuid[])) and a.number = (
            select d.attempts from deliveries d where d.kommun = a.kommun and d.delivery_id = a.delivery_id))
    delete from due where id = any(cast(:ids as uuid[]))""")
_SENT = text("""
    select max(sent_at) as at from deliveries
    where kommun = :kommun and person_id = :person and sent_at > now() - interval '1 hour' group by message_id""")
_LINE = text("select pg_advisory_xact_lock(hashtext('told'), hashtext(:kommun || :person))")
_SENT_OR_LEAVING = text("""
    select max(coalesce(sent_at, now())) as at from deliveries d
    where kommun = :kommun and person_id = :person and delivery_id <> all(cast(:ids as uuid[]))
        and (sent_at > now() - interval '1 hour' or state = 'sending' and exists (
            select 1 from due q where q.id = d.delivery_id and q.leased_until > now())) group by message_id""")
_PUT_OFF = text("""
    update deliveries set first_tried = case when cast(:deadline as timestamptz) is null
            then coalesce(first_tried, now()) else first_tried end,
        deadline = greatest(deadline, cast(:deadline as timestamptz))
    where kommun = :kommun and delivery_id = any(cast(:ids as uuid[]))""")
_ALONE = text("""
    select d.delivery_id from deliveries d
    where d.kommun = :kommun and d.delivery_id = any(cast(:ids as uuid[])) and not exists (
        select 1 from deliveries o where o.kommun = d.kommun and o.alert_id = d.alert_id
            and o.person_id <> d.person_id and o.state in ('due', 'sending', 'sent', 'delivered'))""")
_CODES = text("""
    select count(*) filter (where person_id = :person) as own, count(*) as every from deliveries
    where kommun = :kommun and kind = 'code' and created_at > now() - interval '1 day'""")
_WITHDRAW = text("""
    update deliveries set state = 'held', error = 'withdrawn'
    where kommun = :kommun and alert_id = any(cast(:alerts as uuid[])) and state = 'due'""")
_INHERIT = text("""
    update deliveries o set urgent = o.urgent or d.urgent, reason = d.reason,
        tier = greatest(o.tier, d.tier + cardinality(d.refused) + (d.state = 'sent')::int),
        repeat_hours = coalesce(o.repeat_hours, d.repeat_hours)
    from deliveries d
    where d.kommun = :kommun and d.delivery_id = any(cast(:ids as uuid[])) and o.kommun = d.kommun
        and o.alert_id = d.alert_id and o.person_id = d.person_id and o.state = 'due' and o.delivery_id <> d.delivery_id
    returning o.delivery_id, o.person_id, o.urgent""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One message to be entered in the ledger."""

    delivery_id: UUID
    receiver: str
    receiver_id: UUID
    alert_id: UUID
    subject_id: UUID
    kind: str
    rule: str
    rules: tuple[str, ...]
    urgent: bool
    repeat_hours: int | None
    correlation_id: str
    deadline: datetime
    state: str = "due"
    reason: str = "rule"
    error: str | None = None


async def add(connection: AsyncConnection, kommun: str, entries: Sequence[Entry]) -> dict[tuple[UUID, UUID], UUID]:
    """Enter these; where the receiver waits to hear of the alert already, that entry serves.

    (alert, receiver) → the entry that stands for it.
    """
    if not entries:
        return {}
    rows = await connection.execute(
        _ADD,
        {
            "kommun": kommun,
            "ids": [e.delivery_id for e in entries],
            "receivers": [e.receiver for e in entries],
            "people": [e.receiver_id for e in entries],
            "alerts": [e.alert_id for e in entries],
            "subjects": [e.subject_id for e in entries],
            "kinds": [e.kind for e in entries],
            "rules": [e.rule for e in entries],
            "all_rules": [" ".join(e.rules) for e in entries],
            "urgent": [e.urgent for e in entries],
            "repeats": [e.repeat_hours for e in entries],
            "states": [e.state for e in entries],
            "reasons": [e.reason for e in entries],
            "errors": [e.error for e in entries],
            "correlations": [e.correlation_id for e in entries],
            "messages": [message_id(e.delivery_id) for e in entries],
            "deadlines": [e.deadline for e in entries],
        },
    )
    standing = {(r.alert_id, r.person_id): r.delivery_id for r in rows}
    if len(entries) >= MANY:
        await connection.execute(_COUNTED)
    return standing


async def told(connection: AsyncConnection, kommun: str, alerts: Collection[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """(alert, receiver) → when they last heard of it."""
    rows = await connection.execute(_TOLD, {"kommun": kommun, "alerts": sorted(alerts)})
    return {(r.alert_id, r.person_id): r.at for r in rows}


async def waiting(connection: AsyncConnection, kommun: str, ids: Sequence[UUID]) -> list[Row[Any]]:
    """Those of these that are not settled, locked, in the given order."""
    order = {ident: place for place, ident in enumerate(ids)}
    rows = list(await connection.execute(_WAITING, {"kommun": kommun, "ids": list(ids)}))
    return sorted(rows, key=lambda r: order[r.delivery_id])


async def start(connection: AsyncConnection, kommun: str, ids: Sequence[UUID], message: str, channel: str) -> int:
    """Record an attempt before anything leaves; returns the most attempts that any of them has had."""
    values = {"kommun": kommun, "ids": list(ids), "message": message, "channel": channel}
    return max(int(r.number) for r in await connection.execute(_START, values))


async def outcome(
    connection: AsyncConnection,
    kommun: str,
    ids: Sequence[UUID],
    *,
    outcome: str,
    error: str,
) -> None:
    """What came of the attempt that was begun last, when it was not taken (``sent`` otherwise)."""
    await connection.execute(_OUTCOME, {"kommun": kommun, "ids": list(ids), "outcome": outcome, "error": error})


async def finish(
    connection: AsyncConnection,
    kommun: str,
    ids: Sequence[UUID],
    state: str,
    error: str,
) -> None:
    """Settle deliveries that are not sent: failed, expired or held, and why."""
    await connection.execute(_FINISH, {"kommun": kommun, "ids": list(ids), "state": state, "error": error})


async def sent(
    connection: AsyncConnection,
    kommun: str,
    ids: Sequence[UUID],
    *,
    said: dict[str, Any],
    provider_id: str | None,
    cost: int | None,
) -> None:
    """The other side has it: settled, and what waited is done, in one statement. The cost stands on the first."""
    values = {"kommun": kommun, "ids": list(ids), "lead": ids[0], "said": json.dumps(said)}
    await connection.execute(_ARRIVING, values | {"provider_id": provider_id, "cost": cost})


async def inherited(connection: AsyncConnection, kommun: str, ids: Collection[UUID]) -> list[Row[Any]]:
    """What waits in the stead of these, which were not taken or did not arrive, is their retry now.

    (delivery_id, person_id, urgent) of each: it begins with the next way. The last one has not refused it: there may
    be no other.
    """
    return list(await connection.execute(_INHERIT, {"kommun": kommun, "ids": sorted(ids)}))


async def again(
    connection: AsyncConnection,
    kommun: str,
    ids: Sequence[UUID],
    *,
    state: str,
    tier: int,
    error: str,
    refused: str | None = None,
) -> list[UUID]:
    """To be tried again, not by the way that has ``refused``. Returns those in whose stead a newer one waits."""
    values = {"kommun": kommun, "ids": list(ids), "state": state, "tier": tier, "error": error, "refused": refused}
    return [r.delivery_id for r in await connection.execute(_AGAIN, values) if r.state == "held"]


async def sent_within_the_hour(connection: AsyncConnection, kommun: str, receiver: UUID) -> list[datetime]:
    """When the receiver's messages of the last hour were sent."""
    return [r.at for r in await connection.execute(_SENT, {"kommun": kommun, "person": receiver})]


async def sent_or_leaving(
    connection: AsyncConnection, kommun: str, receiver: UUID, ids: Sequence[UUID]
) -> list[datetime]:
    """The same with what other senders have in hand beside these, who look one after the other until each has begun."""
    await connection.execute(_LINE, {"kommun": kommun, "person": str(receiver)})
    values = {"kommun": kommun, "person": receiver, "ids": list(ids)}
    return [r.at for r in await connection.execute(_SENT_OR_LEAVING, values)]


async def put_off(
    connection: AsyncConnection, kommun: str, ids: Sequence[UUID], deadline: datetime | None = None
) -> None:
    """Waits on purpose: the time in which a way is tried begins, and a silence does not make it too late."""
    await connection.execute(_PUT_OFF, {"kommun": kommun, "ids": list(ids), "deadline": deadline})


async def told_to_nobody_else(connection: AsyncConnection, kommun: str, ids: Collection[UUID]) -> set[UUID]:
    """Those of these about whose alert no other receiver has heard or waits to hear."""
    rows = await connection.execute(_ALONE, {"kommun": kommun, "ids": sorted(ids)})
    return {r.delivery_id for r in rows}


async def codes_today(connection: AsyncConnection, kommun: str, person: UUID) -> tuple[int, int]:
    """How many codes were sent in a day: to this person, and in the municipality."""
    row = (await connection.execute(_CODES, {"kommun": kommun, "person": person})).one()
    return row.own, row.every


async def withdraw(connection: AsyncConnection, kommun: str, alerts: Sequence[UUID]) -> None:
    """What waits to be said of these alerts is not said."""
    await connection.execute(_WITHDRAW, {"kommun": kommun, "alerts": list(alerts)})
