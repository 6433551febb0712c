"""Who is told instead when a place outside takes nothing: a chat that is gone must not be the end of an alert.

At once when it refuses, after as long as another way would be tried when it does not answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.routing import resolved
from services.notify.handlers.telling import about, tell
from services.notify.store import deliveries, people, plans


async def stand_in(
    connection: AsyncConnection,
    kommun: str,
    rows: Sequence[Row[Any]],
    known: Mapping[UUID, Alert],
    *,
    now: datetime,
    deadline: timedelta,
) -> None:
    """Tell the next, else the outermost rule's people, of alerts that these failed entries to places were about.

    Only where nobody else has been told of it or is about to be.
    """
    failed = [r for r in rows if r.receiver == "destination" and r.kind in LASTING]
    if not failed:
        return
    alone = await deliveries.told_to_nobody_else(connection, kommun, [r.delivery_id for r in failed])
    _, plan = await plans.plan(connection, kommun)
    roster = await people.roster(connection, kommun, now)
    entries = []
    for row in failed:
        alert = known.get(row.alert_id)
        if alert is None or alert.closed_at is not None or row.delivery_id not in alone:
            continue
        for chosen in (alert.then_to, plan.root.to):
            found = [r for r in resolved(chosen, plan, roster) if r.kind == "person"]
            if found:
                entries += [
                    about(alert, r, row.rules, urgent=row.urgent, reason="rule", deadline=now + deadline) for r in found
                ]
                break
    await tell(connection, kommun, [(entry, now) for entry in entries])
