"""SQL that reads the ledger, for pages and the API: what was sent to whom, and what came of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_LEDGER = """
    select d.delivery_id, d.alert_id, d.person_id, d.receiver, d.kind, d.rule, d.rules, d.state, d.reason, d.error,
        d.attempts, d.channel, d.created_at, d.sent_at, d.said, d.urgent, q.at as due_at, d.deadline, d.message_id,
        coalesce(n.event, d.event) as event
    from deliveries d left join due q on q.id = d.delivery_id
        left join alerts n on n.kommun = d.kommun and n.alert_id = d.alert_id
    where d.kommun = :kommun {which} order by d.created_at desc, d.delivery_id desc limit :most"""
_OWN = text(_LEDGER.format(which="and d.person_id = :person"))
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
_IS_LOST = """(d.created_at > now() - interval '30 days' and (
    d.state = 'failed' or d.state = 'expired' and d.error = 'past_deadline' and d.deadline > d.created_at))"""
"""What reached nobody in the last 30 days; what was too late when it came in (a log read again) was never to."""
_FILTERED = """ and (cast(:channel as text) is null or d.channel = :channel)
        and (cast(:kind as text) is null or d.kind = :kind)
        and (d.created_at, d.delivery_id) < (cast(:at as timestamptz), cast(:before as uuid))"""
_ALL = text(_LEDGER.format(which="and (cast(:state as text) is null or d.state = :state)" + _FILTERED))
_LOST_ONES = text(_LEDGER.format(which="and " + _IS_LOST + _FILTERED))
_ENTERED = text("select created_at from deliveries where kommun = :kommun and delivery_id = :before")
_ONE = text(_LEDGER.format(which="and d.delivery_id = :delivery"))
_ATTEMPTS = text("""
    select number, at, channel, outcome, provider_id, cost, error from attempts
    where kommun = :kommun and delivery_id = :delivery order by number""")
_TOLD_OF = text("""
    select count(distinct person_id) filter (where sent_at is not null) as told, count(*) as entries,
        count(*) filter (where state = 'expired') as late
    from deliveries where kommun = :kommun and alert_id = :alert""")
_WAITING = text("""
    select delivery_id from deliveries where kommun = :kommun and alert_id = :alert and state = 'due'
        and (cast(:person as uuid) is null or person_id = :person)""")
_RULE = text("""
    select rule from deliveries where kommun = :kommun and alert_id = :alert and person_id = :person
    order by sent_at is null, created_at limit 1""")
_LOST = text(f"""
    select count(*) from deliveries d where kommun = :kommun and {_IS_LOST}""")  # noqa: S608 - a constant
_SUMMARY = text("select state, count(*) as messages from deliveries where kommun = :kommun group by state")
_COST = text("""
    select coalesce(sum(cost), 0) from attempts where kommun = :kommun and at > now() - interval '30 days'""")


async def own(connection: AsyncConnection, kommun: str, person: UUID, most: int) -> list[Row[Any]]:
    """What one person has been sent, newest first."""
    return list(await connection.execute(_OWN, {"kommun": kommun, "person": person, "most": most}))


async def all_of(
    connection: AsyncConnection,
    kommun: str,
    most: int,
    *,
    state: str | None = None,
    channel: str | None = None,
    kind: str | None = None,
    before: UUID | None = None,
) -> list[Row[Any]]:
    """What has been sent in a municipality, newest first; of a state (``lost``: reached nobody), channel, kind.

    ``before``: those that follow this one in the list.
    """
    at: datetime | None = _LAST
    if before is not None:
        at = await connection.scalar(_ENTERED, {"kommun": kommun, "before": before})
    if at is None:
        return []  # it has gone since
    values = {"kommun": kommun, "most": most, "channel": channel, "kind": kind, "at": at}
    values["before"] = before or UUID(int=2**128 - 1)
    if state == "lost":
        return list(await connection.execute(_LOST_ONES, values))
    return list(await connection.execute(_ALL, values | {"state": state}))


async def one(connection: AsyncConnection, kommun: str, delivery: UUID) -> tuple[Row[Any], list[Row[Any]]] | None:
    """An entry and its attempts, the first one first; None when there is no such entry."""
    values = {"kommun": kommun, "delivery": delivery}
    row = (await connection.execute(_ONE, values | {"most": 1})).first()
    return None if row is None else (row, list(await connection.execute(_ATTEMPTS, values)))


async def lost(connection: AsyncConnection, kommun: str) -> int:
    """How many entries of the last 30 days reached nobody and are tried no more."""
    return int(await connection.scalar(_LOST, {"kommun": kommun}) or 0)


async def told_of(connection: AsyncConnection, kommun: str, alert: UUID) -> tuple[int, int, int]:
    """About an alert: how many were told, how many entries there are, how many of them were too old to be sent."""
    row = (await connection.execute(_TOLD_OF, {"kommun": kommun, "alert": alert})).one()
    return row.told, row.entries, row.late


async def waiting(connection: AsyncConnection, kommun: str, alert: UUID, person: UUID | None) -> list[UUID]:
    """What waits of an alert, for one person or for all."""
    values = {"kommun": kommun, "alert": alert, "person": person}
    return [r.delivery_id for r in await connection.execute(_WAITING, values)]


async def rule_of(connection: AsyncConnection, kommun: str, alert: UUID, person: UUID) -> str | None:
    """By which rule a person was told of an alert first; None for who only found it on the page."""
    rule: str | None = await connection.scalar(_RULE, {"kommun": kommun, "alert": alert, "person": person})
    return rule


async def summary(connection: AsyncConnection, kommun: str) -> dict[str, int]:
    """State → messages of a municipality."""
    return {r.state: r.messages for r in await connection.execute(_SUMMARY, {"kommun": kommun})}


async def cost(connection: AsyncConnection, kommun: str) -> int:
    """What messages have cost in the last 30 days, in 1/10 000 of a krona."""
    return int(await connection.scalar(_COST, {"kommun": kommun}) or 0)
