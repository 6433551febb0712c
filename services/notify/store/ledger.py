"""SQL that reads the ledger, for pages and the API: what was sent to whom, and what came of it."""

from dataclasses import asdict, dataclass
from datetime import datetime
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
_IS_LOST = """(d.created_at > now() - interval '30 days' and (
    d.state = 'failed' or d.state = 'expired' and d.error = 'past_deadline' and d.deadline > d.created_at))"""
"""What reached nobody in the last 30 days; what was too late when it came in (a log read again) was never to."""
_FILTERS = {
    "state": "d.state = :state",
    "channel": "d.channel = :channel",
    "kind": "d.kind = :kind",
    "person": "d.person_id = :person",
    "since": "d.created_at >= :since",
    "until": "d.created_at < :until",
    "before": "(d.created_at, d.delivery_id) < (:at, :before)",
}
"""Only what is asked for stands in the statement, so that each is planned by its own index."""
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries: of a state (``lost``: reached nobody), channel, kind, receiver, from a moment until another.

    ``before``: those that follow this one in the list.
    """

    state: str | None = None
    channel: str | None = None
    kind: str | None = None
    person: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None


async def all_of(connection: AsyncConnection, kommun: str, most: int, asked: Asked) -> list[Row[Any]]:
    """What has been sent in a municipality, newest first. What was told to reporters is found by no receiver."""
    values = {name: value for name, value in asdict(asked).items() if value is not None}
    which = [_IS_LOST] if values.get("state") == "lost" else []
    if which:
        del values["state"]
    if asked.person is not None:
        which.append("d.kind <> 'feedback'")
    if asked.before is not None:
        values["at"] = await connection.scalar(_ENTERED, {"kommun": kommun, "before": asked.before})
        if values["at"] is None:
            return []  # it has gone since
    which += [_FILTERS[name] for name in values if name in _FILTERS]
    statement = text(_LEDGER.format(which=" ".join(f"and {one}" for one in which)))
    return list(await connection.execute(statement, values | {"kommun": kommun, "most": most}))


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
