"""Entering alerts in the ledger, and sending what is due.

Entering is one transaction with the position: a redelivered batch finds its entries there. Sending commits the attempt
first, hands the mail over, then commits ``sent``. A crash between the server's acceptance and that commit is the one
window in which SMTP cannot promise both: we send again, with the same Message-ID, since a lost alert is worse than a
doubled one.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import PersonErased
from schemas.locations import ReportLocated
from services.notify import domain, store
from services.notify.gateways import Directory, Places
from services.notify.mails import alert_mail
from services.notify.metrics import MAILS
from services.notify.settings import NotifySettings
from services.runtime import tracing
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.decoding import Received
from services.runtime.errors import Permanent, is_transient
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.mail import MailDelayed, SmtpServer
from services.runtime.publisher import Outgoing, Publisher

_log = logger(__name__)
IDLE_SECONDS = 0.5


class Alerts:
    """The consumer's effect: who is told about each report."""

    def __init__(self, settings: NotifySettings) -> None:
        self._deadline = timedelta(hours=settings.alert_deadline_hours)
        self._oldest = timedelta(days=settings.oldest_event_days)

    async def take_reports(
        self, connection: AsyncConnection, batch: Sequence[Received[ReportLocated]]
    ) -> Sequence[Outgoing]:
        """Enter the deliveries that this batch causes; a report causes one per subscription, ever."""
        now = datetime.now(UTC)
        wanted = await store.subscriptions(connection, {r.kommun for r in batch})
        restored = await store.restored_at(connection)
        entries: dict[UUID, tuple[domain.Delivery, dict[str, Any], str]] = {}
        for received in batch:
            located = received.message
            for delivery in domain.deliveries(
                located, wanted, now, deadline=self._deadline, oldest_event=self._oldest, restored_at=restored
            ):
                event = located.model_dump(mode="json")
                entries.setdefault(delivery.delivery_id, (delivery, event, received.envelope.correlationid))
        await store.add_deliveries(connection, list(entries.values()))
        gone = [r.message for r in batch if r.message.report.anonymised]
        await store.anonymise(connection, {(m.kommun, m.report.report_id): m.model_dump_json() for m in gone})
        return ()


async def take_erasures(connection: AsyncConnection, batch: Sequence[Received[PersonErased]]) -> Sequence[Outgoing]:
    """Forget these people: contact and subscriptions go, and the ledger keeps what was sent but not to whom."""
    for received in batch:
        await store.erase(connection, received.kommun, received.message.person_id)
    return ()


class Sender:
    """The standing job that sends what is due, one delivery at a time."""

    def __init__(
        self, database: Database, settings: NotifySettings, smtp: SmtpServer, directory: Directory, places: Places
    ) -> None:
        self._database, self._settings, self._smtp = database, settings, smtp
        self._directory, self._places = directory, places

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled."""
        while True:
            if not await self.send_one():
                await asyncio.sleep(IDLE_SECONDS)

    async def send_one(self) -> bool:
        """Settle or postpone one due delivery; False when none is due."""
        async with self._database.transaction() as connection:
            claimed = await store.claim(connection, self._settings.lease_seconds)
        if claimed is None:
            return False
        ident, kommun = claimed
        async with self._database.transaction((kommun,)) as connection:
            row = await store.start(connection, kommun, ident)
            if row is None:
                await store.drop(connection, ident)
            elif row.too_late is not None:
                await store.finish(connection, kommun, ident, "expired", row.too_late)
        if row is not None and row.too_late is None:
            with structlog.contextvars.bound_contextvars(correlation_id=row.correlation_id):
                await self._hand_over(kommun, ident, row)
        return True

    async def _hand_over(self, kommun: str, ident: UUID, row: Row[Any]) -> None:
        """Send one mail and record what became of it; below the lease, so that nobody else takes it meanwhile."""
        since = tracing.begun()
        try:
            async with asyncio.timeout(self._settings.lease_seconds * 0.8):
                mail = await self._mail(kommun, row)
                await reach("notify.before_send")
                await self._smtp.send(mail)
        except (MailDelayed, Away, TimeoutError) as delayed:
            MAILS.labels("delayed").inc()
            tracing.record("send mail", "CLIENT", [row.correlation_id], since, failed=True)
            delay = domain.retry_delay(row.attempts, self._settings.longest_retry_delay)
            _log.warning("mail delayed", reason=str(delayed), delay=delay, attempts=row.attempts)
            async with self._database.transaction((kommun,)) as connection:
                await store.later(connection, ident, delay)
            return
        except Permanent as refused:
            await self._settle(kommun, ident, "failed", refused.reason)
            return
        except Exception as error:
            if is_transient(error):
                raise
            _log.exception("mail failed", error=type(error).__name__)  # one bad mail never stops the others
            await self._settle(kommun, ident, "failed", "internal")
            return
        tracing.record("send mail", "CLIENT", [row.correlation_id], since)
        await reach("notify.after_send")
        await self._settle(kommun, ident, "sent")

    async def _settle(self, kommun: str, ident: UUID, state: str, reason: str | None = None) -> None:
        """Record the outcome; while the database is away, again and again, since the mail has left or never will."""
        MAILS.labels(state).inc()
        while True:
            try:
                async with self._database.transaction((kommun,)) as connection:
                    await store.finish(connection, kommun, ident, state, reason)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(1)
            else:
                return

    async def _mail(self, kommun: str, row: Row[Any]) -> EmailMessage:
        address = await self._address(kommun, row.person_id)
        async with self._database.transaction((kommun,)) as connection:
            subscription = await store.subscription(connection, kommun, row.subscription_id)
        located = ReportLocated.model_validate(row.event)
        area = await self._places.area_name(located)
        return alert_mail(
            located,
            area,
            subscription,
            sender=self._settings.mail_from,
            receiver=address,
            message_id=row.message_id,
            public_url=self._settings.public_url,
        )

    async def _address(self, kommun: str, person: UUID) -> str:
        async with self._database.transaction((kommun,)) as connection:
            kept = await store.contact(connection, kommun, person)
        if kept is not None and kept[1]:
            return kept[0]
        try:
            fresh = await self._directory.email(kommun, person)
        except Away:  # alarms go out while the door is away, by an address of today
            if kept is None:
                raise
            return kept[0]
        if fresh is None:
            raise Permanent("no_such_person", "the directory knows no such person")
        async with self._database.transaction((kommun,)) as connection:
            await store.keep_contact(connection, kommun, person, fresh)
        return fresh
