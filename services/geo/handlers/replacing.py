"""Placing anew what was placed before, on request: after a new register, after a new version of a layer.

In chunks under the consumer's position locks, so that no number is minted twice. Only what comes out differently gets a
new placement, through the outbox; its note ``placed_again`` keeps notify silent. What a person settled stays.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.envelope import Envelope, derived_id
from schemas.topics import REPORT_LOCATED
from services.geo.domain import placing, publishing
from services.geo.domain.anonymised import as_before, placement_in, standing_in
from services.geo.domain.deciding import asks_for_review
from services.geo.domain.reading import Report, read_stored
from services.geo.domain.writing import written
from services.geo.handlers.placing import SOURCE, spot_of, standing_decisions
from services.geo.layers.own import Atlas
from services.geo.layers.shipped import Layers
from services.geo.registers.loading import Geocoders, reader
from services.geo.store import default_points, placements, replacings
from services.geo.store.replacings import Asked, Placed
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.minting import next_number
from services.runtime.publisher import Outgoing, Publisher, type_of

Settle = Callable[[Sequence[Report]], list[placing.Settled]]
Scope = str
"""``texts``, ``all``, or the id of one report."""
CHUNK = 500
"""Reports per transaction: consumers wait for one chunk at most, about a tenth of a second."""
LEASE_SECONDS = 20.0
CONSUMER = "geo.reports"
AGAIN, DEFAULT = "placed_again", "default_point"
_SAME = ("precision", "reason", "point", "located_kommun", "located_lan", "areas", "places")
"""What makes two placements the same; confidence and notes do not move a report, a layer's new version does."""


SETTLING = timedelta(seconds=2)
"""Until every process knows a new version: one that still placed by the old one would be passed by."""


async def ask(database: Database, kommun: str, scope: Scope, reason: str, at: datetime | None = None) -> UUID:
    """Ask for a municipality's reports to be placed anew, soon or later: those with a written place, or all."""
    async with database.transaction((kommun,)) as connection:
        return await ask_within(connection, kommun, scope, reason, at)


async def ask_within(
    connection: AsyncConnection, kommun: str, scope: Scope, reason: str, at: datetime | None = None
) -> UUID:
    """The same in the caller's transaction."""
    ident, soonest = uuid4(), datetime.now(UTC) + SETTLING
    when = soonest if at is None else max(at + SETTLING, soonest)
    await replacings.ask(connection, kommun, ident, scope=scope, reason=reason, at=when)
    return ident


class Replacing:
    """The standing job."""

    def __init__(self, database: Database, layers: Layers, geocoders: Geocoders, atlas: Atlas) -> None:
        self._database, self._layers, self._geocoders, self._atlas = database, layers, geocoders, atlas

    async def run(self, _publisher: Publisher, pause: float = 1.0) -> None:
        """Until cancelled: do what was asked for, one request at a time."""
        while True:
            async with self._database.transaction() as connection:
                due = await replacings.take(connection, LEASE_SECONDS)
            if due is None:
                await asyncio.sleep(pause)
            else:
                while await self._chunk(*due):
                    await reach("replacing.after_commit")

    async def _chunk(self, ident: UUID, kommun: str) -> bool:
        """Place one chunk anew; False when there was nothing left."""
        async with self._database.transaction((kommun,)) as connection:
            await replacings.extend(connection, ident, LEASE_SECONDS)
            asked = await replacings.one(connection, kommun, ident)
            if asked is None:
                return False
            await replacings.stop_consumers(connection, CONSUMER)
            page = await self._page(connection, kommun, asked)
            if not page:
                await replacings.finish(connection, kommun, ident)
                return False
            own = await self._atlas.load(connection, (kommun,), fresh=True)
            loaded = await self._geocoders.load(connection, (kommun,), own)
            age = await placements.epoch(connection)
            reports = {p.report_id: _standing(p.event) for p in page}
            decided = await standing_decisions(connection, list(reports.values()))
            known = partial(
                placing.settle,
                layers=self._layers,
                reader=reader(loaded),
                own=own,
                decisions=decided,
                defaults=await default_points.known(connection, (kommun,)),
            )
            changed = self._changed(page, reports, asked.scope, known, age)
            await placements.add(connection, "placements", [new for new, _ in changed])
            await outbox.write(connection, [message for _, message in changed])
            await reach("replacing.before_commit")
            done = {"looked": len(page), "changed": len(changed)}
            await replacings.move(connection, kommun, ident, page[-1].report_id, done)
        return True

    async def _page(self, connection: AsyncConnection, kommun: str, asked: Asked) -> list[Placed]:
        """The next chunk: of all reports, or the one that was asked for."""
        if asked.scope in {"texts", "all"}:
            return await replacings.page(connection, kommun, asked.after_report, CHUNK)
        wanted = UUID(asked.scope)
        if asked.after_report >= wanted:
            return []
        found = await replacings.page(connection, kommun, UUID(int=wanted.int - 1), 1)
        return [p for p in found if p.report_id == wanted]

    def _changed(
        self, page: Sequence[Placed], reports: Mapping[UUID, Report], scope: str, settle: Settle, age: int
    ) -> list[tuple[placements.New, Outgoing]]:
        """The new placements of those reports that come out differently."""
        now = datetime.now(UTC)
        events = [(placed, json.loads(placed.event)) for placed in page]
        chosen = [(placed, event) for placed, event in events if _wanted(event, scope)]
        settled = settle([reports[placed.report_id] for placed, _ in chosen])
        changed = []
        for (placed, event), answer in zip(chosen, settled, strict=True):
            number = next_number(placed.placement, age)
            one = scope not in {"texts", "all"}  # a person settled or unsettled it just now: whom it concerns is told
            noted = answer if one else answer._replace(notes=(*answer.notes, AGAIN))
            report = reports[placed.report_id]
            placement = publishing.to_placement(noted, self._layers, number=number, now=now)
            if report.anonymised:
                placement = as_before(placement, placement_in(placed.event))
            text = written(placement)
            if one or not _same(json.loads(text), event["placement"]):
                body = _body(event, text)
                stored = placements.Stored(number, placed.revision, now, body)
                why = None
                if not report.anonymised:
                    why = asks_for_review(report, answer.precision, answer.reason, answer.notes)
                identity = (event["kommun"], placed.report_id)
                spot = spot_of(report, placement)
                new = placements.New(identity, stored, placement.reason, placed.envelope_id, why, spot)
                changed.append((new, _message(new)))
        return changed


def _standing(event: str) -> Report:
    """The report in a stored event; after gallring with the middle of its cell as its place."""
    report = read_stored(event)
    return standing_in(report, placement_in(event)) if report.anonymised else report


def _wanted(event: dict[str, Any], scope: str) -> bool:
    """Whether a report is to be looked at again. What a person settled comes out the same."""
    return scope != "texts" or event["report"]["place"].get("text") is not None


def _same(new: dict[str, Any], old: dict[str, Any]) -> bool:
    flagged = [DEFAULT in p.get("notes", ()) for p in (new, old)]
    return flagged[0] == flagged[1] and all((new.get(name) or None) == (old.get(name) or None) for name in _SAME)


def _body(event: dict[str, Any], placement: str) -> str:
    """The event with another placement; the report's JSON goes on as it is."""
    report = json.dumps(event["report"], ensure_ascii=False, separators=(",", ":"))
    return f'{{"kommun":"{event["kommun"]}","report":{report},"placement":{placement}}}'


def _message(new: placements.New) -> Outgoing:
    (kommun, report), stored = new.identity, new.stored
    ident = derived_id(REPORT_LOCATED.name, kommun, report, stored.revision, stored.placement)
    correlation, kind = f"again-{report}", type_of(REPORT_LOCATED)
    envelope = Envelope(ident, SOURCE, kind, stored.placed_at, kommun, correlation, new.envelope_id)
    return Outgoing(REPORT_LOCATED.name, kommun.encode(), stored.event.encode(), envelope.headers())
