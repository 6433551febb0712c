"""SQL for facts, their history and the views: set-based, one statement per table and batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextLocated
from schemas.locations import ReportLocated
from services.analysis.views import Weight
from services.analysis.views.context_days import ContextKey
from services.analysis.views.cube import CubeKey

F = TypeVar("F", ReportLocated, ContextLocated)
Version = tuple[int, int]
Identity = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Versioned(Generic[F]):
    """A fact with its identity, version and the times at which ingest and geo minted it."""

    kommun: str
    ident: UUID
    version: Version
    fact: F
    minted_at: datetime
    placed_at: datetime


def _tables(facts: str, history: str, ident: str) -> dict[str, Any]:
    return {
        "load": text(f"""
            select f.kommun, f.{ident} as id, f.revision, f.placement, f.event from {facts} f
            join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i)
              on f.kommun = w.k and f.{ident} = w.i
            order by f.kommun, f.{ident} for update of f"""),  # noqa: S608 - the names are two constants below
        "history": text(f"""
            insert into {history} (kommun, {ident}, revision, placement, event, minted_at, placed_at)
            select k, i, r, p, cast(e as jsonb), m, t
            from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:revisions as bigint[]),
                        cast(:placements as bigint[]), cast(:events as text[]), cast(:minted as timestamptz[]),
                        cast(:placed as timestamptz[])) as t(k, i, r, p, e, m, t)
            on conflict do nothing"""),  # noqa: S608 - as above
    }


_REPORTS = _tables("facts", "fact_history", "report_id")
_CONTEXT = _tables("context_facts", "context_history", "context_id")
_UPSERT_REPORTS = text("""
    insert into facts as f (kommun, report_id, revision, placement, reason, invented, event, changed_at)
    select k, i, r, p, w, v, cast(e as jsonb), now()
    from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:revisions as bigint[]),
                cast(:placements as bigint[]), cast(:reasons as text[]), cast(:invented as boolean[]),
                cast(:events as text[])) as t(k, i, r, p, w, v, e)
    on conflict (kommun, report_id) do update set revision = excluded.revision, placement = excluded.placement,
        reason = excluded.reason, invented = excluded.invented, event = excluded.event, changed_at = excluded.changed_at
    where (f.revision, f.placement) < (excluded.revision, excluded.placement)""")
_UPSERT_CONTEXT = text("""
    insert into context_facts as f (kommun, context_id, revision, placement, event, day)
    select k, i, r, p, cast(e as jsonb), d
    from unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:revisions as bigint[]),
                cast(:placements as bigint[]), cast(:events as text[]), cast(:days as date[])) as t(k, i, r, p, e, d)
    on conflict (kommun, context_id) do update set revision = excluded.revision, placement = excluded.placement,
        event = excluded.event, day = excluded.day
    where (f.revision, f.placement) < (excluded.revision, excluded.placement)""")
_CUBE = text("""
    insert into cube as c (kommun, layer, area, day, event_type, source, reports, seen)
    select * from unnest(cast(:kommuner as text[]), cast(:layers as text[]), cast(:areas as text[]),
        cast(:days as date[]), cast(:types as text[]), cast(:sources as text[]),
        cast(:reports as bigint[]), cast(:seen as bigint[]))
    on conflict (kommun, layer, day, area, event_type, source)
        do update set reports = c.reports + excluded.reports, seen = c.seen + excluded.seen""")
_CUBE_ZEROS = text("""
    delete from cube c using unnest(cast(:kommuner as text[]), cast(:layers as text[]), cast(:areas as text[]),
        cast(:days as date[]), cast(:types as text[]), cast(:sources as text[])) as t(k, l, a, d, e, s)
    where c.kommun = k and c.layer = l and c.area = a and c.day = d and c.event_type = e and c.source = s
        and c.reports = 0 and c.seen = 0""")
_DAYS = text("""
    insert into context_days as c
        (kommun, precision, located_kommun, located_lan, day, event_type, reports, seen)
    select * from unnest(cast(:kommuner as text[]), cast(:precisions as text[]), cast(:located as text[]),
        cast(:lan as text[]), cast(:days as date[]), cast(:types as text[]),
        cast(:reports as bigint[]), cast(:seen as bigint[]))
    on conflict (kommun, day, precision, located_kommun, located_lan, event_type)
        do update set reports = c.reports + excluded.reports, seen = c.seen + excluded.seen""")
_DAYS_ZEROS = text("""
    delete from context_days c using unnest(cast(:kommuner as text[]), cast(:precisions as text[]),
        cast(:located as text[]), cast(:lan as text[]), cast(:days as date[]), cast(:types as text[]))
        as t(k, p, o, l, d, e)
    where c.kommun = k and c.precision = p and c.located_kommun = o and c.located_lan = l and c.day = d
        and c.event_type = e and c.reports = 0 and c.seen = 0""")

_MODELS: dict[type[Any], TypeAdapter[Any]] = {m: TypeAdapter(m) for m in (ReportLocated, ContextLocated)}


def _statements(model: type[F]) -> dict[str, Any]:
    return _REPORTS if model is ReportLocated else _CONTEXT


async def load(
    connection: AsyncConnection, model: type[F], identities: Sequence[Identity]
) -> dict[Identity, tuple[Version, F]]:
    """The stored newest versions of these facts, locked."""
    rows = await connection.execute(
        _statements(model)["load"], {"kommuner": [k for k, _ in identities], "ids": [i for _, i in identities]}
    )
    adapter = _MODELS[model]
    return {(r.kommun, r.id): ((r.revision, r.placement), adapter.validate_python(r.event)) for r in rows}


def _columns(facts: Sequence[Versioned[F]]) -> dict[str, Any]:
    return {
        "kommuner": [f.kommun for f in facts],
        "ids": [f.ident for f in facts],
        "revisions": [f.version[0] for f in facts],
        "placements": [f.version[1] for f in facts],
        "events": [f.fact.model_dump_json() for f in facts],
    }


async def remember(connection: AsyncConnection, model: type[F], facts: Sequence[Versioned[F]]) -> None:
    """Add every version to the history; one that is there stays as it is."""
    times = {"minted": [f.minted_at for f in facts], "placed": [f.placed_at for f in facts]}
    await connection.execute(_statements(model)["history"], _columns(facts) | times)


async def upsert_reports(
    connection: AsyncConnection, facts: Sequence[Versioned[ReportLocated]], reasons: Sequence[str | None]
) -> None:
    """Make these the newest versions; only a newer one replaces an older."""
    extra = {"reasons": list(reasons), "invented": [f.fact.report.invented for f in facts]}
    await connection.execute(_UPSERT_REPORTS, _columns(facts) | extra)


async def upsert_context(
    connection: AsyncConnection, facts: Sequence[Versioned[ContextLocated]], days: Sequence[date]
) -> None:
    """The same for published items."""
    await connection.execute(_UPSERT_CONTEXT, _columns(facts) | {"days": list(days)})


async def change_cube(connection: AsyncConnection, change: Mapping[CubeKey, Weight]) -> None:
    """Add a change to the cube, in key order so that transactions lock in the same order; drop what reaches zero."""
    if not change:
        return
    keys = sorted(change)
    values: dict[str, Any] = {
        "kommuner": [k.kommun for k in keys],
        "layers": [k.layer for k in keys],
        "areas": [k.area for k in keys],
        "days": [k.day for k in keys],
        "types": [k.event_type for k in keys],
        "sources": [k.source for k in keys],
    }
    await _apply(connection, _CUBE, _CUBE_ZEROS, values, [change[k] for k in keys])


async def change_context_days(connection: AsyncConnection, change: Mapping[ContextKey, Weight]) -> None:
    """The same for published items."""
    if not change:
        return
    keys = sorted(change)
    values: dict[str, Any] = {
        "kommuner": [k.kommun for k in keys],
        "precisions": [k.precision for k in keys],
        "located": [k.located_kommun for k in keys],
        "lan": [k.located_lan for k in keys],
        "days": [k.day for k in keys],
        "types": [k.event_type for k in keys],
    }
    await _apply(connection, _DAYS, _DAYS_ZEROS, values, [change[k] for k in keys])


async def _apply(
    connection: AsyncConnection, add: Any, drop_zeros: Any, values: dict[str, Any], weights: Sequence[Weight]
) -> None:
    measures = {"reports": [w.reports for w in weights], "seen": [w.seen for w in weights]}
    await connection.execute(add, values | measures)
    if any(w.reports < 0 or w.seen < 0 for w in weights):  # only a falling key can reach zero
        await connection.execute(drop_zeros, values)
