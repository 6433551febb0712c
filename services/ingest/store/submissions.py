"""SQL for handing in, set-based: what the door knows of a sender's ids, and what it now stores about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.reports import ReportReceived
from schemas.values import Source


class HandedIn(NamedTuple):
    """As whose report it came; a correction does not change that, whatever the sender has become since."""

    source: Source
    organisation: UUID | None
    reporter_token: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """The newest state of a sender's report. ``version`` is None for one that was taken back from the topics."""

    version: tuple[str, Decimal] | None
    revision: int
    merged_into: UUID | None
    received_at: datetime
    handed_in: HandedIn
    retired: bool = False
    """Anonymised by gallring: nothing of it can be changed any longer."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was answered to one version, and the fingerprint of its content."""

    content_hash: str
    status: int
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Minted:
    """A revision to store: the event, what the sender said, and how the sender names and orders it."""

    event: ReportReceived
    text: str | None
    content: str
    """What the sender said, but for id, version and text, as JSON."""
    sender_id: str
    version_kind: str
    source_version: Decimal
    json: str
    """The event as it is stored and sent: written once."""
    again: bool
    """The report was known before."""


_LOCK = text("""
    select i from unnest(cast(:ids as text[])) as t(i)
    where not pg_try_advisory_xact_lock(hashtextextended(:prefix || i, 4711))""")
_KNOWN = text("""
    select t.i as sender_id, r.* from unnest(cast(:ids as text[]), cast(:reports as uuid[])) as t(i, p)
    cross join lateral (
        select version_kind, source_version, revision, merged_into, received_at, event->>'source' as source,
            cast(event->>'organisation' as uuid) as organisation, event->>'reporter_token' as reporter_token,
            coalesce((event->>'anonymised')::boolean, false) as retired
        from reports where kommun = :kommun and report_id = t.p limit 1) r""")
# One look into the key for each: the planner, which does not know how many ids come, would read all of a client's.
_TOLD = text("""
    select s.* from unnest(cast(:ids as text[]), cast(:versions as numeric[])) as t(i, v)
    cross join lateral (
        select sender_id, source_version, content_hash, status, answer from submissions
        where kommun = :kommun and client_id = :client and sender_id = t.i and source_version = t.v limit 1) s""")
_REMEMBER = text("""
    insert into submissions (kommun, client_id, sender_id, source_version, content_hash, status, answer, revision)
    select :kommun, :client, i, v, h, s, cast(a as json), r
    from unnest(cast(:ids as text[]), cast(:versions as numeric[]), cast(:hashes as text[]), cast(:statuses as int[]),
                cast(:answers as text[]), cast(:revisions as bigint[])) as t(i, v, h, s, a, r)""")
_SAVE = text("""
    with minted as materialized (
        select p, i, k, v, r, m, cast(c as jsonb) as c, cast(e as jsonb) as e, t, s
        from unnest(cast(:reports as uuid[]), cast(:ids as text[]), cast(:kinds as text[]),
                    cast(:versions as numeric[]), cast(:revisions as bigint[]), cast(:merged as uuid[]),
                    cast(:contents as text[]), cast(:events as text[]), cast(:received as timestamptz[]),
                    cast(:minted as timestamptz[]))
            as n(p, i, k, v, r, m, c, e, t, s)),
    every as (
        insert into revisions (kommun, report_id, revision, event, minted_at) select :kommun, p, r, e, s from minted)
    insert into reports (kommun, report_id, client_id, sender_id, version_kind, source_version, revision, merged_into,
                         content, event, received_at)
    select distinct on (p) :kommun, p, :client, i, k, v, r, m, c, e, t from minted order by p, r desc
    on conflict (kommun, report_id) do update set client_id = excluded.client_id, sender_id = excluded.sender_id,
        version_kind = excluded.version_kind, source_version = excluded.source_version, revision = excluded.revision,
        content = excluded.content, event = excluded.event, taken_back = false""")
_REPLACED = text("""
    delete from texts t using unnest(cast(:reports as uuid[]), cast(:revisions as bigint[])) as n(p, r)
    where t.kommun = :kommun and t.report_id = n.p and t.revision < n.r""")
_TEXTS = text("""
    insert into texts (kommun, report_id, revision, text)
    select :kommun, p, r, x
    from unnest(cast(:reports as uuid[]), cast(:revisions as bigint[]), cast(:texts as text[])) as n(p, r, x)""")


async def lock(connection: AsyncConnection, kommun: str, client: UUID, ids: Sequence[str]) -> set[str]:
    """Lock these ids of a sender until the transaction ends; returns those that another call holds."""
    rows = await connection.execute(_LOCK, {"prefix": f"{kommun}/{client}/", "ids": list(ids)})
    return {r.i for r in rows}


async def known(connection: AsyncConnection, kommun: str, reports: Mapping[str, UUID]) -> dict[str, Known]:
    """The newest states of a sender's reports, by the sender's ids; ``reports``: theirs → ours."""
    values = {"kommun": kommun, "ids": list(reports), "reports": list(reports.values())}
    rows = await connection.execute(_KNOWN, values)
    return {
        r.sender_id: Known(
            None if r.version_kind is None else (r.version_kind, r.source_version),
            r.revision,
            r.merged_into,
            r.received_at,
            HandedIn(r.source, r.organisation, r.reporter_token),
            r.retired,
        )
        for r in rows
    }


async def told(
    connection: AsyncConnection, kommun: str, client: UUID, pairs: Sequence[tuple[str, Decimal]]
) -> dict[tuple[str, Decimal], Told]:
    """What was answered to these very versions."""
    values = {"kommun": kommun, "client": client, "ids": [i for i, _ in pairs], "versions": [v for _, v in pairs]}
    rows = await connection.execute(_TOLD, values)
    return {(r.sender_id, r.source_version): Told(r.content_hash, r.status, r.answer) for r in rows}


async def remember(
    connection: AsyncConnection, kommun: str, client: UUID, answers: Mapping[tuple[str, Decimal], Told]
) -> None:
    """Keep the answers for ever, so that a repeat gets the first one again."""
    if answers:
        kept = list(answers.values())
        values = {
            "kommun": kommun,
            "client": client,
            "ids": [i for i, _ in answers],
            "versions": [v for _, v in answers],
            "hashes": [t.content_hash for t in kept],
            "statuses": [t.status for t in kept],
            "answers": [orjson.dumps(t.answer).decode() for t in kept],
            "revisions": [t.answer.get("revision") for t in kept],
        }
        await connection.execute(_REMEMBER, values)


async def save(connection: AsyncConnection, kommun: str, client: UUID, minted: Sequence[Minted]) -> None:
    """Store minted revisions, the last of each report as its newest state.

    Texts, if any, go apart; one that a later revision replaces, or leaves out, is gone.
    """
    if not minted:
        return
    values = {
        "kommun": kommun,
        "client": client,
        "reports": [m.event.report_id for m in minted],
        "ids": [m.sender_id for m in minted],
        "kinds": [m.version_kind for m in minted],
        "versions": [m.source_version for m in minted],
        "revisions": [m.event.revision for m in minted],
        "merged": [m.event.merged_into for m in minted],
        "contents": [m.content for m in minted],
        "events": [m.json for m in minted],
        "received": [m.event.received_at for m in minted],
        "minted": [m.event.minted_at for m in minted],
    }
    await connection.execute(_SAVE, values)
    written = [m for m in minted if m.text is not None]
    if written:
        texts = {
            "kommun": kommun,
            "reports": [m.event.report_id for m in written],
            "revisions": [m.event.revision for m in written],
            "texts": [m.text for m in written],
        }
        await connection.execute(_TEXTS, texts)
    if any(m.again for m in minted):
        await connection.execute(_REPLACED, values)
