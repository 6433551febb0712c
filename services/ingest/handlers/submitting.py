"""Handing in reports, one or many: lock the senders' ids, compare versions, mint or replay, answer after the commit.

One transaction for all of them, a handful of statements whatever their number; each is judged by itself, in order, and
a refused one never fails its neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from schemas.envelope import Envelope, client_report_id, derived_id
from schemas.reports import ReportReceived
from schemas.taxonomy import current
from schemas.topics import REPORT_RECEIVED
from services.ingest import domain, versions
from services.ingest.domain import Refusal, ReportIn, Sender
from services.ingest.store import photos
from services.ingest.store import submissions as store
from services.ingest.store.photos import NewPhoto
from services.ingest.store.reports import epoch, local_types
from services.ingest.store.submissions import HandedIn, Known, Minted, Told
from services.pages.texts import text
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.minting import next_number
from services.runtime.publisher import type_of, written

SOURCE = "/lagesbild/ingest"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told. ``outcome`` is created, corrected, withdrawn, replayed or superseded."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


class Unfinished(Exception):
    """The first attempt with this id is still being handled: try again in a moment."""


class VersionConflict(Exception):
    """The version was used before with other content, or with another kind of version."""


Outcome = Answer | Refusal | Unfinished | VersionConflict


class _Named(NamedTuple):
    """A report under the sender's id and ours."""

    report: ReportIn
    sender_id: str
    report_id: UUID


@dataclass(slots=True)
class _Round:
    """One transaction's view of the sender's reports; deciding is pure and moves this view along."""

    sender: Sender
    correlation: str
    epoch: int
    local: dict[str, tuple[str, int]]
    busy: set[str]
    known: dict[str, Known]
    told: dict[tuple[str, Decimal], Told]
    photographed: set[UUID] = field(default_factory=set)
    """Reports with a photo: those that had one, and the one that brings one now."""
    fresh: dict[tuple[str, Decimal], Told] = field(default_factory=dict)
    minted: list[Minted] = field(default_factory=list)

    def take(self, named: _Named, now: datetime) -> Outcome:
        """Judge one report that comes in now and remember what must be stored."""
        report, sender_id, report_id = named
        if sender_id in self.busy:
            return Unfinished()
        known = self.known.get(sender_id)
        if known is not None and known.retired:
            return Refusal("id", "retired", text("report.retired"))
        kind, version = versions.version_key(report.source_version)
        content = versions.content_of(report)
        digest = versions.fingerprint(content, report.text)
        before = self.told.get((sender_id, version))
        verdict = versions.judge(
            kind,
            version,
            digest if before is None else versions.same_kind(report, digest, before.content_hash),
            known=None if known is None else known.version,
            same_version_hash=None if before is None else before.content_hash,
        )
        if verdict == "replay" and before is not None:
            return Answer(before.status, before.answer, replayed=True)
        if verdict in {"conflict", "other_kind"}:
            return VersionConflict(verdict)
        if verdict == "older":
            answer = Answer(200, _body(report_id, sender_id, "superseded", None))
        else:
            try:
                domain.check(
                    report,
                    frozenset(self.local),
                    now,
                    person=self.sender.person,
                    free_text=self.sender.free_text,
                )
            except Refusal as refusal:
                return refusal
            if report.withdrawn:
                report = domain.without_texts(report)
                content = versions.content_of(report)
            answer = self._mint(_Named(report, sender_id, report_id), content, (kind, version), now)
        self.told[sender_id, version] = self.fresh[sender_id, version] = Told(digest, answer.status, answer.body)
        return answer

    def _mint(self, named: _Named, content: str, key: tuple[str, Decimal], now: datetime) -> Answer:
        report, sender_id, report_id = named
        known = self.known.get(sender_id)
        event = domain.to_event(
            report,
            self.sender if known is None else self.sender.model_copy(update=known.handed_in._asdict()),
            report_id=report_id,
            revision=next_number(None if known is None else known.revision, self.epoch),
            severity=_default_severity(report.event_type, self.local),
            merged_into=None if known is None else known.merged_into,
            received_at=now if known is None else known.received_at,
            now=now,
            has_photo=report_id in self.photographed and not report.withdrawn,
        )
        self.minted.append(
            Minted(event, report.text, content, sender_id, *key, event.model_dump_json(), known is not None)
        )
        self.known[sender_id] = Known(
            key,
            event.revision,
            event.merged_into,
            event.received_at,
            HandedIn(event.source, event.organisation, event.reporter_token),
        )
        outcome = "withdrawn" if report.withdrawn else "created" if known is None else "corrected"
        return Answer(201 if known is None else 200, _body(event.report_id, sender_id, outcome, event.revision))


async def submit_many(
    database: Database,
    sender: Sender,
    reports: Sequence[ReportIn],
    correlation: str,
    *,
    came: Sequence[datetime] = (),
    photo: NewPhoto | None = None,
) -> list[Outcome]:
    """Hand in reports, corrections and withdrawals of one sender; the outcomes in the same order.

    ``came``: when each of them came in, where that is not now.

    Returned answers are committed: report, answer and outbox row stand or fall together. A refused one leaves nothing,
    and neither does any of a sandbox key. ``photo`` is of the first report, and is kept if that mints a revision.
    """
    named = [_named(sender, report) for report in reports]
    ids = {sender_id: report_id for _, sender_id, report_id in named}
    pairs = [(n.sender_id, versions.version_key(n.report.source_version)[1]) for n in named]
    async with database.transaction((sender.kommun,)) as connection:
        busy = await store.lock(connection, sender.kommun, sender.client_id, sorted(ids))
        here = _Round(
            sender,
            correlation,
            await epoch(connection),
            await local_types(connection, sender.kommun),
            busy,
            await store.known(connection, sender.kommun, ids),
            await store.told(connection, sender.kommun, sender.client_id, pairs),
        )
        if sender.person:  # nobody else hands in photos
            here.photographed = set(await photos.of_reports(connection, sender.kommun, list(ids.values())))
            here.photographed |= {named[0].report_id} if photo else set()
        moments = came or [datetime.now(UTC)] * len(named)
        outcomes = [here.take(one, now) for one, now in zip(named, moments, strict=True)]
        if sender.sandbox:
            return [_tried(outcome) for outcome in outcomes]
        await store.save(connection, sender.kommun, sender.client_id, here.minted)
        if photo is not None and here.minted:
            await photos.add(connection, sender.kommun, here.minted[0].event.report_id, sender.client_id, photo)
        await store.remember(connection, sender.kommun, sender.client_id, here.fresh)
        messages = [written(REPORT_RECEIVED, m.json, envelope_of(m.event, correlation)) for m in here.minted]
        await outbox.write(connection, messages)
        await reach("ingest.before_commit")
    await reach("ingest.after_commit")
    return outcomes


def _named(sender: Sender, report: ReportIn) -> _Named:
    sender_id = report.id or str(uuid4())
    return _Named(report, sender_id, client_report_id(sender.client_id, sender_id))


def _tried(outcome: Outcome) -> Outcome:
    """What a sandbox key is answered: the same, and that nothing was stored."""
    if not isinstance(outcome, Answer):
        return outcome
    return Answer(outcome.status, outcome.body | {"sandbox": True}, outcome.replayed)


async def submit(
    database: Database,
    sender: Sender,
    report: ReportIn,
    correlation: str,
    *,
    photo: NewPhoto | None = None,
) -> Answer:
    """One report, with its photo if there is one; raises Refusal, Unfinished or VersionConflict."""
    (outcome,) = await submit_many(database, sender, [report], correlation, photo=photo)
    if isinstance(outcome, Answer):
        return outcome
    raise outcome


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


def withdrawn_already(report_id: UUID, sender_id: str, revision: int) -> Answer:
    """The answer to a withdrawal of what is withdrawn."""
    return Answer(200, _body(report_id, sender_id, "withdrawn", revision), replayed=True)


def envelope_of(event: ReportReceived, correlation: str) -> Envelope:
    """The envelope of a revision: the same revision has the same id, whoever sends it."""
    return Envelope(
        id=derived_id(REPORT_RECEIVED.name, event.kommun, event.report_id, event.revision),
        source=SOURCE,
        type=type_of(REPORT_RECEIVED),
        time=event.minted_at,
        partitionkey=event.kommun,
        correlationid=correlation,
    )
