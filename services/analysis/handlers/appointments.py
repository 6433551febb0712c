"""From appointments to the exposure: who was appointed to report where and when, by opaque tokens."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import AppointmentChanged
from services.analysis.store import appointments as store
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_appointments(
    connection: AsyncConnection, batch: Sequence[Received[AppointmentChanged]]
) -> Sequence[Outgoing]:
    """Keep the newest revision of each; an older one, or the same again, changes nothing."""
    newest: dict[tuple[str, str], AppointmentChanged] = {}
    for received in batch:
        key = (received.kommun, received.message.reporter_token)
        if key not in newest or newest[key].revision < received.message.revision:
            newest[key] = received.message
    await store.put(connection, list(newest.values()))
    return ()
