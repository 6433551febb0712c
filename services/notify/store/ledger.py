"""SQL that reads the ledger, for pages and the API: what was sent to whom, and what came of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_LEDGER = """
    select d.delivery_id, d.alert_id, d.person_id, d.receiver, d.kind, d.rule, d.rules, d.state, d.reason, d.error,
        d.attempts, d.channel, d.created_at, d.sent_at, d.said, d.urgent, q.at as due_at,
        coalesce(n.event, d.event) as event
    from deliveries d left join due q on q.id = d.delivery_id
        left join alerts n on n.kommun = d.kommun and n.alert_id = d.alert_id
    where d.kommun = :kommun {which} order by d.created_at desc limit :most"""
_OWN = text(_LEDGER.format(which="and d.person_id = :person"))
_ALL = text(_LEDGER.format(which="and (cast(:state as text) is null or d.state = :state)"))
_OF_ALERT = text(_LEDGER.format(which="and d.alert_id = :alert"))
_WAITING = text("""
    select delivery_id from deliveries where kommun = :kommun and alert_id = :alert and state = 'due'
        and (cast(:person as uuid) is null or person_id = :person)""")
_RULE = text("""
    select rule from deliveries where kommun = :kommun and alert_id = :alert and person_id = :person
    order by sent_at is null, created_at limit 1""")
_SUMMARY = text("select state, count(*) as messages from deliveries where kommun = :kommun group by state")
_COST = text("""
    select coalesce(sum(cost), 0) from attempts where kommun = :kommun and at > now() - interval '30 days'""")


async def own(connection: AsyncConnection, kommun: str, person: UUID, most: int) -> list[Row[Any]]:
    """What one person has been sent, newest first."""
    return list(await connection.execute(_OWN, {"kommun": kommun, "person": person, "most": most}))


async def all_of(connection: AsyncConnection, kommun: str, state: str | None, most: int) -> list[Row[Any]]:
    """What has been sent in a municipality, or is in a state, newest first."""
    return list(await connection.execute(_ALL, {"kommun": kommun, "state": state, "most": most}))


async def of_alert(connection: AsyncConnection, kommun: str, alert: UUID, most: int = 100) -> list[Row[Any]]:
    """Who was told about an alert, newest first."""
    return list(await connection.execute(_OF_ALERT, {"kommun": kommun, "alert": alert, "most": most}))


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
