"""Placing a batch: store the placement first, publish it, and publish the stored one again when the batch repeats.

geo always places the newest revision it knows; every revision gets its own placement, in order, so that the history
of facts downstream is complete.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextReceived
from schemas.envelope import Envelope, derived_id
from schemas.topics import CONTEXT_LOCATED, REPORT_LOCATED, Topic
from services.geo.domain import placing, publishing
from services.geo.domain.anonymised import as_before, placement_in, standing_in
from services.geo.domain.deciding import asks_for_review, place_key
from services.geo.domain.names import Names
from services.geo.domain.reading import Report
from services.geo.domain.writing import Placement, written
from services.geo.handlers.defaults import Defaults
from services.geo.layers.own import Atlas
from services.geo.layers.shipped import Layers
from services.geo.registers.loading import Geocoders, reader
from services.geo.store import placements as store
from services.geo.store import review
from services.geo.store.placements import Identity, Stored
from services.runtime.decoding import Received
from services.runtime.minting import next_number
from services.runtime.publisher import Outgoing, type_of

SOURCE = "/lagesbild/geo"

M = TypeVar("M", Report, ContextReceived)


class Made(NamedTuple):
    """A placement as JSON, why it has no place if it has none, and why a person should look at it."""

    json: str
    reason: str | None = None
    review: str | None = None
    spot: store.Spot | None = None


Make = Callable[[int, datetime], Made]
"""From a placement's number and time."""


@dataclass(frozen=True)
class _Kind(Generic[M]):
    """What differs between the two things that geo places."""

    table: str
    topic: Topic
    body: str
    ident: Callable[[M], UUID]
    settle: Callable[[AsyncConnection, Sequence[M], Collection[Identity]], Awaitable[list[Make]]]
    """From the messages, and which of them were placed before, to their placements."""
    named: Callable[[Identity], tuple[object, ...]]
    """The first parts of the derived message id."""


class Placer:
    """geo's two effects, both repeatable."""

    def __init__(self, layers: Layers, geocoders: Geocoders, atlas: Atlas) -> None:
        self._layers, self._geocoders, self._atlas = layers, geocoders, atlas
        self._defaults = Defaults()
        self.seen: set[str] = set()
        """The municipalities whose reports it has placed."""
        self._names = Names(layers)
        self._reports = _Kind[Report](
            "placements", REPORT_LOCATED, "report", lambda r: r.report_id, self._settle_reports, lambda i: i
        )
        self._context = _Kind[ContextReceived](
            "context_placements", CONTEXT_LOCATED, "context", lambda c: c.context_id, self._settle_context,
            lambda identity: identity[1:],
        )  # fmt: skip

    async def place_reports(self, connection: AsyncConnection, batch: Sequence[Received[Report]]) -> list[Outgoing]:
        """Place each revision that is newer than what is known; answer older and equal ones with what is stored."""
        return await _place(connection, batch, self._reports)

    async def place_context(
        self, connection: AsyncConnection, batch: Sequence[Received[ContextReceived]]
    ) -> list[Outgoing]:
        """The same for published items: municipality or county by exact name."""
        return await _place(connection, batch, self._context)

    async def _settle_reports(
        self, connection: AsyncConnection, reports: Sequence[Report], before: Collection[Identity]
    ) -> list[Make]:
        kommuner = {r.kommun for r in reports}
        self.seen |= kommuner
        own = await self._atlas.load(connection, kommuner)
        defaults = await self._defaults.known(connection, kommuner)
        texts = {r.kommun for r in reports if r.place.text is not None}
        loaded = await self._geocoders.load(connection, texts, own)

        decided = await standing_decisions(connection, [r for r in reports if (r.kommun, r.report_id) in before])
        # Reports after gallring take over what was known: by the database, or by this batch, which goes first.
        hidden = {i for i, report in enumerate(reports) if report.anonymised}
        stood = await known_before(connection, [reports[i] for i in hidden])
        settle = partial(placing.settle, layers=self._layers, reader=reader(loaded), own=own, defaults=defaults)
        plain = [i for i in range(len(reports)) if i not in hidden]
        answers = dict(zip(plain, settle([reports[i] for i in plain], decisions=decided), strict=True))
        placed: dict[Identity, int] = {}
        for i, report in enumerate(reports):
            identity = (report.kommun, report.report_id)
            if i not in hidden:
                placed[identity] = i
            elif identity in placed:
                just, now = answers[placed[identity]], datetime.now(UTC)
                stood[identity] = publishing.to_placement(just, self._layers, number=0, now=now)
        standing = {i: standing_in(r, stood[r.kommun, r.report_id]) if (r.kommun, r.report_id) in stood else r
                    for i, r in enumerate(reports) if i in hidden}  # fmt: skip
        answers |= dict(zip(standing, settle(list(standing.values())), strict=True))

        def make(report: Report, settled: placing.Settled) -> Make:
            review = asks_for_review(report, settled.precision, settled.reason, settled.notes)
            before = stood.get((report.kommun, report.report_id)) if report.anonymised else None

            def made(number: int, now: datetime) -> Made:
                placement = publishing.to_placement(settled, self._layers, number=number, now=now)
                if before is not None:
                    placement = as_before(placement, before)
                    return Made(written(placement), placement.reason, None, spot_of(report, placement))
                return Made(written(placement), settled.reason, review, spot_of(report, placement))

            return made

        return [make(report, answers[i]) for i, report in enumerate(reports)]

    async def _settle_context(
        self, _connection: AsyncConnection, items: Sequence[ContextReceived], _before: Collection[Identity]
    ) -> list[Make]:
        def make(item: ContextReceived) -> Make:
            return lambda number, now: Made(self._names.place(item, number=number, now=now).model_dump_json())

        return [make(item) for item in items]


async def known_before(connection: AsyncConnection, reports: Sequence[Report]) -> dict[Identity, Placement]:
    """Where these reports stood, for those after gallring, which say so themselves no longer."""
    if not reports:
        return {}
    events = await store.newest_events(connection, [(r.kommun, r.report_id) for r in reports])
    return {identity: placement_in(event) for identity, event in events.items()}


def spot_of(report: Report, placement: Placement) -> store.Spot | None:
    """What a located report that counts is found by."""
    cell, point = placement.cells.get("7"), placement.point
    if cell is None or point is None or report.withdrawn or report.merged_into is not None:
        return None
    return store.Spot(point.e, point.n, int(cell, 16), report.time_from, report.event_type)


async def standing_decisions(connection: AsyncConnection, reports: Sequence[Report]) -> placing.Decisions:
    """What people decided about these reports, where the sender has not given another place since."""
    places = {(r.kommun, r.report_id): place_key(r.place) for r in reports}
    found = await review.decisions(connection, list(places))
    return {identity: d.decision for identity, d in found.items() if places[identity] == d.place_key}


async def _place(connection: AsyncConnection, batch: Sequence[Received[M]], kind: _Kind[M]) -> list[Outgoing]:
    now = datetime.now(UTC)
    identities = [(received.kommun, kind.ident(received.message)) for received in batch]
    newest = await store.newest(connection, kind.table, list(set(identities)))
    age = await store.epoch(connection)
    fresh: dict[tuple[Identity, int], Stored] = {}
    rows: list[store.New] = []
    repeated: list[Identity] = []
    settled = await kind.settle(connection, [r.message for r in batch], newest)
    for received, identity, make in zip(batch, identities, settled, strict=True):
        revision, known = received.message.revision, newest.get(identity)
        if known is not None and known.revision >= revision:
            repeated.append(identity)
            continue
        number = next_number(None if known is None else known.placement, age)
        made = make(number, now)
        # The received JSON goes on as it is: unread by us, unchanged, and without writing it a second time.
        event = f'{{"kommun":"{identity[0]}","{kind.body}":{received.json},"placement":{made.json}}}'
        newest[identity] = store.Newest(number, revision)
        fresh[identity, revision] = Stored(number, revision, now, event)
        rows.append(
            store.New(identity, fresh[identity, revision], made.reason, received.envelope.id, made.review, made.spot)
        )
    again = await store.again(connection, kind.table, sorted(set(repeated)))
    await store.add(connection, kind.table, rows)
    await _forget(connection, kind, batch, rows)
    outgoing = []
    for received, identity in zip(batch, identities, strict=True):
        every = _stored(identity, received.message.revision, fresh, again)
        outgoing += [_message(kind, identity, stored, received.envelope) for stored in every]
    return outgoing


async def _forget(
    connection: AsyncConnection, kind: _Kind[M], batch: Sequence[Received[M]], rows: Sequence[store.New]
) -> None:
    """Of a report after gallring nothing older stays, nor what people decided about its place."""
    gone = {(r.kommun, kind.ident(r.message)) for r in batch if getattr(r.message, "anonymised", False)}
    if gone:
        await store.forget_older(
            connection, [(row.identity, row.stored.placement) for row in rows if row.identity in gone]
        )
        await review.forget_decisions(connection, sorted(gone))


def _stored(
    identity: Identity,
    revision: int,
    fresh: dict[tuple[Identity, int], Stored],
    again: dict[Identity, dict[int, list[Stored]]],
) -> list[Stored]:
    """What was stored for this very revision, so that a repeat is complete; the newest for one we never placed.

    All its placements: the first may not have been published when the report was placed anew, and only it may alert.
    """
    if (identity, revision) in fresh:
        return [fresh[identity, revision]]
    placed = again.get(identity, {})
    if revision in placed:
        return placed[revision]
    every = [s for (known, _), s in fresh.items() if known == identity] + [s for ss in placed.values() for s in ss]
    return [max(every, key=lambda s: s.placement)]


def _message(kind: _Kind[M], identity: Identity, stored: Stored, cause: Envelope) -> Outgoing:
    """The derived message: its id follows from its identity, its time is when the placement was minted."""
    envelope = Envelope(
        id=derived_id(kind.topic.name, *kind.named(identity), stored.revision, stored.placement),
        source=SOURCE,
        type=type_of(kind.topic),
        time=stored.placed_at,
        partitionkey=cause.partitionkey,
        correlationid=cause.correlationid,
        causationid=cause.id,
    )
    return Outgoing(kind.topic.name, envelope.partitionkey.encode(), stored.event.encode(), envelope.headers())
