"""Proving channels: a test message on request and every month, so that a way out that has died is seen in time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.pacing import DIGEST
from services.notify.domain.preferences import Way
from services.notify.domain.routing import TESTED, Receiver
from services.notify.handlers.telling import announce, single
from services.notify.store import plans
from services.pages.writing import SWEDEN
from services.runtime.database import Database
from services.runtime.schedule import Effect, Task

KEPT_FOR = timedelta(hours=24)


class Proving:
    """The use cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, kommun: str, person: UUID, channel: str) -> None:
        """A test message: to oneself by ``mail``, ``push`` or ``sms``, or to the place outside with this id."""
        async with self._database.transaction((kommun,)) as connection:
            if channel in get_args(Way):
                await _enter(connection, kommun, Receiver("person", person), only=channel)
                return
            try:
                ident = UUID(channel)
            except ValueError:
                return
            if await plans.place(connection, kommun, ident) is not None:
                await _enter(connection, kommun, Receiver("destination", ident))

    def task(self) -> Task:
        """Every place outside is sent a test message on the first of the month."""
        return Task("proving", _first_of_month, self._work, timedelta(days=5))

    async def _work(self, kommun: str, _due: datetime) -> Effect:
        async def enter(connection: AsyncConnection) -> None:
            for place in await plans.places(connection, kommun):
                if place.active:
                    await _enter(connection, kommun, Receiver("destination", place.destination_id))

        return enter


async def _first_of_month(_kommun: str, after: datetime, until: datetime) -> Sequence[datetime]:
    local = until.astimezone(SWEDEN)
    moment = datetime.combine(local.date().replace(day=1), DIGEST, SWEDEN).astimezone(UTC)
    return [moment] if after < moment <= until else []


async def _enter(connection: AsyncConnection, kommun: str, receiver: Receiver, *, only: str | None = None) -> None:
    now, ident = datetime.now(UTC), uuid4()
    event = {"at": now.isoformat()} | ({} if only is None else {"only": only})
    alert = single(kommun, ident, "test", event, rule=TESTED, subject_id=ident, now=now)
    await announce(connection, alert, [(receiver, (TESTED,))], at=now, reason="test", kept_for=KEPT_FOR)
