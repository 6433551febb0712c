"""Proving channels: a test message on request and every month, so that a way out that has died is seen in time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.pacing import DIGEST, SWEDEN
from services.notify.store import alerts, deliveries, plans, queue
from services.notify.store.deliveries import Entry
from services.runtime.database import Database
from services.runtime.schedule import Effect, Task

KEPT_FOR = timedelta(hours=24)


class Proving:
    """The use cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, kommun: str, person: UUID, channel: str) -> None:
        """A test message: to oneself by ``mail`` or ``sms``, or to the place outside with this id."""
        async with self._database.transaction((kommun,)) as connection:
            if channel in {"mail", "sms"}:
                await _enter(connection, kommun, "person", person, urgent=channel == "sms")
                return
            try:
                ident = UUID(channel)
            except ValueError:
                return
            if await plans.place(connection, kommun, ident) is not None:
                await _enter(connection, kommun, "destination", ident)

    def task(self) -> Task:
        """Every place outside is sent a test message on the first of the month."""
        return Task("proving", _first_of_month, self._work, timedelta(days=5))

    async def _work(self, kommun: str, _due: datetime) -> Effect:
        async def enter(connection: AsyncConnection) -> None:
            for place in await plans.places(connection, kommun):
                if place.active:
                    await _enter(connection, kommun, "destination", place.destination_id)

        return enter


async def _first_of_month(_kommun: str, after: datetime, until: datetime) -> Sequence[datetime]:
    local = until.astimezone(SWEDEN)
    moment = datetime.combine(local.date().replace(day=1), DIGEST, SWEDEN).astimezone(UTC)
    return [moment] if after < moment <= until else []


async def _enter(
    connection: AsyncConnection, kommun: str, kind: Literal["person", "destination"], receiver: UUID, *,
    urgent: bool = False,
) -> None:  # fmt: skip
    now, ident = datetime.now(UTC), uuid4()
    event: dict[str, Any] = {"at": now.isoformat()}
    alert = Alert(
        kommun=kommun, alert_id=ident, dedup_key=f"test/{ident}", kind="test", subject_id=ident, event=event,
        correlation_id=str(ident), state="over", notices=1, severity=None, event_type=None, area=None,
        opened_at=now, last_at=now, closed_at=now, rule="prov",
    )  # fmt: skip
    entry = Entry(
        delivery_id=uuid4(), receiver=kind, receiver_id=receiver, alert_id=ident, subject_id=ident, kind="test",
        rule="prov", rules=("prov",), urgent=urgent, repeat_hours=None,
        correlation_id=str(ident), deadline=now + KEPT_FOR, reason="test",
    )  # fmt: skip
    await alerts.put(connection, [alert])
    standing = await deliveries.add(connection, kommun, [entry])
    await queue.put(connection, "send", [(i, kommun, now, receiver) for i in standing.values()])
