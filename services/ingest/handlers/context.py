"""Taking in published items: compare each with what is known, store every version, mint revisions for the newer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from schemas.envelope import Envelope, derived_id
from schemas.topics import CONTEXT_RECEIVED
from schemas.values import CONTEXT_OWNER
from services.ingest import polisen
from services.ingest.handlers.submitting import SOURCE
from services.ingest.polisen import BadItem, Item
from services.ingest.store import context as store
from services.ingest.store.reports import epoch
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.minting import next_number
from services.runtime.publisher import Outgoing, message, type_of

Outcome = Literal["new", "newer", "older", "same", "refused"]


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line."""

    line: int
    outcome: Outcome
    reason: str | None = None


class Context:
    """The door's use case for published items."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_in(self, lines: Sequence[bytes], correlation: str) -> list[LineOutcome]:
        """Settle a batch of lines in one transaction; a bad line never fails the others.

        The owner's list is opened for the context owner here and nowhere else: tokens never name it.
        """
        now = datetime.now(UTC)
        items, outcomes = _read(lines, now)
        if not items:
            return outcomes
        async with self._database.transaction((CONTEXT_OWNER,)) as connection:
            await store.lock(connection)
            ids = sorted({item.context_id for _, item in items})
            known = await store.known(connection, ids)
            stored = await store.stored(connection, ids)
            age = await epoch(connection)
            versions: list[store.ContextVersion] = []
            messages: list[Outgoing] = []
            for number, item in items:
                outcome, version = _judge(item, known, stored, age, now)
                outcomes.append(LineOutcome(number, outcome, "version_reused" if outcome == "refused" else None))
                if version is None:
                    continue
                versions.append(version)
                stored[item.context_id, item.seen] = item.content_hash
                if version.revision is not None:
                    known[item.context_id] = store.Known(item.seen, version.revision, item.content_hash)
                if version.event is not None and version.revision is not None:
                    messages.append(_message(item, version.revision, correlation, now))
            await store.add(connection, versions)
            await outbox.write(connection, messages)
        return sorted(outcomes, key=lambda o: o.line)


def _read(lines: Sequence[bytes], now: datetime) -> tuple[list[tuple[int, Item]], list[LineOutcome]]:
    items: list[tuple[int, Item]] = []
    refused: list[LineOutcome] = []
    for number, line in enumerate(lines, start=1):
        if b"\\u0000" in line:  # PostgreSQL keeps no null character, and no text has one
            refused.append(LineOutcome(number, "refused", "null_character"))
            continue
        try:
            items.append((number, polisen.read_item(json.loads(line), now)))
        except BadItem as bad:
            refused.append(LineOutcome(number, "refused", bad.reason))
        except ValueError:
            refused.append(LineOutcome(number, "refused", "not_json"))
    return items, refused


def _judge(
    item: Item,
    known: dict[UUID, store.Known],
    stored: dict[tuple[UUID, datetime], str],
    age: int,
    now: datetime,
) -> tuple[Outcome, store.ContextVersion | None]:
    """Outcome and the version to store, if any.

    A newer version with the newest content mints nothing but moves the version forward: otherwise one from between
    that comes late would pass for newer.
    """
    digest = item.content_hash
    before = stored.get((item.context_id, item.seen))
    if before is not None:
        return ("same" if before == digest else "refused"), None
    newest = known.get(item.context_id)

    def version(revision: int | None, event: str | None) -> store.ContextVersion:
        content = json.dumps(item.content, ensure_ascii=False)
        return store.ContextVersion(item.context_id, item.seen, digest, content, revision, event)

    if newest is not None and item.seen < newest.source_version:
        return "older", version(None, None)
    if newest is not None and digest == newest.content_hash:
        return "same", version(newest.revision, None)
    revision = next_number(None if newest is None else newest.revision, age)
    event = polisen.to_event(item, revision, now).model_dump_json()
    return ("new" if newest is None else "newer"), version(revision, event)


def _message(item: Item, revision: int, correlation: str, now: datetime) -> Outgoing:
    envelope = Envelope(
        id=derived_id(CONTEXT_RECEIVED.name, item.context_id, revision),
        source=SOURCE,
        type=type_of(CONTEXT_RECEIVED),
        time=now,
        partitionkey=CONTEXT_OWNER,
        correlationid=correlation,
    )
    return message(CONTEXT_RECEIVED, polisen.to_event(item, revision, now), envelope)
