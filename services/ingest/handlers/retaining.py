"""Gallring: what a municipality has decided to keep no longer is taken away, and that is written down (L17).

No decision, no deletion. Texts and photos go; a report becomes an anonymised version of itself, which counts where the
report counted: geo keeps its areas, and everything that could lead to a person or to an exact point is gone in every
room. Times are counted from when a report came in; a state that goes on is kept until it has ended.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import uuid4

from sqlalchemy import Row

from schemas.reports import ReportReceived
from schemas.topics import REPORT_RECEIVED
from schemas.values import PlaceAsGiven
from services.ingest.domain import stored_content
from services.ingest.handlers.appointing import erase
from services.ingest.handlers.photos import Photos
from services.ingest.handlers.submitting import envelope_of
from services.ingest.store import photos as photo_store
from services.ingest.store import retention as store
from services.ingest.store.reports import epoch
from services.ingest.store.retention import Rule
from services.runtime import metrics, outbox
from services.runtime.database import Database
from services.runtime.logs import logger
from services.runtime.minting import next_number
from services.runtime.publisher import Publisher, message

DataClass = Literal["text", "photo", "report", "person", "message"]
CLASSES: tuple[DataClass, ...] = get_args(DataClass)
ELSEWHERE = frozenset({"message"})
"""Kinds that another room keeps and deletes; decisions and protocol are here."""
MOST_MONTHS = 1200
PIECE = 200
CHECK_SECONDS = 3600.0
TASK = "gallring"
_log = logger(__name__)


def anonymised(event: ReportReceived, *, revision: int, now: datetime) -> ReportReceived:
    """The report as it stays: what, when, from which organisation, and that its areas are to be kept.

    Gone: who, the place as it was written and its coordinates, the hand that it was part of.
    """
    return event.model_copy(
        update={
            "revision": revision,
            "submission_id": event.report_id,
            "reporter_token": None,
            "place": PlaceAsGiven(area_code=event.place.area_code),
            "has_text": False,
            "has_photo": False,
            "anonymised": True,
            "minted_at": now,
        }
    )


class Retaining:
    """The use cases of gallring, and the standing job that does it."""

    def __init__(self, database: Database, photos: Photos) -> None:
        self._database, self._photos = database, photos

    async def rules(self, kommun: str) -> dict[str, Rule]:
        """What the municipality has decided, by kind of data."""
        async with self._database.transaction((kommun,)) as connection:
            return {rule.data_class: rule for rule in await store.rules(connection, kommun)}

    async def decide(self, kommun: str, rule: Rule | None, data_class: str) -> None:
        """Keep a decision; None takes it back, and nothing of this kind is deleted any longer."""
        async with self._database.transaction((kommun,)) as connection:
            if rule is None:
                await store.end(connection, kommun, data_class)
            else:
                await store.put(connection, kommun, rule)

    async def due(self, kommun: str, data_class: DataClass) -> datetime | None:
        """What came before this moment is to go, by the municipality's decision; None where there is none."""
        rule = (await self.rules(kommun)).get(data_class)
        if rule is None:
            return None
        async with self._database.transaction() as connection:
            return await store.months_before(connection, datetime.now(UTC), rule.months)

    async def done_elsewhere(self, kommun: str, data_class: DataClass, before: datetime, count: int) -> bool:
        """Write down what another room deleted; False when the decision has been taken back meanwhile."""
        async with self._database.transaction((kommun,)) as connection:
            rule = {r.data_class: r for r in await store.rules(connection, kommun)}.get(data_class)
            if rule is not None:
                await store.note(connection, kommun, rule, at=datetime.now(UTC), before=before, count=count)
        return rule is not None

    async def protocol(self, kommun: str, limit: int = 50) -> list[Row[Any]]:
        """What was done, the latest first."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.protocol(connection, kommun, limit)

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled: look every hour at what is due. For ``work``."""
        metrics.TASK_LOOKED.labels(TASK).set_to_current_time()
        while True:
            async with self._database.transaction() as connection:
                kommuner = await photo_store.kommuner(connection)
            for kommun in kommuner:
                try:
                    await self.tidy(kommun)
                except Exception:  # noqa: BLE001 - counted; the others go on, and so does the door
                    metrics.TASK_FAILURES.labels(TASK).inc()
                    _log.exception("gallring failed", kommun=kommun)
            metrics.TASK_LOOKED.labels(TASK).set_to_current_time()
            await asyncio.sleep(CHECK_SECONDS)

    async def tidy(self, kommun: str, now: datetime | None = None) -> dict[str, int]:
        """Do what is due in one municipality: kind of data → how many reports it concerned. Safe to repeat."""
        moment = now or datetime.now(UTC)
        done = {}
        for data_class, rule in (await self.rules(kommun)).items():
            if data_class in ELSEWHERE:
                continue
            if data_class == "photo" and not self._photos.taken:
                continue  # nothing can be emptied while there is no store
            async with self._database.transaction() as connection:
                before = await store.months_before(connection, moment, rule.months)
            count = 0
            step = {"text": self._texts, "photo": self._pictures, "report": self._reports, "person": self._people}[
                data_class
            ]
            while piece := await step(kommun, rule, before, moment):
                count += piece
            if count:
                _log.info("gallring", kommun=kommun, data_class=data_class, count=count)
            done[data_class] = count
        return done

    async def _texts(self, kommun: str, rule: Rule, before: datetime, now: datetime) -> int:
        async with self._database.transaction((kommun,)) as connection:
            count = await store.delete_texts(connection, kommun, before, PIECE)
            if count:
                await store.note(connection, kommun, rule, at=now, before=before, count=count)
        return count

    async def _pictures(self, kommun: str, rule: Rule, before: datetime, now: datetime) -> int:
        async with self._database.transaction((kommun,)) as connection:
            reports = await store.photos_due(connection, kommun, before, PIECE)
            gone = await photo_store.take_away(connection, kommun, reports)
            if gone:
                await store.note(connection, kommun, rule, at=now, before=before, count=len(reports))
        await self._photos.empty(gone)
        return len(reports)

    async def _people(self, kommun: str, rule: Rule, before: datetime, now: datetime) -> int:
        """Reporters whose last appointment ended before, each forgotten in every room as an administrator does it."""
        async with self._database.transaction((kommun,)) as connection:
            people = await store.people_due(connection, kommun, before, PIECE)
            for person, address in people:
                await erase(connection, kommun, person, address)
            if people:
                await store.note(connection, kommun, rule, at=now, before=before, count=len(people))
        return len(people)

    async def _reports(self, kommun: str, rule: Rule, before: datetime, now: datetime) -> int:
        """One piece of reports, each in all its parts; the anonymised revisions leave in the same transaction."""
        async with self._database.transaction((kommun,)) as connection:
            rows = await store.due(connection, kommun, before, PIECE)
            age = await epoch(connection)
            events = [
                anonymised(ReportReceived.model_validate(row.event), revision=next_number(row.revision, age), now=now)
                for row in rows
            ]
            reports = [row.report_id for row in rows]
            gone = await photo_store.take_away(connection, kommun, reports) if self._photos.taken else []
            correlation = f"gallring-{uuid4()}"
            if rows:
                contents = [stored_content(e).model_dump_json(exclude={"id", "source_version"}) for e in events]
                await store.replace(connection, kommun, rows, events, contents)
                await outbox.write(
                    connection, [message(REPORT_RECEIVED, event, envelope_of(event, correlation)) for event in events]
                )
                await store.note(connection, kommun, rule, at=now, before=before, count=len(rows))
        await self._photos.empty(gone)
        return len(rows)
