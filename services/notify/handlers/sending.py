"""Sending what is due: the standing job between the ledger and the channels.

The attempt is committed first, then the message is handed over, then what became of it is committed. A crash between
the other side's acceptance and that last commit is the one window that no channel can close: the message is sent
again under the same id, since a lost alert is worse than a doubled one.

What waits for one receiver goes out together, so nobody gets more messages than they are told of moments.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import retry_delay
from services.notify.gateways.channel import Channel, Delayed, Message, Receipt
from services.notify.handlers.composing import Composing
from services.notify.handlers.preparing import Parcel, Preparing, close
from services.notify.metrics import MAILS, MESSAGES
from services.notify.settings import NotifySettings
from services.notify.store import deliveries, plans, queue
from services.runtime import tracing
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.errors import Permanent, is_transient
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

_log = logger(__name__)
MISSES, PAUSE_SECONDS = 5, 10.0
"""After so many tries in a row that a channel did not take, it is left alone for so long."""
WAYS_AFTER = {True: timedelta(minutes=5), False: timedelta(hours=2)}
"""How long a way that does not answer is tried before the next one; urgent ones sooner."""


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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._settings, self._channels = database, settings, channels
        self._composing, self._wake, self._clock = composing, wake, clock
        self._preparing = Preparing(composing, clock, settings.messages_per_hour)
        self._pauses: dict[str, float] = {}
        self._misses: dict[str, int] = {}
        self._proven_at: dict[tuple[str, str], float] = {}

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled: a few at a time, so that one slow channel does not hold up the others."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.senders):
                group.create_task(self._forever())

    async def _forever(self) -> None:
        while True:
            if not await self.send_one():
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), timeout=self._settings.idle_seconds)
                except TimeoutError:
                    continue

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
        if (pause := self._pauses.get(parcel.channel, 0.0) - time.monotonic()) > 0:
            raise Delayed("the channel does not answer", seconds=pause)
        message, address = await self._composing.compose(parcel.kommun, parcel)
        await reach("notify.before_send")
        return message, await self._channels[parcel.channel].send(message, address)

    async def _sent(self, parcel: Parcel, message: Message, receipt: Receipt) -> None:
        self._count(parcel, "sent")
        self._misses.pop(parcel.channel, None)
        said = {"subject": message.subject, "channel": parcel.channel, "together": len(parcel.rows)}

        async def record(connection: AsyncConnection) -> None:
            await deliveries.sent(
                connection, parcel.kommun, parcel.ids, said=said, provider_id=receipt.provider_id, cost=receipt.cost
            )
            await self._proven(connection, parcel)
            await self._composing.repeat(connection, parcel.kommun, parcel.rows, self._clock())

        await self._surely(parcel.kommun, record)

    async def _proven(self, connection: AsyncConnection, parcel: Parcel) -> None:
        """Once a minute is enough to know that a channel works: one row for all its messages is a queue of its own."""
        key = (parcel.kommun, self._composing.health_of(parcel.lead, parcel.channel))
        if time.monotonic() - self._proven_at.get(key, -1e9) > 60:
            await plans.proven(connection, *key, self._clock())
            self._proven_at[key] = time.monotonic()

    async def _put_off(self, parcel: Parcel, delayed: Exception) -> None:
        """Again later, or another way when this one has been tried for long enough."""
        self._count(parcel, "delayed")
        self._missed(parcel, delayed)
        given = delayed.seconds if isinstance(delayed, Delayed) else None
        unsure = isinstance(delayed, TimeoutError) or (isinstance(delayed, Delayed) and delayed.unsure)
        delay = given or retry_delay(parcel.attempts, self._settings.longest_retry_delay)
        first = min((r.first_tried for r in parcel.rows if r.first_tried is not None), default=self._clock())
        over = self._clock() - first > WAYS_AFTER[any(r.urgent for r in parcel.rows)]
        way = parcel.way + 1 if over and parcel.way + 1 < parcel.ways else parcel.way
        reason = str(delayed) or type(delayed).__name__
        _log.warning("message delayed", channel=parcel.channel, reason=reason, delay=delay, attempts=parcel.attempts)

        async def record(connection: AsyncConnection) -> None:
            await deliveries.outcome(connection, parcel.kommun, parcel.ids, outcome="delayed", error=reason)
            state = "sending" if unsure else "due"
            replaced = await deliveries.again(
                connection, parcel.kommun, parcel.ids, state=state, tier=way, error=reason
            )
            await queue.drop(connection, replaced)
            await queue.later(connection, parcel.ids, 0.0 if way != parcel.way else delay)
            if not isinstance(delayed, Away):
                channel = self._composing.health_of(parcel.lead, parcel.channel)
                await plans.troubled(connection, parcel.kommun, channel, reason, self._clock())
                self._proven_at.pop((parcel.kommun, channel), None)

        await self._surely(parcel.kommun, record)

    async def _refused(self, parcel: Parcel, refused: Permanent) -> None:
        """The next way, where there is one; otherwise it has failed, for a page and the operator to see."""
        way = parcel.way + 1
        self._count(parcel, "refused" if way < parcel.ways else "failed")

        async def record(connection: AsyncConnection) -> None:
            await deliveries.outcome(connection, parcel.kommun, parcel.ids, outcome="refused", error=refused.reason)
            if way < parcel.ways:
                replaced = await deliveries.again(
                    connection, parcel.kommun, parcel.ids, state="due", tier=way, error=refused.reason
                )
                await queue.drop(connection, replaced)
                await queue.later(connection, parcel.ids, 0.0)
            else:
                await close(connection, parcel.kommun, parcel.ids, "failed", error=refused.reason)
            channel = self._composing.health_of(parcel.lead, parcel.channel)
            await plans.troubled(connection, parcel.kommun, channel, refused.reason, self._clock())
            self._proven_at.pop((parcel.kommun, channel), None)

        await self._surely(parcel.kommun, record)

    def _missed(self, parcel: Parcel, delayed: Exception) -> None:
        """A channel that did not answer several times in a row is left alone for a moment.

        Places outside are not one channel: one that is away does not silence the others.
        """
        if isinstance(delayed, Away) or parcel.lead.receiver == "destination":
            return
        self._misses[parcel.channel] = self._misses.get(parcel.channel, 0) + 1
        if self._misses[parcel.channel] % MISSES == 0:
            self._pauses[parcel.channel] = time.monotonic() + PAUSE_SECONDS

    def _count(self, parcel: Parcel, outcome: str) -> None:
        MESSAGES.labels(parcel.channel, outcome).inc()
        if parcel.channel == "mail":
            MAILS.labels("failed" if outcome == "refused" else outcome).inc()

    async def _surely(self, kommun: str, record: Any) -> None:
        """Record an outcome; while the database is away, again and again: the message has left, or never will."""
        while True:
            try:
                async with self._database.transaction((kommun,)) as connection:
                    await record(connection)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(1)
            else:
                return
