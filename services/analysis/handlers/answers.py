"""From answers to alerts to what is known about each rule: the newest revision of each answer."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.alerts import AlertAnswered
from services.analysis.handlers.newest import newest
from services.analysis.store import answers as store
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def take_answers(connection: AsyncConnection, batch: Sequence[Received[AlertAnswered]]) -> Sequence[Outgoing]:
    """Keep the newest of each."""
    await store.put(connection, newest((r.message for r in batch), lambda a: (a.kommun, a.alert_id)))
    return ()
