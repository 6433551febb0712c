"""SQL for reports: the newest state, every submission with its answer, every revision, the text apart."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.reports import ReportReceived
from services.ingest.domain import ReportIn

_LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 4711))")
_EPOCH = text("select epoch from epoch")
_REPORT = text("""
    select report_id, version_kind, source_version, revision, merged_into, content, event, received_at
    from reports where kommun = :kommun and client_id = :client and sender_id = :sender""")
_BY_ID = text("""
    select report_id, client_id, sender_id, version_kind, source_version, revision, content, event, received_at
    from reports where kommun = :kommun and report_id = :report""")
_SUBMISSION = text("""
    select content_hash, status, answer from submissions
    where kommun = :kommun and client_id = :client and sender_id = :sender and source_version = :version""")
_ADD_SUBMISSION = text("""
    insert into submissions (kommun, client_id, sender_id, source_version, content_hash, status, answer, revision)
    values (:kommun, :client, :sender, :version, :hash, :status, cast(:answer as json), :revision)""")
_UPSERT_REPORT = text("""
    insert into reports (kommun, report_id, client_id, sender_id, version_kind, source_version, revision,
                         merged_into, content, event, received_at)
    values (:kommun, :report, :client, :sender, :kind, :version, :revision,
            :merged, cast(:content as jsonb), cast(:event as jsonb), :received)
    on conflict (kommun, report_id) do update set source_version = excluded.source_version,
        revision = excluded.revision, content = excluded.content, event = excluded.event""")
_ADD_REVISION = text("""
    insert into revisions (kommun, report_id, revision, event, minted_at)
    values (:kommun, :report, :revision, cast(:event as jsonb), :minted)""")
_ADD_TEXT = text("""
    insert into texts (kommun, report_id, revision, text) values (:kommun, :report, :revision, :text)""")
_MINE = text("""
    select report_id, revision, event, received_at from reports
    where kommun = :kommun and client_id = :client order by received_at desc, report_id limit :limit""")
_TYPES = text("select code, label, severity from event_types where kommun = :kommun order by code")
_PUT_TYPE = text("""
    insert into event_types (kommun, code, label, severity) values (:kommun, :code, :label, :severity)
    on conflict (kommun, code) do update set label = excluded.label, severity = excluded.severity""")


async def try_lock(connection: AsyncConnection, kommun: str, client: UUID, sender_id: str) -> bool:
    """Lock one sender's id until the transaction ends; False when another call holds it."""
    return bool(await connection.scalar(_LOCK, {"name": f"{kommun}/{client}/{sender_id}"}))


async def epoch(connection: AsyncConnection) -> int:
    """The restore epoch that minted numbers carry in their high bits."""
    return int(await connection.scalar(_EPOCH) or 0)


async def find(connection: AsyncConnection, kommun: str, client: UUID, sender_id: str) -> Row[Any] | None:
    """The newest state of a sender's report."""
    return (await connection.execute(_REPORT, {"kommun": kommun, "client": client, "sender": sender_id})).first()


async def get(connection: AsyncConnection, kommun: str, report: UUID) -> Row[Any] | None:
    """The newest state of a report by its id."""
    return (await connection.execute(_BY_ID, {"kommun": kommun, "report": report})).first()


async def submission(
    connection: AsyncConnection, kommun: str, client: UUID, sender_id: str, version: Decimal
) -> Row[Any] | None:
    """What was answered to this very version."""
    values = {"kommun": kommun, "client": client, "sender": sender_id, "version": version}
    return (await connection.execute(_SUBMISSION, values)).first()


async def remember(
    connection: AsyncConnection,
    kommun: str,
    client: UUID,
    sender_id: str,
    *,
    version: Decimal,
    digest: str,
    status: int,
    answer: Mapping[str, Any],
    revision: int | None,
) -> None:
    """Keep the answer for ever, so that a repeat gets it again."""
    await connection.execute(
        _ADD_SUBMISSION,
        {
            "kommun": kommun,
            "client": client,
            "sender": sender_id,
            "version": version,
            "hash": digest,
            "status": status,
            "answer": json.dumps(answer),
            "revision": revision,
        },
    )


async def save(
    connection: AsyncConnection,
    event: ReportReceived,
    report: ReportIn,
    *,
    client: UUID,
    sender_id: str,
    kind: str,
    version: Decimal,
) -> None:
    """Store a minted revision as the newest; its text, if any, goes apart."""
    body = event.model_dump_json()
    identity = {"kommun": event.kommun, "report": event.report_id, "revision": event.revision}
    await connection.execute(
        _UPSERT_REPORT,
        identity
        | {
            "client": client,
            "sender": sender_id,
            "kind": kind,
            "version": version,
            "merged": event.merged_into,
            "content": report.model_dump_json(exclude={"id", "source_version", "text"}),
            "event": body,
            "received": event.received_at,
        },
    )
    await connection.execute(_ADD_REVISION, identity | {"event": body, "minted": event.minted_at})
    if report.text is not None:
        await connection.execute(_ADD_TEXT, identity | {"text": report.text})


async def mine(
    connection: AsyncConnection, kommun: str, client: UUID, limit: int
) -> list[tuple[ReportReceived, datetime]]:
    """A sender's own reports, newest first."""
    rows = await connection.execute(_MINE, {"kommun": kommun, "client": client, "limit": limit})
    return [(ReportReceived.model_validate(r.event), r.received_at) for r in rows]


async def local_types(connection: AsyncConnection, kommun: str) -> dict[str, tuple[str, int]]:
    """The municipality's own types: code → (label, severity)."""
    return {r.code: (r.label, r.severity) for r in await connection.execute(_TYPES, {"kommun": kommun})}


async def put_type(connection: AsyncConnection, kommun: str, code: str, label: str, severity: int) -> None:
    """Add or rename a local type; its code is never reused for something else."""
    values = {"kommun": kommun, "code": code, "label": label, "severity": severity}
    await connection.execute(_PUT_TYPE, values)
