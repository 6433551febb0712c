"""From answers to alerts to what is known about each rule: the newest revision of each answer."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.alerts import AlertAnswered
from services.analysis.store import answers as store
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_answers(connection: AsyncConnection, batch: Sequence[Received[AlertAnswered]]) -> Sequence[Outgoing]:
    """Keep the newest of each; an older one, or the same again, changes nothing."""
    newest: dict[tuple[str, UUID], AlertAnswered] = {}
    for received in batch:
        key = (received.kommun, received.message.alert_id)
        if key not in newest or newest[key].revision < received.message.revision:
            newest[key] = received.message
    await store.put(connection, list(newest.values()))
    return ()
