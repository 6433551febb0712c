"""Proving channels: a test message on request and every month, so that a way out that has died is seen in time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.pacing import DIGEST
from services.notify.domain.preferences import Way
from services.notify.domain.routing import TESTED, Receiver
from services.notify.handlers.telling import announce, single
from services.notify.metrics import CHANNELS, UNPROVEN
from services.notify.store import devices, people, plans, subscriptions
from services.pages.writing import SWEDEN
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.errors import is_transient
from services.runtime.publisher import Publisher
from services.runtime.schedule import Effect, Task

KEPT_FOR = timedelta(hours=24)
UNPROVEN_AFTER = timedelta(days=35)
"""A channel that has carried nothing for so long is not known to work."""
LATELY = timedelta(days=3)
"""What has carried something since then is proven until the next month's test."""
WATCH_SECONDS = 600.0


def unproven(proven_at: datetime | None, now: datetime) -> bool:
    """Whether a channel that last carried something then is not known to work."""
    return proven_at is None or now - proven_at > UNPROVEN_AFTER


@dataclass(frozen=True, slots=True)
class _Used:
    """A channel in use: a place outside, or a way of people and the administrators who have it."""

    kind: str
    proven_at: datetime | None
    place: UUID | None = None
    administrators: frozenset[UUID] = frozenset()


class Proving:
    """The use cases."""

    def __init__(self, database: Database, *, sms: bool = False, clock: Clock = utc) -> None:
        self._database, self._sms, self._clock = database, sms, clock

    async def send(self, kommun: str, person: UUID, channel: str) -> None:
        """A test message: to oneself by ``mail``, ``push`` or ``sms``, or to the place outside with this id."""
        async with self._database.transaction((kommun,)) as connection:
            if channel in get_args(Way):
                await _enter(connection, kommun, Receiver("person", person), self._clock(), only=channel)
                return
            try:
                ident = UUID(channel)
            except ValueError:
                return
            if await plans.place(connection, kommun, ident) is not None:
                await _enter(connection, kommun, Receiver("destination", ident), self._clock())

    def task(self) -> Task:
        """A test message on the first of the month: to every place outside, and by each way that people use.

        The latter to an administrator who has it, and only where nothing has gone that way lately.
        """
        return Task("proving", _first_of_month, self._work, timedelta(days=5))

    async def _work(self, kommun: str, _due: datetime) -> Effect:
        async def enter(connection: AsyncConnection) -> None:
            now = self._clock()
            for channel in await self._in_use(connection, kommun):
                if channel.place is not None:
                    await _enter(connection, kommun, Receiver("destination", channel.place), now)
                elif channel.administrators and (channel.proven_at is None or now - channel.proven_at > LATELY):
                    person = min(channel.administrators)
                    await _enter(connection, kommun, Receiver("person", person), now, only=channel.kind)

        return enter

    async def watch(self, _publisher: Publisher) -> None:
        """Until cancelled: measure how many channels are not known to work. A standing job."""
        while True:
            try:
                await self.measure()
            except Exception as error:
                if not is_transient(error):
                    raise
            await asyncio.sleep(WATCH_SECONDS)

    async def measure(self) -> None:
        """Count the channels of every municipality that have carried nothing for ``UNPROVEN_AFTER``."""
        now = self._clock()
        found: Counter[str] = Counter()
        async with self._database.transaction() as connection:
            kommuner = await subscriptions.known(connection)
        for kommun in kommuner:
            async with self._database.transaction((kommun,)) as connection:
                used = await self._in_use(connection, kommun)
            found.update(c.kind for c in used if unproven(c.proven_at, now))
        for channel in CHANNELS:
            UNPROVEN.labels(channel).set(found[channel])

    async def _in_use(self, connection: AsyncConnection, kommun: str) -> list[_Used]:
        """The channels by which somebody here is told."""
        health = await plans.health(connection, kommun)
        roster = await people.roster(connection, kommun, self._clock())
        wanted = await subscriptions.preferences(connection, kommun, roster.members)
        having: dict[str, set[UUID]] = {
            "mail": set(roster.members),
            "push": set(await devices.who(connection, kommun)) & set(roster.members),
            "sms": {i for i, own in wanted.items() if own.phone is not None} if self._sms else set(),
        }
        off = {i for i, own in wanted.items() if own.off}
        administrators = {i for i, m in roster.members.items() if "administrator" in m.roles} - off
        used = [
            _Used(way, health.get(way, plans.Health()).proven_at, administrators=frozenset(who & administrators))
            for way, who in having.items()
            if who
        ]
        places = [p for p in await plans.places(connection, kommun) if p.active]
        return used + [_Used(p.kind, p.proven_at, place=p.destination_id) for p in places]


async def _first_of_month(_kommun: str, after: datetime, until: datetime) -> Sequence[datetime]:
    local = until.astimezone(SWEDEN)
    moment = datetime.combine(local.date().replace(day=1), DIGEST, SWEDEN).astimezone(UTC)
    return [moment] if after < moment <= until else []


async def _enter(
    connection: AsyncConnection, kommun: str, receiver: Receiver, now: datetime, *, only: str | None = None
) -> None:
    ident = uuid4()
    event = {"at": now.isoformat()} | ({} if only is None else {"only": only})
    alert = single(kommun, ident, "test", event, rule=TESTED, subject_id=ident, now=now)
    await announce(connection, alert, [(receiver, (TESTED,))], at=now, reason="test", kept_for=KEPT_FOR)
