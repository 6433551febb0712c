"""Sending what is due: the standing job between the ledger and the channels.

The attempt is committed first, then the message is handed over, then what became of it is committed. A crash between
the other side's acceptance and that last commit is the one window that no channel can close: the message is sent
again under the same id, since a lost alert is worse than a doubled one.

What waits for one receiver goes out together, so nobody gets more messages than they are told of moments.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import retry_delay
from services.notify.gateways.channel import Channel, Delayed, Gone, Message, Receipt
from services.notify.handlers.composing import Composing
from services.notify.handlers.listening import woken
from services.notify.handlers.parcels import Parcel
from services.notify.handlers.pausing import Pauses
from services.notify.handlers.preparing import Preparing, close, tried_long
from services.notify.handlers.standing_in import stand_in
from services.notify.metrics import MAILS, MESSAGES
from services.notify.settings import NotifySettings
from services.notify.store import alerts, deliveries, devices, plans, queue
from services.pages.texts import text
from services.runtime import tracing
from services.runtime.asking import Away
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.errors import Permanent, is_transient
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

_log = logger(__name__)
LONGEST_DELAY = 3600.0
"""Seconds, whatever the other side asks for."""
_PROVIDER_ID = re.compile(r"[\w.@<>:+-]{1,128}")
Record = Callable[[AsyncConnection], Awaitable[None]]


class Sender:
    """The standing job that sends what is due."""

    def __init__(
        self,
        database: Database,
        settings: NotifySettings,
        channels: Mapping[str, Channel],
        composing: Composing,
        *,
        wake: asyncio.Event,
        clock: Clock = utc,
    ) -> None:
        self._database, self._settings, self._channels = database, settings, channels
        self._composing, self._wake, self._clock = composing, wake, clock
        self.pauses = Pauses()
        deadline = timedelta(hours=settings.alert_deadline_hours)
        self._preparing = Preparing(
            composing,
            clock,
            per_hour=settings.messages_per_hour,
            pauses=self.pauses,
            deadline=deadline,
            senders=settings.senders,
        )
        self._proven_at: dict[tuple[str, str], float] = {}

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled: a few at a time, so that one slow channel does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.senders):
                group.create_task(self._forever())

    async def _forever(self) -> None:
        while True:
            try:
                busy = await self.send_one()
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("a sender starts over", error=type(error).__name__)  # the others go on meanwhile
                await asyncio.sleep(1)
                continue
            if not busy:
                await woken(self._wake, self._settings.idle_seconds)

    async def send_one(self) -> bool:
        """Settle or postpone one due message; False when none is due."""
        async with self._database.transaction() as connection:
            claimed = await queue.claim_message(connection, self._settings.lease_seconds, self._settings.most_in_one)
        if claimed is None:
            return False
        kommun, ids = claimed
        async with self._database.transaction((kommun,)) as connection:
            parcel = await self._preparing.prepare(connection, kommun, ids)
        if parcel is not None:
            with structlog.contextvars.bound_contextvars(correlation_id=parcel.lead.correlation_id):
                await self._hand_over(parcel)
        return True

    async def _hand_over(self, parcel: Parcel) -> None:
        """Send one message and record what became of it; below the lease, so that nobody else takes it meanwhile."""
        since, correlation = tracing.begun(), parcel.lead.correlation_id
        try:
            async with asyncio.timeout(self._settings.lease_seconds * 0.8):
                message, receipt = await self._send(parcel)
        except (Delayed, Away, TimeoutError) as delayed:
            tracing.record(f"send {parcel.channel}", "CLIENT", [correlation], since, failed=True)
            await self._put_off(parcel, delayed)
            return
        except Permanent as refused:
            await reach("notify.after_refusal")
            await self._refused(parcel, refused)
            return
        except Exception as error:
            if is_transient(error):
                raise
            _log.exception("message failed", error=type(error).__name__)  # one bad message never stops the others
            await self._refused(parcel, Permanent("internal", type(error).__name__))
            return
        tracing.record(f"send {parcel.channel}", "CLIENT", [correlation], since)
        await reach("notify.after_send")
        await self._sent(parcel, message, receipt)

    async def _send(self, parcel: Parcel) -> tuple[Message, Receipt]:
        message, address = await self._composing.compose(parcel)
        await reach("notify.before_send")
        return message, await self._channels[parcel.channel].send(message, address)

    async def _sent(self, parcel: Parcel, message: Message, receipt: Receipt) -> None:
        self._count(parcel, "sent")
        self.pauses.took(self._health(parcel))
        ident = receipt.provider_id if receipt.provider_id and _PROVIDER_ID.fullmatch(receipt.provider_id) else None
        feedback = any(r.kind == "feedback" for r in parcel.rows)
        subject = text("voice.feedback_label") if feedback else message.subject  # what one reported is one's own matter
        said = {"subject": subject, "channel": parcel.channel, "together": len(parcel.rows)}

        async def record(connection: AsyncConnection) -> None:
            await deliveries.sent(
                connection, parcel.kommun, parcel.ids, said=said, provider_id=ident, cost=receipt.cost
            )
            if feedback:
                await alerts.forget_what(connection, parcel.kommun, parcel.ids)
            if receipt.gone:
                await devices.forget(connection, parcel.kommun, receipt.gone)
            await self._proven(connection, parcel)
            await self._composing.repeat(connection, parcel.kommun, parcel.rows, self._clock())

        await self._surely(parcel, record)

    async def _proven(self, connection: AsyncConnection, parcel: Parcel) -> None:
        """Once a minute is enough to know that a channel works: one row for all its messages is a queue of its own."""
        key = (parcel.kommun, self._health(parcel))
        if time.monotonic() - self._proven_at.get(key, -1e9) > 60:
            await plans.proven(connection, *key, self._clock())
            self._proven_at[key] = time.monotonic()

    async def _put_off(self, parcel: Parcel, delayed: Exception) -> None:
        """Again later, or another way when this one has been tried for long enough."""
        self._count(parcel, "delayed")
        self._missed(parcel, delayed)
        given = delayed.seconds if isinstance(delayed, Delayed) else None
        unsure = isinstance(delayed, TimeoutError) or (isinstance(delayed, Delayed) and delayed.unsure)
        delay = min(given or retry_delay(parcel.attempts, self._settings.longest_retry_delay), LONGEST_DELAY)
        way = (parcel.way + 1) % parcel.ways if tried_long(parcel.rows, self._clock()) else parcel.way
        reason = str(delayed) or type(delayed).__name__
        _log.warning("message delayed", channel=parcel.channel, reason=reason, delay=delay, attempts=parcel.attempts)

        async def record(connection: AsyncConnection) -> None:
            await deliveries.outcome(connection, parcel.kommun, parcel.ids, outcome="delayed", error=reason)
            state = "sending" if unsure else "due"
            delay_now = 0.0 if way != parcel.way else delay
            replaced = await deliveries.again(
                connection, parcel.kommun, parcel.ids, state=state, tier=way, error=reason
            )
            await self._instead(connection, parcel.kommun, replaced, delay_now)
            await queue.later(connection, parcel.ids, delay_now)
            if tried_long(parcel.rows, self._clock()):
                await self._stand_in(connection, parcel)
            if self._is_its_own(parcel, delayed):
                channel = self._health(parcel)
                await plans.troubled(connection, parcel.kommun, channel, reason, self._clock())
                self._proven_at.pop((parcel.kommun, channel), None)

        await self._surely(parcel, record)

    async def _refused(self, parcel: Parcel, refused: Permanent) -> None:
        """The next way, where there is one; otherwise it has failed, for a page and the operator to see."""
        others = parcel.ways > 1
        self._count(parcel, "refused" if others else "failed")

        async def record(connection: AsyncConnection) -> None:
            await deliveries.outcome(connection, parcel.kommun, parcel.ids, outcome="refused", error=refused.reason)
            if others:
                replaced = await deliveries.again(
                    connection,
                    parcel.kommun,
                    parcel.ids,
                    state="due",
                    tier=0,
                    error=refused.reason,
                    refused=parcel.channel,
                )
                await self._instead(connection, parcel.kommun, replaced, 0.0)
                await queue.later(connection, parcel.ids, 0.0)
            else:
                await close(connection, parcel.kommun, parcel.ids, "failed", refused.reason)
                await self._stand_in(connection, parcel)
            if isinstance(refused, Gone):  # of this receiver; the channel is well
                await devices.forget(connection, parcel.kommun, refused.ends)
                return
            channel = self._health(parcel)
            await plans.troubled(connection, parcel.kommun, channel, refused.reason, self._clock())
            self._proven_at.pop((parcel.kommun, channel), None)

        await self._surely(parcel, record)

    async def _stand_in(self, connection: AsyncConnection, parcel: Parcel) -> None:
        """Others are told where a place outside is the only one that was to be: it takes nothing, or not for long."""
        await stand_in(
            connection, parcel.kommun, parcel.rows, parcel.alerts, now=self._clock(), deadline=self._preparing.deadline
        )

    async def _instead(self, connection: AsyncConnection, kommun: str, replaced: list[UUID], delay: float) -> None:
        """What waits in the stead of these leaves when they would have."""
        if not replaced:
            return
        await queue.drop(connection, replaced)
        at = self._clock() + timedelta(seconds=delay)
        standing = await deliveries.inherited(connection, kommun, replaced)
        due = [(r.delivery_id, kommun, at, r.person_id) for r in standing]
        await queue.put(connection, "send", due, urgent=[r.delivery_id for r in standing if r.urgent])

    def _missed(self, parcel: Parcel, delayed: Exception) -> None:
        if self._is_its_own(parcel, delayed):
            self.pauses.missed(self._health(parcel))

    @staticmethod
    def _is_its_own(parcel: Parcel, delayed: Exception) -> bool:
        """Whether it is the channel's fault: neither a room that is away nor one person's mailbox that is full."""
        full = isinstance(delayed, Delayed) and delayed.receiver and parcel.reach.person
        return not isinstance(delayed, Away) and not full

    def _health(self, parcel: Parcel) -> str:
        return self._composing.health_of(parcel.lead, parcel.channel)

    def _count(self, parcel: Parcel, outcome: str) -> None:
        MESSAGES.labels(parcel.channel, outcome).inc()
        if parcel.channel == "mail":
            MAILS.labels("failed" if outcome == "refused" else outcome).inc()

    async def _surely(self, parcel: Parcel, record: Record) -> None:
        """Record an outcome also when the process is asked to stop meanwhile: the message has left, or never will."""
        recording = asyncio.ensure_future(self._recorded(parcel, record))
        stopped: asyncio.CancelledError | None = None
        while not recording.done():
            try:
                await asyncio.shield(recording)
            except asyncio.CancelledError as told:  # more than once, perhaps
                stopped = told
        if stopped is not None:
            raise stopped
        recording.result()

    async def _recorded(self, parcel: Parcel, record: Record) -> None:
        """While the database is away, or somebody else was quicker, again and again.

        What cannot be recorded as it is (an answer that no column takes) is recorded as failed: it stops nobody else.
        """
        while True:
            try:
                async with self._database.transaction((parcel.kommun,)) as connection:
                    await record(connection)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other messages
                if is_transient(error) or isinstance(error, IntegrityError):
                    await asyncio.sleep(1)
                    continue
                _log.exception("an outcome cannot be recorded", error=type(error).__name__)
                async with self._database.transaction((parcel.kommun,)) as connection:
                    await close(connection, parcel.kommun, parcel.ids, "failed", "internal")
            return
