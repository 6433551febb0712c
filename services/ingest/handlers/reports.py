"""Handing in a report: lock the sender's id, compare versions, mint or replay, answer after the commit."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.envelope import Envelope, client_report_id, derived_id
from schemas.reports import ReportReceived
from schemas.taxonomy import current
from schemas.topics import REPORT_RECEIVED
from services.ingest import domain
from services.ingest.domain import ReportIn, Sender
from services.ingest.store import reports as store
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.minting import next_number
from services.runtime.publisher import message, type_of

SOURCE = "/lagesbild/ingest"
WITHDRAWAL_TRIES = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told. ``outcome`` is created, corrected, withdrawn, replayed or superseded."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class _Submission:
    """One call: who sends what, as which version, when."""

    sender: Sender
    report: ReportIn
    sender_id: str
    kind: str
    version: Decimal
    now: datetime
    correlation: str


class Unfinished(Exception):
    """The first attempt with this id is still being handled: try again in a moment."""


class VersionConflict(Exception):
    """The version was used before with other content, or with another kind of version."""


class Reports:
    """The door's use cases for reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def submit(
        self, sender: Sender, report: ReportIn, correlation: str, *, now: datetime | None = None
    ) -> Answer:
        """Accept one report, correction or withdrawal.

        Raises Refusal (nothing stored), Unfinished or VersionConflict. A returned answer is committed: report,
        answer and outbox row stand or fall together.
        """
        moment = now or datetime.now(UTC)
        sender_id = report.id or str(uuid4())
        kind, version = domain.version_key(report.source_version)
        digest = domain.content_hash(report)
        async with self._database.transaction((sender.kommun,)) as connection:
            if not await store.try_lock(connection, sender.kommun, sender.client_id, sender_id):
                raise Unfinished
            known = await store.find(connection, sender.kommun, sender.client_id, sender_id)
            before = await store.submission(connection, sender.kommun, sender.client_id, sender_id, version)
            verdict = domain.judge(
                kind,
                version,
                digest,
                known=None if known is None else (known.version_kind, known.source_version),
                same_version_hash=None if before is None else before.content_hash,
            )
            if verdict == "replay" and before is not None:
                return Answer(before.status, before.answer, replayed=True)
            if verdict in {"conflict", "other_kind"}:
                raise VersionConflict(verdict)
            at = _Submission(sender, report, sender_id, kind, version, moment, correlation)
            answer = await self._decide(connection, at, known, verdict)
            await store.remember(
                connection,
                sender.kommun,
                sender.client_id,
                sender_id,
                version=version,
                digest=digest,
                status=answer.status,
                answer=answer.body,
                revision=answer.body.get("revision"),
            )
            await reach("ingest.before_commit")
        await reach("ingest.after_commit")
        return answer

    async def _decide(
        self, connection: AsyncConnection, at: "_Submission", known: Row[Any] | None, verdict: str
    ) -> Answer:
        """Mint and store the next revision, with its outbox row; an older version mints nothing."""
        sender, report = at.sender, at.report
        report_id = client_report_id(sender.client_id, at.sender_id)
        if verdict == "older":
            return Answer(200, _body(report_id, at.sender_id, "superseded", None))
        local = await store.local_types(connection, sender.kommun)
        domain.check(report, frozenset(local), at.now)
        event = domain.to_event(
            report,
            sender,
            report_id=report_id,
            revision=next_number(None if known is None else known.revision, await store.epoch(connection)),
            severity=_default_severity(report.event_type, local),
            merged_into=None if known is None else known.merged_into,
            received_at=at.now if known is None else known.received_at,
            now=at.now,
        )
        await store.save(
            connection,
            event,
            report,
            client=sender.client_id,
            sender_id=at.sender_id,
            kind=at.kind,
            version=at.version,
        )
        await outbox.write(connection, [message(REPORT_RECEIVED, event, _envelope(event, at.correlation))])
        outcome = "withdrawn" if report.withdrawn else "created" if known is None else "corrected"
        return Answer(201 if known is None else 200, _body(report_id, at.sender_id, outcome, event.revision))

    async def withdraw(self, sender: Sender, report_id: UUID, correlation: str) -> Answer | None:
        """Withdraw one of the sender's own reports: the next version, with the same content; None if there is none.

        A correction that comes between is looked at again; Unfinished when that does not settle.
        """
        for _ in range(WITHDRAWAL_TRIES):
            async with self._database.transaction((sender.kommun,)) as connection:
                row = await store.get(connection, sender.kommun, report_id)
            if row is None or row.client_id != sender.client_id:
                return None
            if row.content["withdrawn"]:
                return Answer(200, _body(report_id, row.sender_id, "withdrawn", row.revision), replayed=True)
            following = domain.following_version(row.version_kind, row.source_version, datetime.now(UTC))
            content = row.content | {"id": row.sender_id, "source_version": following, "withdrawn": True}
            try:
                answer = await self.submit(sender, ReportIn.model_validate(content), correlation)
            except VersionConflict:
                continue
            if answer.body["outcome"] == "withdrawn":
                return answer
        raise Unfinished

    async def find(self, kommun: str, report_id: UUID) -> Row[Any] | None:
        """The newest state of a report of this municipality."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.get(connection, kommun, report_id)

    async def mine(self, kommun: str, client: UUID, limit: int = 50) -> list[tuple[ReportReceived, datetime]]:
        """A sender's own reports, newest first."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.mine(connection, kommun, client, limit)

    async def local_types(self, kommun: str) -> dict[str, tuple[str, int]]:
        """The municipality's own event types."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.local_types(connection, kommun)

    async def put_type(self, kommun: str, code: str, label: str, severity: int) -> None:
        """Add or rename a local event type."""
        async with self._database.transaction((kommun,)) as connection:
            await store.put_type(connection, kommun, code, label, severity)


def _default_severity(code: str, local: dict[str, tuple[str, int]]) -> int:
    known = current().type(code)
    return known.severity if known is not None else local[code][1]


def _body(report_id: UUID, sender_id: str, outcome: str, revision: int | None) -> dict[str, Any]:
    return {
        "report_id": str(report_id),
        "id": sender_id,
        "number": domain.short_number(report_id),
        "outcome": outcome,
        "revision": revision,
    }


def _envelope(event: ReportReceived, correlation: str) -> Envelope:
    return Envelope(
        id=derived_id(REPORT_RECEIVED.name, event.kommun, event.report_id, event.revision),
        source=SOURCE,
        type=type_of(REPORT_RECEIVED),
        time=event.minted_at,
        partitionkey=event.kommun,
        correlationid=correlation,
    )
