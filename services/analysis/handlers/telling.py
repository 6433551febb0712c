"""Telling notify that the picture changed, in the transaction that changed it; the outbox holds it for Kafka."""

from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.envelope import Envelope, derived_id
from schemas.situation import SituationChanged
from schemas.topics import SITUATION_CHANGED
from schemas.values import AreaRef
from services.analysis.store import signals as store
from services.analysis.store.signals import Revision
from services.analysis.views import SWEDEN
from services.runtime import outbox
from services.runtime.publisher import message, type_of

SOURCE = "/lagesbild/analysis"
NAMES = UUID("6f1d3c1e-6f0a-5d27-9d8e-3a4a1f6b7c21")
"""Namespace of cases: the same municipality, week and series name the same case."""


async def tell(connection: AsyncConnection, events: Sequence[SituationChanged], due: datetime | None = None) -> None:
    """Write these to the outbox: the same revision of a situation has the same id, whoever sends it.

    ``due``: the moment of a task that found them. What is caught up after a restore counts as told by the database
    that was lost: it is dated when it was due, and notify tells nobody of what is from before a restore.
    """
    restored = await store.restored_at(connection)
    if due is not None and restored is not None and due <= restored:
        events = [event.model_copy(update={"minted_at": due}) for event in events]
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


async def keep(
    connection: AsyncConnection, kommun: str, revisions: Sequence[Revision], layer_version: str | None, due: datetime
) -> None:
    """Store the revisions of a task's moment and tell of them.

    Not of later corrections: a case keeps its numbers, so the message would say the old ones once more as if they went
    on. The case says what is known now, and so does the next lägesbild.
    """
    await store.add_revisions(connection, kommun, revisions)
    news = [one for one in revisions if one.document["reason"] != "corrected"]
    await tell(connection, [_changed(kommun, one, layer_version) for one in news], due)


def _changed(kommun: str, case: Revision, layer_version: str | None) -> SituationChanged:
    lead = case.document["evidence"][0]
    area, kind = lead["area"], lead["kind"]
    since = datetime.combine(date.fromisoformat(case.document["since"]), time(), SWEDEN)
    return SituationChanged.model_validate(
        {
            "kommun": kommun,
            "situation_id": case.case_id,
            "revision": case.revision,
            "kind": "case",
            "state": case.state,
            "event_type": kind if len(kind) > 1 else None,
            "event_group": kind if len(kind) == 1 else None,
            "area": AreaRef(layer=store.LAYER, version=layer_version, area=area) if area and layer_version else None,
            "number": case.number,
            "observed": lead["observed"],
            "expected": lead["expected"],
            "since": since,
            "minted_at": case.minted_at,
        }
    )
