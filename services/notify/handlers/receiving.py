"""What a provider says after it took a message: it arrived, or it did not and goes another way."""

from datetime import UTC, datetime
from uuid import UUID

from services.notify.metrics import LOST as LOST_MESSAGES
from services.notify.metrics import MESSAGES
from services.notify.store import plans, queue, receipts
from services.runtime.database import Database
from services.runtime.faultpoints import reach

ARRIVED, LOST = "delivered", "failed"


async def take_receipt(
    database: Database, kommun: str, delivery: UUID, *, provider_id: str, status: str, channel: str = "sms"
) -> bool:
    """Record a delivery report, once; what did not arrive is sent the receiver's other way.

    False when it comes before what it is about is recorded: the provider must say it again.
    """
    if status not in {ARRIVED, LOST}:
        return True
    outcome = "delivered" if status == ARRIVED else "undelivered"
    async with database.transaction((kommun,)) as connection:
        news = await receipts.receipt(connection, kommun, delivery, provider_id=provider_id, outcome=outcome)
        if not news:
            return not await receipts.in_hand(connection, kommun, delivery)
        if status == ARRIVED:
            await receipts.arrived(connection, kommun, delivery)
        else:
            found, now = await receipts.lost(connection, kommun, delivery), datetime.now(UTC)
            LOST_MESSAGES.labels("failed").inc(found.failed)
            place = await receipts.place_of(connection, kommun, delivery)
            if place is not None:  # a mailbox of its own: the server took it, and there is nobody behind
                await plans.troubled(connection, kommun, str(place), outcome, now, disproved=True)
            due = [(ident, kommun, now, receiver) for ident, receiver, _ in found.again]
            await queue.put(connection, "send", due, urgent=[ident for ident, _, urgent in found.again if urgent])
        await reach("receipt.before_commit")
    await reach("receipt.after_commit")
    MESSAGES.labels(channel, outcome).inc()
    return True
