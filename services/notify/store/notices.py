"""SQL of notices: what there was to tell, once each, and what became of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import Notice

_ADD = text("""
    insert into notices (kommun, notice_id, kind, subject_id, event, correlation_id, state)
    select k, n, d, s, cast(e as jsonb), c, 'new'
    from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:kinds as text[]), cast(:subjects as uuid[]),
                cast(:events as text[]), cast(:correlations as text[])) as t(k, n, d, s, e, c)
    on conflict do nothing returning kommun, notice_id""")
_NEW = text("""
    select notice_id, kind, event, correlation_id from notices
    where kommun = :kommun and notice_id = any(cast(:ids as uuid[])) and state = 'new' order by created_at, notice_id
    for update""")
_SETTLE = text("""
    update notices set state = t.s, reason = t.r, alert_id = t.a
    from unnest(cast(:ids as uuid[]), cast(:states as text[]), cast(:reasons as text[]), cast(:alerts as uuid[]))
        as t(n, s, r, a)
    where kommun = :kommun and notice_id = t.n""")
_WITHDRAW = text("""
    update notices set state = 'held', reason = 'withdrawn'
    where kommun = :kommun and kind = 'report' and subject_id = any(cast(:reports as uuid[])) and state = 'new'""")
_LOWERED = text("""
    delete from notices n using unnest(cast(:ids as uuid[]), cast(:revisions as bigint[])) as now(id, revision)
    where n.kommun = :kommun and n.notice_id = now.id and n.state = 'new'
        and (n.event->'report'->>'revision')::bigint < now.revision""")
_ANONYMISE = (
    text("""
        update notices d set event = cast(n.e as jsonb)
        from unnest(cast(:kommuner as text[]), cast(:subjects as uuid[]), cast(:events as text[])) as n(k, r, e)
        where d.kommun = n.k and d.subject_id = n.r"""),
    text("""
        update alerts d set event = cast(n.e as jsonb)
        from unnest(cast(:kommuner as text[]), cast(:subjects as uuid[]), cast(:events as text[])) as n(k, r, e)
        where d.kommun = n.k and d.kind = 'report' and d.event->'report'->>'report_id' = n.r::text"""),
    text("""
        update deliveries d set said = null, event = case when d.event is null then null else cast(n.e as jsonb) end
        from unnest(cast(:kommuner as text[]), cast(:subjects as uuid[]), cast(:events as text[])) as n(k, r, e)
        where d.kommun = n.k and (d.subject_id = n.r or d.alert_id in (
            select alert_id from notices o where o.kommun = n.k and o.subject_id = n.r and alert_id is not null))"""),
)
_KNOWN = text("""
    select notice_id from notices
    where kommun = any(cast(:kommuner as text[])) and notice_id = any(cast(:ids as uuid[]))""")
_RESTORED = text("select max(at) from restored")


async def add(connection: AsyncConnection, new: Sequence[Notice]) -> list[Notice]:
    """Enter these, each once for ever; returns those that were not there."""
    if not new:
        return []
    rows = await connection.execute(
        _ADD,
        {
            "kommuner": [n.kommun for n in new],
            "ids": [n.notice_id for n in new],
            "kinds": [n.kind for n in new],
            "subjects": [n.subject_id for n in new],
            "events": [json.dumps(n.event) for n in new],
            "correlations": [n.correlation_id for n in new],
        },
    )
    added = {(r.kommun, r.notice_id) for r in rows}
    return [n for n in new if (n.kommun, n.notice_id) in added]


async def fresh(connection: AsyncConnection, kommun: str, ids: Collection[UUID]) -> list[Row[Any]]:
    """Those of these that nobody has routed yet, locked, in the order in which they came."""
    return list(await connection.execute(_NEW, {"kommun": kommun, "ids": sorted(ids)}))


async def settle(
    connection: AsyncConnection, kommun: str, outcomes: Mapping[UUID, tuple[str, str | None, UUID | None]]
) -> None:
    """Record what became of notices: id → (state, reason, alert)."""
    if outcomes:
        states, reasons, alerts = zip(*outcomes.values(), strict=True)
        values = {"ids": list(outcomes), "states": list(states), "reasons": list(reasons), "alerts": list(alerts)}
        await connection.execute(_SETTLE, values | {"kommun": kommun})


async def withdraw(connection: AsyncConnection, kommun: str, reports: Collection[UUID]) -> None:
    """What nobody has routed yet of these reports is not routed."""
    await connection.execute(_WITHDRAW, {"kommun": kommun, "reports": sorted(reports)})


async def lowered(connection: AsyncConnection, kommun: str, grave: Mapping[UUID, int]) -> None:
    """Of reports that are less grave by a later revision (notice → revision) nothing stays that nobody has routed.

    As if it had never come: one that turns out to be grave again is told.
    """
    values = {"kommun": kommun, "ids": list(grave), "revisions": list(grave.values())}
    await connection.execute(_LOWERED, values)


async def known(connection: AsyncConnection, kommuner: Collection[str], ids: Collection[UUID]) -> set[UUID]:
    """Which of these have been entered."""
    if not ids:
        return set()
    values = {"kommuner": sorted(kommuner), "ids": sorted(ids)}
    return {r.notice_id for r in await connection.execute(_KNOWN, values)}


async def anonymise(connection: AsyncConnection, events: Mapping[tuple[str, UUID], str]) -> None:
    """What was told about these reports stays in the ledger as no more than what is left of them after gallring."""
    if events:
        values = {"kommuner": [k for k, _ in events], "subjects": [r for _, r in events]}
        for statement in _ANONYMISE:
            await connection.execute(statement, values | {"events": list(events.values())})


async def restored_at(connection: AsyncConnection) -> datetime | None:
    """When the database was last restored from a backup; None when it never was."""
    at: datetime | None = await connection.scalar(_RESTORED)
    return at
