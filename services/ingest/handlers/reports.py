"""The door's use cases for reports: hand in (``submitting``), withdraw, end, find, local types."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from schemas.reports import ReportReceived
from schemas.taxonomy import counts_as_event
from services.ingest import domain, versions
from services.ingest.domain import ReportIn, Sender
from services.ingest.handlers import submitting
from services.ingest.handlers.submitting import Answer, Outcome, Unfinished, VersionConflict
from services.ingest.store import reports as store
from services.ingest.store.photos import NewPhoto
from services.runtime.database import Database
from services.runtime.schedule import SWEDEN

WITHDRAWAL_TRIES = 5


class Reports:
    """The door's use cases for reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submit(
        self, sender: Sender, report: ReportIn, correlation: str, *, photo: NewPhoto | None = None
    ) -> Answer:
        """Accept one report; see ``submitting.submit``."""
        return await submitting.submit(self._database, sender, report, correlation, photo=photo)

    async def submit_many(self, sender: Sender, reports: Sequence[ReportIn], correlation: str) -> list[Outcome]:
        """Accept many in one transaction; see ``submitting.submit_many``."""
        return await submitting.submit_many(self._database, sender, reports, correlation)

    async def withdraw(self, sender: Sender, report_id: UUID, correlation: str) -> Answer | None:
        """Withdraw one of the sender's own reports: the next version, with the same content; None if there is none.

        A correction that comes between is looked at again; Unfinished when that does not settle.
        """
        for _ in range(WITHDRAWAL_TRIES):
            row = await self._standing(sender.kommun, report_id)
            if row is None or row.client_id != sender.client_id:
                return None
            if row.content["withdrawn"]:
                return submitting.withdrawn_already(report_id, row.sender_id, row.revision)
            answer = await self._follow(sender, row, {"withdrawn": True}, correlation)
            if answer is not None and answer.body["outcome"] == "withdrawn":
                return answer
        raise Unfinished

    async def end(self, kommun: str, report_id: UUID, correlation: str, *, client: UUID | None) -> bool:
        """Say of a state that went on (a broken lamp) that it has ended now; False when there is none to end.

        ``client``: whose it must be; None for who writes the lägesbild, and then only of what people reported: a system
        numbers its versions itself, and would find this one's number taken. Unfinished.
        """
        for _ in range(WITHDRAWAL_TRIES):
            row = await self._standing(kommun, report_id)
            if row is None or row.content["withdrawn"] or not row.event["ongoing"]:
                return False
            if row.client_id != client if client is not None else not row.by_person:
                return False
            event = ReportReceived.model_validate(row.event)
            sender = Sender(kommun=kommun, client_id=row.client_id, source=event.source, person=True,
                            free_text="everybody", invented=event.invented)  # fmt: skip
            ended = max(datetime.now(UTC), event.time_from)
            kept = await self.text_of(kommun, report_id)
            change = {"ongoing": False, "time_to": ended.isoformat(), "text": domain.passing(kept)}
            change["place"] = row.content["place"] | {"text": domain.passing(row.content["place"].get("text"))}
            if await self._follow(sender, row, change, correlation) is not None:
                return True
        raise Unfinished

    async def _standing(self, kommun: str, report_id: UUID) -> Row[Any] | None:
        """A report that can have a next version: not retired by gallring, and its sender's name for it is known."""
        async with self._database.transaction((kommun,)) as connection:
            row = await store.get(connection, kommun, report_id)
        # None also for one taken back from the topics: nobody knows what its sender called it.
        return None if row is None or row.event.get("anonymised") or row.sender_id is None else row

    async def _follow(
        self, sender: Sender, row: Row[Any], change: Mapping[str, Any], correlation: str
    ) -> Answer | None:
        """Hand in the version after this one, with a change; None when another came between."""
        following = versions.following_version(row.version_kind, row.source_version, datetime.now(UTC))
        content = row.content | {"id": row.sender_id, "source_version": following, **change}
        try:
            return await self.submit(sender, ReportIn.model_validate(content), correlation)
        except VersionConflict:
            return None

    async def find(self, kommun: str, report_id: UUID) -> Row[Any] | None:
        """The newest state of a report of this municipality."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.get(connection, kommun, report_id)

    async def text_of(self, kommun: str, report_id: UUID) -> str | None:
        """What was written to a report of this municipality that stands; None when nothing is, or it was withdrawn."""
        async with self._database.transaction((kommun,)) as connection:
            row = await store.get(connection, kommun, report_id)
            if row is None or not row.event["has_text"]:
                return None
            return await store.text_of(connection, kommun, report_id)

    async def forget_text(self, kommun: str, report_id: UUID) -> None:
        """Delete what was written to a report. It stays and counts; a correction may bring a new text."""
        async with self._database.transaction((kommun,)) as connection:
            await store.forget_text(connection, kommun, report_id)

    async def mine(self, kommun: str, client: UUID, limit: int = 50) -> list[store.Own]:
        """A sender's own reports, newest first."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.mine(connection, kommun, client, limit)

    async def by_people(self, kommun: str, first: date, last: date, known: datetime) -> dict[UUID, dict[str, int]]:
        """Active person → type → reports of theirs that began in these days (Swedish time) and were here by ``known``.

        Zero reports are left out.
        """
        begin, end = (datetime.combine(day, time(), SWEDEN) for day in (first, last + timedelta(days=1)))
        async with self._database.transaction((kommun,)) as connection:
            found = await store.by_people(connection, kommun, begin, end, known)
        told = {p: {t: n for t, n in kinds.items() if counts_as_event(t)} for p, kinds in found.items()}
        return {person: kinds for person, kinds in told.items() if kinds}

    async def local_types(self, kommun: str) -> dict[str, tuple[str, int]]:
        """The municipality's own event types."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.local_types(connection, kommun)

    async def add_type(self, kommun: str, group: str, label: str, severity: int) -> str:
        """Add a local event type under the next free code of its group, which is returned."""
        async with self._database.transaction((kommun,)) as connection:
            taken = [int(c.partition("X")[2]) for c in await store.local_types(connection, kommun) if c[0] == group]
            number = max(taken, default=0) + 1
            while not await store.add_type(connection, kommun, f"{group}-X{number}", label, severity):
                number += 1  # somebody else has just taken it
        return f"{group}-X{number}"

    async def put_type(self, kommun: str, code: str, label: str, severity: int) -> None:
        """Add or rename a local event type."""
        async with self._database.transaction((kommun,)) as connection:
            await store.put_type(connection, kommun, code, label, severity)
