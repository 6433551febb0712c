"""Pursuing alerts: the next are told when nobody has answered, and what has ended is closed. A standing job."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.pacing import awake
from services.notify.domain.routing import resolved
from services.notify.handlers.rounds import REPORTS_END, pursued
from services.notify.handlers.telling import about, tell
from services.notify.metrics import UNANSWERED
from services.notify.settings import NotifySettings
from services.notify.store import alerts as store
from services.notify.store import notices, people, plans, queue
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

_log = logger(__name__)


class Pursuer:
    """The standing job."""

    def __init__(self, database: Database, settings: NotifySettings, clock: Clock = utc) -> None:
        self._database, self._settings, self._clock = database, settings, clock

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled."""
        while True:
            if not await self.pursue_some():
                await asyncio.sleep(self._settings.pursue_seconds)

    async def pursue_some(self) -> int:
        """Look at the alerts whose moment has come; returns how many."""
        async with self._database.transaction() as connection:
            due = await queue.claim(connection, "pursue", self._settings.lease_seconds, 100)
        for ident, kommun in due:
            async with self._database.transaction((kommun,)) as connection:
                again = await self._one(connection, kommun, ident)
                if again is None:
                    await queue.drop(connection, [ident])
                else:
                    await queue.at(connection, [ident], again)
                await reach("pursuing.before_commit")
            await reach("pursuing.after_commit")
        return len(due)

    async def _one(self, connection: AsyncConnection, kommun: str, ident: UUID) -> datetime | None:
        """What is to be done about one alert; returns when it is to be looked at again."""
        alert = await store.one(connection, kommun, ident, lock=True)
        now = self._clock()
        if alert is None or alert.closed_at is not None:
            return None
        if alert.kind == "report" and alert.last_at + REPORTS_END <= now:
            await store.close(connection, kommun, ident, now)
            return None
        restored = await notices.restored_at(connection)
        if restored is not None and alert.opened_at <= restored:
            alert.answer_by = None  # somebody may have taken it after the backup: nobody is woken by guess
        if alert.owner is None and alert.answer_by is not None and alert.answer_by <= now:
            alert.answer_by = await self._escalate(connection, alert, now)
        return pursued(alert)

    async def _escalate(self, connection: AsyncConnection, alert: Alert, now: datetime) -> datetime | None:
        """Tell those whose turn it is; by when they must answer, None when there is nobody left to tell."""
        kommun = alert.kommun
        _, plan = await plans.plan(connection, kommun)
        roster = await people.roster(connection, kommun, now)
        receivers = resolved(alert.then_to, plan, roster) if alert.step == 0 else []
        if not receivers:
            UNANSWERED.inc()
            _log.error("an alert that must be answered was not, and nobody is left to tell", kommun=kommun)
            await store.step(connection, kommun, alert.alert_id, alert.step + 1, None)
            return None
        deadline = now + timedelta(hours=self._settings.alert_deadline_hours)
        entries = [
            about(alert, r, (alert.rule,), urgent=alert.urgent, reason="unanswered", deadline=deadline)
            for r in receivers
        ]
        await tell(connection, kommun, [(entry, now) for entry in entries])
        heard = now if alert.urgent else awake(now, plan.quiet)  # their time begins when they are told
        by = heard + timedelta(minutes=alert.answer_minutes or 60)
        await store.step(connection, kommun, alert.alert_id, alert.step + 1, by)
        return by
