"""What is still to be sent now, and what of it goes together: between the queue and the channels.

Everything else that was due is settled (too old, taken meanwhile, from before a restore) or put off (silenced, too many
messages this hour).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.notices import message_id
from services.notify.domain.pacing import allowed
from services.notify.handlers.composing import Composing, Receiver
from services.notify.metrics import MESSAGES
from services.notify.store import alerts, deliveries, notices, queue
from services.notify.store.people import NOBODY

URGENT_TIMES = 2
"""How many times the hourly cap urgent messages may reach."""


async def close(
    connection: AsyncConnection,
    kommun: str,
    ids: Sequence[UUID],
    state: str,
    *,
    error: str | None = None,
    said: dict[str, Any] | None = None,
) -> None:
    """Settle entries of the ledger: they wait no longer."""
    await deliveries.finish(connection, kommun, ids, state, error=error, said=said)
    await queue.drop(connection, ids)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one receiver in one message. ``way``: which of their ways, ``ways``: how many there are.

    ``alerts``: as they were when the attempt was recorded.
    """

    kommun: str
    rows: Sequence[Row[Any]]
    ident: str
    channel: str
    way: int
    ways: int
    attempts: int
    receiver: Receiver
    alerts: Mapping[UUID, Alert]

    @property
    def ids(self) -> list[UUID]:
        """The entries of the ledger that it carries."""
        return [r.delivery_id for r in self.rows]

    @property
    def lead(self) -> Row[Any]:
        """The entry that has waited longest."""
        return self.rows[0]


class Preparing:
    """Makes parcels of what is due."""

    def __init__(self, composing: Composing, clock: Callable[[], datetime], per_hour: int) -> None:
        self._composing, self._clock, self._per_hour = composing, clock, per_hour
        self._restored: tuple[float, datetime | None] = (-1e9, None)

    async def prepare(self, connection: AsyncConnection, kommun: str, ids: list[UUID]) -> Parcel | None:
        """Record the attempt at what is still to be sent now; everything else is settled or put off."""
        rows = await deliveries.waiting(connection, kommun, ids)
        there = {r.delivery_id for r in rows}
        await queue.drop(connection, [i for i in ids if i not in there])
        known = await alerts.many(connection, kommun, {r.alert_id for r in rows if r.alert_id}) if rows else {}
        rows = await self._still_told(connection, kommun, rows, known)
        rows = await self._together(connection, rows)
        if not rows or await self._too_many(connection, kommun, rows):
            return None
        urgent = any(r.urgent for r in rows)
        receiver = await self._composing.receiver(connection, kommun, rows[0])
        ways = self._composing.ways(receiver, urgent=urgent)
        if not ways:
            await close(connection, kommun, [r.delivery_id for r in rows], "failed", error="no_such_receiver")
            return None
        way = min(max(r.tier for r in rows), len(ways) - 1)
        ident = message_id(rows[0].delivery_id) if rows[0].state == "due" else rows[0].message_id
        attempts = await deliveries.start(connection, kommun, [r.delivery_id for r in rows], ident, ways[way])
        return Parcel(kommun, rows, ident, ways[way], way, len(ways), attempts, receiver, known)

    async def _still_told(
        self, connection: AsyncConnection, kommun: str, rows: Sequence[Row[Any]], known: Mapping[UUID, Alert]
    ) -> list[Row[Any]]:
        """Without what is too old, was told before a restore, has been taken meanwhile, or is wanted quiet."""
        now, restored = self._clock(), await self._restored_at(connection)
        quiet = await alerts.silences(connection, kommun, list(known), now) if known else {}
        kept = []
        for row in rows:
            until = [u for who in (row.person_id, NOBODY) if (u := quiet.get((row.alert_id, who))) is not None]
            alert = known.get(row.alert_id)
            if row.deadline < now:
                await close(connection, kommun, [row.delivery_id], "expired", error="past_deadline")
            elif restored is not None and row.created_at <= restored:
                await close(connection, kommun, [row.delivery_id], "expired", error="restored")
            elif alert is None or (alert.owner is not None and row.kind != "lagesbild" and row.rule == "repeat"):
                await close(connection, kommun, [row.delivery_id], "held", error="taken")
            elif until and not row.urgent:
                await queue.at(connection, [row.delivery_id], max(until))
            else:
                kept.append(row)
        return kept

    async def _restored_at(self, connection: AsyncConnection) -> datetime | None:
        """When the database was last restored; asked once a minute, since a restore stops every process."""
        if time.monotonic() - self._restored[0] > 60:
            self._restored = (time.monotonic(), await notices.restored_at(connection))
        return self._restored[1]

    async def _together(self, connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
        """What goes as one message: a repeat exactly as it was, otherwise everything new; the rest comes next."""
        if not rows:
            return []
        lead = rows[0]
        if lead.state == "sending":
            taken = [r for r in rows if r.state == "sending" and r.message_id == lead.message_id]
        else:
            taken = [r for r in rows if r.state == "due"]
        chosen = {r.delivery_id for r in taken}
        await queue.at(connection, [r.delivery_id for r in rows if r.delivery_id not in chosen], self._clock())
        return taken

    async def _too_many(self, connection: AsyncConnection, kommun: str, rows: Sequence[Row[Any]]) -> bool:
        """Whether the receiver has had their share of messages this hour; what waits then goes out together."""
        plan = await self._composing.plan(connection, kommun)
        sent = await deliveries.sent_within_the_hour(connection, kommun, rows[0].person_id)
        most = (plan.messages_per_hour or self._per_hour) * (URGENT_TIMES if any(r.urgent for r in rows) else 1)
        now = self._clock()
        at = allowed(now, sent, most)
        if at > now:
            MESSAGES.labels(rows[0].receiver, "bundled").inc(len(rows))
            await queue.at(connection, [r.delivery_id for r in rows], at)
        return at > now
