"""Entering messages: in the ledger and in the queue, in the transaction that causes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.alerts import Alert
from services.notify.domain.notices import Kind
from services.notify.domain.routing import Receiver
from services.notify.store import alerts, deliveries, queue
from services.notify.store.deliveries import Entry


def about(
    alert: Alert,
    receiver: Receiver,
    rules: Sequence[str],
    *,
    urgent: bool,
    reason: str,
    deadline: datetime,
    repeat_hours: int | None = None,
) -> Entry:
    """The entry that tells a receiver of an alert; the first rule is the one by which it goes."""
    return Entry(
        delivery_id=uuid4(),
        receiver=receiver.kind,
        receiver_id=receiver.ident,
        alert_id=alert.alert_id,
        subject_id=alert.subject_id,
        kind=alert.kind,
        rule=rules[0],
        rules=tuple(rules),
        urgent=urgent,
        repeat_hours=repeat_hours,
        correlation_id=alert.correlation_id,
        deadline=deadline,
        reason=reason,
    )


async def tell(connection: AsyncConnection, kommun: str, entries: Sequence[tuple[Entry, datetime]]) -> None:
    """Enter these, each to leave at its moment; where somebody waits to hear of the alert already, that serves."""
    wanted = {(entry.alert_id, entry.receiver_id): (entry, at) for entry, at in entries}
    standing = await deliveries.add(connection, kommun, [entry for entry, _ in wanted.values()])
    waiting = [(ident, kommun, wanted[key][1], key[1]) for key, ident in standing.items()]
    urgent = [ident for key, ident in standing.items() if wanted[key][0].urgent]
    await queue.put(connection, "send", waiting, urgent=urgent)


def single(
    kommun: str, alert_id: UUID, kind: Kind, event: Mapping[str, Any], *, rule: str, subject_id: UUID, now: datetime
) -> Alert:
    """An alert for one message: over from the start, so that it gathers nothing and nobody is asked to take it."""
    return Alert(
        kommun=kommun,
        alert_id=alert_id,
        dedup_key=f"{kind}/{alert_id}",
        kind=kind,
        subject_id=subject_id,
        event=dict(event),
        correlation_id=str(subject_id),
        state="over",
        notices=1,
        severity=None,
        event_type=None,
        area=None,
        opened_at=now,
        last_at=now,
        closed_at=now,
        rule=rule,
    )


async def announce(
    connection: AsyncConnection,
    alert: Alert,
    to: Sequence[tuple[Receiver, Sequence[str]]],
    *,
    at: datetime,
    reason: str,
    kept_for: timedelta,
    urgent: bool = False,
) -> None:
    """Store an alert and tell these of it, each by their rules, at a moment; too late ``kept_for`` after that."""
    await alerts.put(connection, [alert])
    entries = [about(alert, who, rules, urgent=urgent, reason=reason, deadline=at + kept_for) for who, rules in to]
    await tell(connection, alert.kommun, [(entry, at) for entry in entries])
