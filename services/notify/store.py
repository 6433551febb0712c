"""SQL of the voice: subscriptions, the ledger, what is due, the copy of contact details."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain import Delivery, Subscription, message_id

_SUBSCRIPTIONS = text("""
    select kommun, subscription_id, person_id, layer, area, types, min_severity from subscriptions
    where active and kommun = any(cast(:kommuner as text[])) order by kommun, subscription_id""")
_OWN = text("""
    select kommun, subscription_id, person_id, layer, area, types, min_severity from subscriptions
    where active and kommun = :kommun and person_id = :person order by created_at""")
_ADD_SUBSCRIPTION = text("""
    insert into subscriptions (kommun, subscription_id, person_id, layer, area, types, min_severity)
    values (:kommun, :id, :person, :layer, :area, :types, :severity)""")
_END_SUBSCRIPTION = text("""
    update subscriptions set active = false
    where kommun = :kommun and subscription_id = :id and person_id = :person and active""")
_ADD_DELIVERIES = text("""
    with added as (
        insert into deliveries (kommun, delivery_id, subscription_id, person_id, report_id, state, reason, event,
                                correlation_id, message_id, deadline)
        select k, d, s, p, r, st, w, cast(e as jsonb), c, m, dl
        from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:subscriptions as uuid[]),
                    cast(:people as uuid[]), cast(:reports as uuid[]), cast(:states as text[]),
                    cast(:reasons as text[]), cast(:events as text[]), cast(:correlations as text[]),
                    cast(:messages as text[]), cast(:deadlines as timestamptz[]))
            as t(k, d, s, p, r, st, w, e, c, m, dl)
        on conflict do nothing
        returning kommun, delivery_id, state)
    insert into due (delivery_id, kommun, at) select delivery_id, kommun, now() from added where state = 'due'""")
_ANONYMISE = text("""
    update deliveries d set event = cast(n.e as jsonb)
    from unnest(cast(:kommuner as text[]), cast(:reports as uuid[]), cast(:events as text[])) as n(k, r, e)
    where d.kommun = n.k and d.report_id = n.r""")
_CLAIM = text("""
    update due set at = now() + make_interval(secs => :lease)
    where delivery_id = (select delivery_id from due where at <= now() order by at limit 1 for update skip locked)
    returning delivery_id, kommun""")
_START = text("""
    update deliveries set state = 'sending', attempts = attempts + 1
    where kommun = :kommun and delivery_id = :id and state in ('due', 'sending')
    returning person_id, report_id, event, attempts, message_id, deadline, subscription_id, correlation_id,
              case when deadline < now() then 'past_deadline'
                   when (event->'report'->>'received_at')::timestamptz <= (select max(at) from restored) then 'restored'
              end as too_late""")
_FINISH = text("""
    update deliveries set state = :state, error = :error, sent_at = case when :state = 'sent' then now() end
    where kommun = :kommun and delivery_id = :id""")
_DROP = text("delete from due where delivery_id = :id")
_LATER = text("update due set at = now() + make_interval(secs => :delay) where delivery_id = :id")
_CONTACT = text(
    "select email, fetched_at > now() - interval '5 minutes' as fresh from contacts"
    " where kommun = :kommun and person_id = :person and fetched_at > now() - interval '1 day'"
)
_KEEP_CONTACT = text("""
    insert into contacts (kommun, person_id, email) values (:kommun, :person, :email)
    on conflict (kommun, person_id) do update set email = excluded.email, fetched_at = now()""")
_ERASE = (
    text("delete from contacts where kommun = :kommun and person_id = :person"),
    text("delete from subscriptions where kommun = :kommun and person_id = :person"),
    text("""
        delete from due using deliveries d
        where d.kommun = :kommun and d.person_id = :person and due.delivery_id = d.delivery_id"""),
    text("""
        update deliveries set person_id = :nobody,
            state = case when state in ('due', 'sending') then 'failed' else state end,
            error = case when state in ('due', 'sending') then 'no_such_person' else error end
        where kommun = :kommun and person_id = :person"""),
)
NOBODY = UUID(int=0)
"""Stands in the ledger for a person who was erased."""
_LEDGER = text("""
    select delivery_id, report_id, state, reason, attempts, event, created_at, sent_at, error from deliveries
    where kommun = :kommun and person_id = :person order by created_at desc limit :limit""")
_RESTORED = text("select max(at) from restored")
_SUMMARY = text("select state, count(*) as messages from deliveries where kommun = :kommun group by state")
_SUBSCRIPTION = text("""
    select kommun, subscription_id, person_id, layer, area, types, min_severity from subscriptions
    where kommun = :kommun and subscription_id = :id""")


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        row.kommun, row.subscription_id, row.person_id, row.layer, row.area, tuple(row.types), row.min_severity
    )


async def subscriptions(connection: AsyncConnection, kommuner: Collection[str]) -> list[Subscription]:
    """The active subscriptions of these municipalities."""
    return [_subscription(r) for r in await connection.execute(_SUBSCRIPTIONS, {"kommuner": sorted(kommuner)})]


async def own(connection: AsyncConnection, kommun: str, person: UUID) -> list[Subscription]:
    """One person's active subscriptions."""
    return [_subscription(r) for r in await connection.execute(_OWN, {"kommun": kommun, "person": person})]


async def subscription(connection: AsyncConnection, kommun: str, ident: UUID) -> Subscription | None:
    """One subscription, also an ended one."""
    row = (await connection.execute(_SUBSCRIPTION, {"kommun": kommun, "id": ident})).first()
    return None if row is None else _subscription(row)


async def add_subscription(connection: AsyncConnection, new: Subscription) -> None:
    """Keep a new subscription."""
    await connection.execute(
        _ADD_SUBSCRIPTION,
        {
            "kommun": new.kommun,
            "id": new.subscription_id,
            "person": new.person_id,
            "layer": new.layer,
            "area": new.area,
            "types": list(new.types),
            "severity": new.min_severity,
        },
    )


async def end_subscription(connection: AsyncConnection, kommun: str, ident: UUID, person: UUID) -> bool:
    """End one's own subscription; False when there is none."""
    answer = await connection.execute(_END_SUBSCRIPTION, {"kommun": kommun, "id": ident, "person": person})
    return bool(answer.rowcount)


async def add_deliveries(connection: AsyncConnection, new: Sequence[tuple[Delivery, dict[str, Any], str]]) -> None:
    """Enter (delivery, event, correlation id) in the ledger; those that are there stay as they are."""
    if not new:
        return
    await connection.execute(
        _ADD_DELIVERIES,
        {
            "kommuner": [d.kommun for d, _, _ in new],
            "ids": [d.delivery_id for d, _, _ in new],
            "subscriptions": [d.subscription.subscription_id for d, _, _ in new],
            "people": [d.subscription.person_id for d, _, _ in new],
            "reports": [d.report_id for d, _, _ in new],
            "states": [d.state for d, _, _ in new],
            "reasons": [d.reason for d, _, _ in new],
            "events": [json.dumps(event) for _, event, _ in new],
            "correlations": [correlation for _, _, correlation in new],
            "messages": [message_id(d.delivery_id) for d, _, _ in new],
            "deadlines": [d.deadline for d, _, _ in new],
        },
    )


async def anonymise(connection: AsyncConnection, events: Mapping[tuple[str, UUID], str]) -> None:
    """What was told about these reports stays in the ledger as no more than what is left of them after gallring."""
    if events:
        values = {"kommuner": [k for k, _ in events], "reports": [r for _, r in events]}
        await connection.execute(_ANONYMISE, values | {"events": list(events.values())})


async def claim(connection: AsyncConnection, lease: float) -> tuple[UUID, str] | None:
    """Take one due delivery for ``lease`` seconds: (id, municipality). After a crash it comes back by itself."""
    row = (await connection.execute(_CLAIM, {"lease": lease})).first()
    return None if row is None else (row.delivery_id, row.kommun)


async def restored_at(connection: AsyncConnection) -> datetime | None:
    """When the database was last restored from a backup; None when it never was."""
    at: datetime | None = await connection.scalar(_RESTORED)
    return at


async def start(connection: AsyncConnection, kommun: str, ident: UUID) -> Row[Any] | None:
    """Record the attempt before anything leaves; None when the delivery is settled already."""
    return (await connection.execute(_START, {"kommun": kommun, "id": ident})).first()


async def finish(connection: AsyncConnection, kommun: str, ident: UUID, state: str, error: str | None = None) -> None:
    """Settle a delivery: sent, failed or expired."""
    await connection.execute(_FINISH, {"kommun": kommun, "id": ident, "state": state, "error": error})
    await connection.execute(_DROP, {"id": ident})


async def later(connection: AsyncConnection, ident: UUID, delay: float) -> None:
    """Try again after ``delay`` seconds."""
    await connection.execute(_LATER, {"id": ident, "delay": delay})


async def drop(connection: AsyncConnection, ident: UUID) -> None:
    """Forget a due entry whose delivery is settled."""
    await connection.execute(_DROP, {"id": ident})


async def contact(connection: AsyncConnection, kommun: str, person: UUID) -> tuple[str, bool] | None:
    """The copy of a person's address, if it is less than a day old, and whether it is fresh: five minutes."""
    row = (await connection.execute(_CONTACT, {"kommun": kommun, "person": person})).first()
    return None if row is None else (row.email, row.fresh)


async def keep_contact(connection: AsyncConnection, kommun: str, person: UUID, email: str) -> None:
    """Keep a copy of an address from the door's directory."""
    await connection.execute(_KEEP_CONTACT, {"kommun": kommun, "person": person, "email": email})


async def ledger(connection: AsyncConnection, kommun: str, person: UUID, limit: int) -> list[Row[Any]]:
    """What one person has been sent, newest first."""
    return list(await connection.execute(_LEDGER, {"kommun": kommun, "person": person, "limit": limit}))


async def summary(connection: AsyncConnection, kommun: str) -> dict[str, int]:
    """State → messages of a municipality."""
    return {r.state: r.messages for r in await connection.execute(_SUMMARY, {"kommun": kommun})}


async def erase(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """Forget a person: nothing in the room's tables leads to them any more. Safe to repeat."""
    for statement in _ERASE:
        await connection.execute(statement, {"kommun": kommun, "person": person, "nobody": NOBODY})
