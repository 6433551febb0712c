"""Telling notify that the picture changed, in the transaction that changed it; the outbox holds it for Kafka."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.envelope import Envelope, derived_id
from schemas.situation import SituationChanged
from schemas.topics import SITUATION_CHANGED
from services.runtime import outbox
from services.runtime.publisher import message, type_of

SOURCE = "/lagesbild/analysis"


async def tell(connection: AsyncConnection, events: Sequence[SituationChanged]) -> None:
    """Write these to the outbox: the same revision of a situation has the same id, whoever sends it."""
    await outbox.write(connection, [message(SITUATION_CHANGED, event, _envelope(event)) for event in events])


def _envelope(event: SituationChanged) -> Envelope:
    return Envelope(
        id=derived_id(SITUATION_CHANGED.name, event.kommun, event.situation_id, event.revision),
        source=SOURCE,
        type=type_of(SITUATION_CHANGED),
        time=event.minted_at,
        partitionkey=event.kommun,
        correlationid=str(event.situation_id),
    )
