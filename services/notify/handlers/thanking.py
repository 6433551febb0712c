"""Word to reporters: when a lägesbild is adopted, how many of theirs it counts; of each, if they want. From the queue.

Who reported what is asked from the door then, and forgotten; the ledger keeps that somebody was thanked for how many.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.locations import ReportLocated
from services.notify.domain.alerts import Alert
from services.notify.domain.notices import NAMESPACE, of_report
from services.notify.domain.pacing import awake
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import REPORTED, Receiver
from services.notify.gateways.rooms import Directory, Picture
from services.notify.handlers.telling import announce, single
from services.notify.settings import NotifySettings
from services.notify.store import alerts, notices, plans, queue, subscriptions
from services.runtime.asking import Away
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

KEPT_FOR = timedelta(days=3)
EACH_KEPT = timedelta(days=1)
"""A report that came in earlier is no news to who handed it in."""
_log = logger(__name__)


class Thanker:
    """The standing job."""

    def __init__(
        self,
        database: Database,
        settings: NotifySettings,
        directory: Directory,
        picture: Picture,
        clock: Clock = utc,
    ) -> None:
        self._database, self._settings, self._clock = database, settings, clock
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
            restored = await notices.restored_at(connection)
            if adopted is not None and restored is not None and adopted.opened_at <= restored:
                await queue.drop(connection, [ident])  # it was said after the backup, or nobody knows
                return
        if adopted is not None and "report" in adopted.event:
            await self._each(adopted)
            return
        number = None if adopted is None else adopted.event.get("number")
        document = None if number is None else await self._picture.document(kommun, number)
        if document is not None and number is not None:
            first, last = (date.fromisoformat(document[edge]) for edge in ("first", "last"))
            written = datetime.fromisoformat(document["cut_off"])  # what came later is not in it
            reporters = await self._directory.reporters(kommun, first, last, written)
        else:
            reporters = {}
        async with self._database.transaction((kommun,)) as connection:
            if await queue.drop(connection, [ident]):  # otherwise somebody else was quicker
                await self._enter(connection, kommun, ident, number or "", reporters)
            await reach("thanking.before_commit")
        await reach("thanking.after_commit")

    async def _each(self, marker: Alert) -> None:
        """Word of one report that has its place, to its reporter, if they want that.

        What they are told of is an alert of its own under ids of chance: in the ledger nothing leads from the person
        to the report. The marker says that it was looked at, of nobody; the token is not kept.
        """
        kommun, token = marker.kommun, marker.event.get("token")
        person = None if token is None else await self._directory.reporter(kommun, token)
        now = self._clock()
        async with self._database.transaction((kommun,)) as connection:
            if not await queue.drop(connection, [marker.alert_id]):
                return  # somebody else was quicker
            wanted = await subscriptions.preferences(connection, kommun, [person] if person else [])
            own = None if person is None else wanted.get(person)
            again = await alerts.one(connection, kommun, marker.alert_id)
            if person is not None and own is not None and own.feedback == "each" and not own.off \
                    and again is not None and "token" in again.event:  # fmt: skip
                _, plan = await plans.plan(connection, kommun)
                told = single(kommun, uuid4(), "feedback", {"placed": True}, rule=REPORTED, subject_id=uuid4(), now=now)
                told = replace(told, event_type=marker.event_type, area=marker.area)
                await self._tell(connection, told, person, awake(now, own.quiet or plan.quiet))
            event = {k: v for k, v in marker.event.items() if k != "token"}
            await alerts.put(connection, [replace(marker, event=event)])
            await reach("thanking.before_commit")
        await reach("thanking.after_commit")

    @staticmethod
    async def _tell(connection: AsyncConnection, alert: Alert, person: UUID, at: datetime) -> None:
        to = [(Receiver("person", person), (REPORTED,))]
        await announce(connection, alert, to, at=at, reason="feedback", kept_for=KEPT_FOR)

    async def _enter(
        self, connection: AsyncConnection, kommun: str, ident: UUID, number: str,
        reporters: Mapping[UUID, Mapping[str, int]],
    ) -> None:  # fmt: skip
        now = self._clock()
        _, plan = await plans.plan(connection, kommun)
        wanted = await subscriptions.preferences(connection, kommun, reporters)
        for person, kinds in reporters.items():
            own = wanted.get(person, Preferences())
            if own.off or own.feedback == "none":
                continue
            event = {"number": number, "kinds": dict(kinds)}
            alert = single(kommun, uuid4(), "feedback", event, rule=REPORTED, subject_id=ident, now=now)
            await self._tell(connection, alert, person, awake(now, own.quiet or plan.quiet))


async def thank_for_each(connection: AsyncConnection, reports: Sequence[ReportLocated]) -> None:
    """Let the thanker look at these, where anybody wants word of each: a report once, however often it comes."""
    now = datetime.now(UTC)
    eager = await subscriptions.eager(connection, {m.kommun for m in reports})
    restored = await notices.restored_at(connection) if eager else None
    for kommun in eager:
        found = [
            _of_report(m, now)
            for m in reports
            if m.kommun == kommun and (restored is None or m.report.received_at > restored)
        ]
        new = {a.alert_id: a for a in found if a is not None}
        known = await alerts.many(connection, kommun, set(new))
        await alerts.put(connection, [a for ident, a in new.items() if ident not in known])
        await queue.put(connection, "thank", [(i, kommun, now, None) for i in new if i not in known])


def _of_report(located: ReportLocated, now: datetime) -> Alert | None:
    """What is to be said to a report's reporter; None for what has none, is no event, or came long ago (a replay)."""
    report, notice = located.report, of_report(located, "")
    if notice is None or report.reporter_token is None or now - report.received_at > EACH_KEPT:
        return None
    ident = uuid5(NAMESPACE, f"{located.kommun}/placed/{report.report_id}")
    event = {"report": str(report.report_id), "token": report.reporter_token}
    alert = single(located.kommun, ident, "feedback", event, rule=REPORTED, subject_id=report.report_id, now=now)
    return replace(alert, event_type=report.event_type, area=notice.area)
