"""Placing a batch: store the placement first, publish it, and publish the stored one again when the batch repeats.

geo always places the newest revision it knows; every revision gets its own placement, in order, so that the history
of facts downstream is complete.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextLocated, ContextReceived
from schemas.envelope import Envelope, derived_id
from schemas.locations import ReportLocated
from schemas.reports import ReportReceived
from schemas.topics import CONTEXT_LOCATED, REPORT_LOCATED, Topic
from schemas.values import Contract
from services.geo import store
from services.geo.domain import placing
from services.geo.domain.names import Names
from services.geo.layers import Layers
from services.runtime.decoding import Received
from services.runtime.minting import next_number
from services.runtime.publisher import Outgoing, message, type_of

SOURCE = "/lagesbild/geo"


class Placer:
    """geo's two effects, both repeatable."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._names = Names(layers)

    async def place_reports(
        self, connection: AsyncConnection, batch: Sequence[Received[ReportReceived]]
    ) -> list[Outgoing]:
        """Place each revision that is newer than what is known; answer older and equal ones with what is stored."""
        now = datetime.now(UTC)
        identities = list({(r.message.kommun, r.message.report_id) for r in batch})
        known = await store.known(connection, "placements", identities)
        age = await store.epoch(connection)
        settled = placing.settle([r.message for r in batch], self._layers)
        rows: list[store.New] = []
        outgoing: list[Outgoing] = []
        for received, answer in zip(batch, settled, strict=True):
            report = received.message
            identity = (report.kommun, report.report_id)
            stored = known.get(identity)
            if stored is not None and stored.newest.revision >= report.revision:
                located = ReportLocated.model_validate(_again(stored, report.revision).event)
            else:
                number = next_number(None if stored is None else stored.newest.placement, age)
                placement = placing.to_placement(answer, self._layers, number=number, now=now)
                located = ReportLocated(kommun=report.kommun, report=report, placement=placement)
                store.remember(known, identity, store.Stored(number, report.revision, located.model_dump(mode="json")))
                rows.append(
                    store.New(
                        *identity,
                        number,
                        report.revision,
                        located.model_dump_json(),
                        now,
                        answer.reason,
                        received.envelope.id,
                    )
                )
            identity_of = (
                located.kommun,
                located.report.report_id,
                located.report.revision,
                located.placement.placement,
            )
            outgoing.append(
                _message(REPORT_LOCATED, located, received.envelope, identity_of, located.placement.placed_at)
            )
        await store.add_reports(connection, rows)
        return outgoing

    async def place_context(
        self, connection: AsyncConnection, batch: Sequence[Received[ContextReceived]]
    ) -> list[Outgoing]:
        """The same for published items: municipality or county by exact name."""
        now = datetime.now(UTC)
        identities = list({(r.message.kommun, r.message.context_id) for r in batch})
        known = await store.known(connection, "context_placements", identities)
        age = await store.epoch(connection)
        rows: list[store.New] = []
        outgoing: list[Outgoing] = []
        for received in batch:
            item = received.message
            identity = (item.kommun, item.context_id)
            stored = known.get(identity)
            if stored is not None and stored.newest.revision >= item.revision:
                located = ContextLocated.model_validate(_again(stored, item.revision).event)
            else:
                number = next_number(None if stored is None else stored.newest.placement, age)
                placement = self._names.place(item, number=number, now=now)
                located = ContextLocated(kommun=item.kommun, context=item, placement=placement)
                store.remember(known, identity, store.Stored(number, item.revision, located.model_dump(mode="json")))
                rows.append(store.New(*identity, number, item.revision, located.model_dump_json(), now))
            identity_of = (located.context.context_id, located.context.revision, located.placement.placement)
            outgoing.append(
                _message(CONTEXT_LOCATED, located, received.envelope, identity_of, located.placement.placed_at)
            )
        await store.add_context(connection, rows)
        return outgoing


def _again(stored: store.Known, revision: int) -> store.Stored:
    """What was stored for this very revision, so that a repeat is complete; the newest for one we never placed."""
    return stored.by_revision.get(revision, stored.newest)


def _message(topic: Topic, body: Contract, cause: Envelope, identity: tuple[object, ...], at: datetime) -> Outgoing:
    """The derived message: its id follows from its identity, its time is when the placement was minted."""
    envelope = Envelope(
        id=derived_id(topic.name, *identity),
        source=SOURCE,
        type=type_of(topic),
        time=at,
        partitionkey=cause.partitionkey,
        correlationid=cause.correlationid,
        causationid=cause.id,
    )
    return message(topic, body, envelope)
