"""From appointments to the exposure: who was appointed to report where and when, by opaque tokens."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import AppointmentChanged
from services.analysis.handlers.newest import newest
from services.analysis.store import appointments as store
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_appointments(
    connection: AsyncConnection, batch: Sequence[Received[AppointmentChanged]]
) -> Sequence[Outgoing]:
    """Keep the newest revision of each."""
    await store.put(connection, newest((r.message for r in batch), lambda a: (a.kommun, a.reporter_token)))
    return ()
