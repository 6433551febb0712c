"""What is still to be sent now, and what of it goes together: between the queue and the channels.

Everything else that was due is settled (too old, taken meanwhile, from before a restore) or put off (silenced, too many
messages this hour).
"""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.notices import PAST_DEADLINE, message_id
from services.notify.domain.pacing import allowed, awake
from services.notify.handlers.composing import Composing
from services.notify.handlers.parcels import Parcel, Reach
from services.notify.handlers.pausing import Pauses
from services.notify.handlers.standing_in import stand_in
from services.notify.metrics import LOST, MESSAGES
from services.notify.store import alerts, deliveries, notices, queue, turns
from services.notify.store.people import NOBODY
from services.runtime.clock import Clock

AT_ANY_HOUR = frozenset({"agenda", "test", "code"})
"""Kinds whose moment somebody has chosen."""
KEPT_AFTER = timedelta(hours=24)
WAYS_AFTER = {True: timedelta(minutes=5), False: timedelta(hours=2)}
"""How long a way that does not answer is tried before the next one; urgent ones sooner."""
ANY_LENGTH = 1e9
"""Seconds: who has no other way waits."""
URGENT_TIMES = 2
"""How many times the hourly cap urgent messages may reach."""


async def close(
    connection: AsyncConnection, kommun: str, ids: Sequence[UUID], state: str, error: str, *, code: bool = False
) -> None:
    """Settle entries of the ledger that are not sent: they wait no longer. ``code``: they held good for minutes."""
    if state == "failed" or error == PAST_DEADLINE:  # what is held, or from before a restore, is left out on purpose
        LOST.labels("code" if code else state).inc(len(ids))
    await deliveries.finish(connection, kommun, ids, state, error)
    await alerts.forget_what(connection, kommun, ids)
    await queue.drop(connection, ids)


def tried_long(rows: Sequence[Row[Any]], now: datetime) -> bool:
    """Whether these have waited for one way for so long that another is tried."""
    first = min((r.first_tried for r in rows if r.first_tried is not None), default=now)
    return bool(now - first > WAYS_AFTER[any(r.urgent for r in rows)])


class Preparing:
    """Makes parcels of what is due."""

    def __init__(
        self,
        composing: Composing,
        clock: Clock,
        *,
        per_hour: int,
        pauses: Pauses,
        deadline: timedelta,
        senders: int,
    ) -> None:
        self.deadline, self._senders = deadline, senders
        self._composing, self._clock, self._per_hour, self._pauses = composing, clock, per_hour, pauses
        self._restored: tuple[float, datetime | None] = (-1e9, None)

    async def prepare(self, connection: AsyncConnection, kommun: str, ids: list[UUID]) -> Parcel | None:
        """Record the attempt at what is still to be sent now; everything else is settled or put off."""
        rows = await deliveries.waiting(connection, kommun, ids)
        there = {r.delivery_id for r in rows}
        if len(there) < len(ids):
            await queue.drop(connection, [i for i in ids if i not in there])
        if not rows:
            return None
        known = await alerts.many(connection, kommun, {r.alert_id for r in rows if r.alert_id})
        reach = await self._composing.reach(connection, kommun, rows[0])
        rows = await self._still_told(connection, kommun, rows, known, reach)
        rows = await self._together(connection, rows, {i for i, a in known.items() if "only" in a.event})
        if not rows or await self._too_many(connection, kommun, rows):
            return None
        return await self._parcel(connection, kommun, rows, reach, known)

    async def _parcel(
        self,
        connection: AsyncConnection,
        kommun: str,
        rows: list[Row[Any]],
        reach: Reach,
        known: Mapping[UUID, Alert],
    ) -> Parcel | None:
        """By a way that has not refused and is not left alone just now; None when there is none."""
        ids = [r.delivery_id for r in rows]
        refused = {way for r in rows for way in r.refused}
        only = known[rows[0].alert_id].event.get("only")
        every = (only,) if only else self._composing.ways(reach, urgent=any(r.urgent for r in rows))
        ways = [w for w in every if w not in refused]
        if not ways:
            await close(connection, kommun, ids, "failed", "undelivered" if refused else "no_such_receiver")
            await stand_in(connection, kommun, rows, known, now=self._clock(), deadline=self.deadline)
            return None
        health = partial(self._composing.health_of, rows[0])
        way = max(r.tier for r in rows) % len(ways)
        if (pause := self._pauses.left(health(ways[way]))) > 0:
            long = tried_long(rows, self._clock())
            if not long or len(ways) == 1:
                if long:
                    await stand_in(connection, kommun, rows, known, now=self._clock(), deadline=self.deadline)
                await deliveries.put_off(connection, kommun, ids)
                await queue.later(connection, ids, pause)
                return None
            way = (way + 1) % len(ways)
        way, wait = await self._turn(connection, rows, ways, way)
        if wait > 0:
            await queue.later(connection, ids, wait)
            return None
        ident = message_id(rows[0].delivery_id) if rows[0].state == "due" else rows[0].message_id
        attempts = await deliveries.start(connection, kommun, ids, ident, ways[way])
        return Parcel(kommun, rows, ident, ways[way], way, len(ways), attempts, reach, known)

    async def _turn(
        self, connection: AsyncConnection, rows: Sequence[Row[Any]], ways: Sequence[str], way: int
    ) -> tuple[int, float]:
        """(way, seconds until it has its turn): the next way where the line is longer than a way is tried for."""
        urgent, ids = any(r.urgent for r in rows), [r.delivery_id for r in rows]
        other = (way + 1) % len(ways)
        spare = other != way and not self._pauses.left(self._composing.health_of(rows[0], ways[other]))
        patience = WAYS_AFTER[urgent].total_seconds()
        tried = [(way, patience), *([(other, patience)] if spare else []), (way, ANY_LENGTH)]
        for at, longest in tried:
            channel, rate = ways[at], self._composing.most_per_second(ways[at])
            if rate is None:
                return at, 0.0
            line = channel if channel == "mail" else self._composing.health_of(rows[0], channel)
            left = await turns.turn(connection, line, ids, rate, urgent=urgent, patience=longest)
            if left is not None:
                return at, left
        raise AssertionError("a line of any length has an end")

    async def _still_told(
        self,
        connection: AsyncConnection,
        kommun: str,
        rows: Sequence[Row[Any]],
        known: Mapping[UUID, Alert],
        reach: Reach,
    ) -> list[Row[Any]]:
        """Without what is too old, from before a restore, not wanted any more, taken meanwhile, or for later."""
        now, restored = self._clock(), await self._restored_at(connection)
        quiet = await alerts.silences(connection, kommun, list(known), now)
        plan = await self._composing.plan(connection, kommun)
        kept = []
        for row in rows:
            alert = known.get(row.alert_id)
            if alert is not None and row.reason == "repeat" and alert.owner is not None and alert.closed_at is None:
                # While somebody has it nobody is reminded; who lets it go is not the end of that.
                again = now + timedelta(hours=row.repeat_hours)
                await deliveries.put_off(connection, kommun, [row.delivery_id], again + KEPT_AFTER)
                await queue.at(connection, [row.delivery_id], again)
                continue
            settled = self._settled(row, alert, reach, now, restored)
            if settled is not None:
                await close(connection, kommun, [row.delivery_id], *settled, code=row.kind == "code")
                continue
            silenced = [u for who in (row.person_id, NOBODY) if (u := quiet.get((row.alert_id, who))) is not None]
            later = now if row.urgent else max([now, *silenced])
            if reach.person and not row.urgent and row.kind not in AT_ANY_HOUR:
                later = awake(later, reach.ends.wanted.quiet or plan.quiet)
            if later > now:
                await deliveries.put_off(connection, kommun, [row.delivery_id], later + KEPT_AFTER)
                await queue.at(connection, [row.delivery_id], later)
            else:
                kept.append(row)
        return kept

    @staticmethod
    def _settled(
        row: Row[Any], alert: Alert | None, reach: Reach, now: datetime, restored: datetime | None
    ) -> tuple[str, str] | None:
        """(state, why) of an entry that is not to be sent any more."""
        if row.deadline < now:
            return "expired", PAST_DEADLINE
        if restored is not None and row.created_at <= restored:
            return "expired", "restored"
        if alert is None:
            return "held", "no_alert"
        if row.reason in {"repeat", "unanswered"} and (alert.owner is not None or alert.closed_at is not None):
            return "held", "taken"
        wanted = not reach.person or reach.ends.wanted.still(row.kind, urgent=row.urgent)
        return None if wanted else ("held", "not_wanted")

    async def _restored_at(self, connection: AsyncConnection) -> datetime | None:
        """When the database was last restored; asked once a minute, since a restore stops every process."""
        if time.monotonic() - self._restored[0] > 60:
            self._restored = (time.monotonic(), await notices.restored_at(connection))
        return self._restored[1]

    async def _together(
        self, connection: AsyncConnection, rows: Sequence[Row[Any]], alone: Collection[UUID]
    ) -> list[Row[Any]]:
        """What goes as one message: a repeat exactly as it was, what has one way only by itself, otherwise all new.

        What one way has refused goes by itself: the others have not tried it. So does what somebody reported: a message
        has one id and one subject, and what is one's own would be read off beside the rest.

        The rest comes next.
        """
        if not rows:
            return []
        lead = rows[0]
        if lead.state == "sending":
            taken = [r for r in rows if r.state == "sending" and r.message_id == lead.message_id]
        else:
            taken = [
                r
                for r in rows
                if r.state == "due"
                and (r.kind == "feedback") == (lead.kind == "feedback")
                and (r is lead or not {r.alert_id, lead.alert_id} & set(alone))
                and set(r.refused) == set(lead.refused)
            ]
        chosen = {r.delivery_id for r in taken}
        if len(chosen) < len(rows):
            await queue.back(connection, [r.delivery_id for r in rows if r.delivery_id not in chosen], self._clock())
        return taken

    async def _too_many(self, connection: AsyncConnection, kommun: str, rows: Sequence[Row[Any]]) -> bool:
        """Whether the receiver has had their share of messages this hour; what waits then goes out together."""
        plan = await self._composing.plan(connection, kommun)
        sent = await deliveries.sent_within_the_hour(connection, kommun, rows[0].person_id)
        most = (plan.messages_per_hour or self._per_hour) * (URGENT_TIMES if any(r.urgent for r in rows) else 1)
        now = self._clock()
        if len(sent) + self._senders >= most:  # they look one after the other; further away a lock would cost too much
            ids = [r.delivery_id for r in rows]
            sent = await deliveries.sent_or_leaving(connection, kommun, rows[0].person_id, ids)
        at = allowed(now, sent, most)
        if at > now:
            MESSAGES.labels(rows[0].receiver, "bundled").inc(len(rows))
            await queue.at(connection, [r.delivery_id for r in rows], at)
        return at > now
