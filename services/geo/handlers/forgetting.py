"""Who settled a place is forgotten with the person; what was settled stays."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import PersonErased
from services.geo.store import review
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_erasures(connection: AsyncConnection, batch: Sequence[Received[PersonErased]]) -> Sequence[Outgoing]:
    """Forget these people."""
    for received in batch:
        await review.forget(connection, received.kommun, str(received.message.person_id))
    return ()
