"""Word to reporters: when a lägesbild is adopted, how many of one's reports it counts. A standing job, from the queue.

Who reported what is asked from the door then, and forgotten; the ledger keeps that somebody was thanked for how many.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import NAMESPACE
from services.notify.domain.pacing import awake
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import REPORTED, Receiver
from services.notify.gateways.rooms import Directory, Picture
from services.notify.handlers.telling import about, single, tell
from services.notify.settings import NotifySettings
from services.notify.store import alerts, plans, queue, subscriptions
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

KEPT_FOR = timedelta(days=3)
_log = logger(__name__)


class Thanker:
    """The standing job."""

    def __init__(self, database: Database, settings: NotifySettings, directory: Directory, picture: Picture) -> None:
        self._database, self._settings = database, settings
        self._directory, self._picture = directory, picture

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled."""
        while True:
            if not await self.thank_some():
                await asyncio.sleep(self._settings.pursue_seconds)

    async def thank_some(self) -> int:
        """Enter the messages of lägesbilder that were adopted; returns how many were looked at."""
        async with self._database.transaction() as connection:
            due = await queue.claim(connection, "thank", self._settings.lease_seconds, 10)
        for ident, kommun in due:
            try:
                await self._one(kommun, ident)
            except Away as away:
                _log.warning("reporters wait for word", other=str(away), kommun=kommun)
        return len(due)

    async def _one(self, kommun: str, ident: UUID) -> None:
        """All reporters of one adopted lägesbild, by its alert, in one transaction; Away leaves it for later."""
        async with self._database.transaction((kommun,)) as connection:
            adopted = await alerts.one(connection, kommun, ident)
        number = None if adopted is None else adopted.event.get("number")
        document = None if number is None else await self._picture.document(kommun, number)
        if document is not None and number is not None:
            first, last = (date.fromisoformat(document[edge]) for edge in ("first", "last"))
            reporters = await self._directory.reporters(kommun, first, last)
        else:
            reporters = {}
        async with self._database.transaction((kommun,)) as connection:
            await self._enter(connection, kommun, ident, number or "", reporters)
            await queue.drop(connection, [ident])

    async def _enter(
        self, connection: AsyncConnection, kommun: str, ident: UUID, number: str,
        reporters: Mapping[UUID, Mapping[str, int]],
    ) -> None:  # fmt: skip
        now = datetime.now(UTC)
        _, plan = await plans.plan(connection, kommun)
        wanted = await subscriptions.preferences(connection, kommun, reporters)
        for person, kinds in reporters.items():
            own = wanted.get(person, Preferences())
            if own.off or own.feedback == "none":
                continue
            event = {"number": number, "kinds": dict(kinds)}
            alert_id = uuid5(NAMESPACE, f"{kommun}/feedback/{ident}/{person}")
            alert = single(kommun, alert_id, "feedback", event, rule=REPORTED, subject_id=ident, now=now)
            at = awake(now, own.quiet or plan.quiet)
            entry = about(alert, Receiver("person", person), (REPORTED,), urgent=False, reason="feedback",
                          deadline=at + KEPT_FOR)  # fmt: skip
            await alerts.put(connection, [alert])
            await tell(connection, kommun, [(entry, at)])
