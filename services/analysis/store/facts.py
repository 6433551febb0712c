"""SQL for facts: the newest version of each, the superseded ones in the history; one statement per table and batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.context import ContextLocated
from services.analysis.views import fact
from services.analysis.views.context_days import day_of
from services.analysis.views.fact import LocatedReport, counted, why_not_counted
from services.analysis.views.states import stands_until

F = TypeVar("F", LocatedReport, ContextLocated)
Version = tuple[int, int]
Identity = tuple[str, UUID]
Fingerprint = tuple[int, int | None]
"""How many facts, and a hash over their ids and versions."""


class Kept(NamedTuple):
    """A version of a fact as it is stored: (revision, placement), its JSON unread, and when both were minted."""

    version: Version
    event: str
    minted_at: datetime
    placed_at: datetime


class Candidate(NamedTuple, Generic[F]):
    """A version that has arrived: it may become the newest."""

    identity: Identity
    kept: Kept
    fact: F


_READERS: dict[type[Any], Callable[[str], Any]] = {
    LocatedReport: fact.read,
    ContextLocated: ContextLocated.model_validate_json,
}


def read(model: type[F], event: str) -> F:
    """The fact in a stored JSON text."""
    return _READERS[model](event)  # type: ignore[no-any-return]  # the reader of exactly this model


def columns_of_report(fact: LocatedReport) -> dict[str, Any]:
    """What stands beside a report's version, for asking without reading the JSON; from the day on if it counts."""
    found = counted(fact)
    return {
        "reason": why_not_counted(fact),
        "invented": fact.report.invented,
        "changed_at": datetime.now(UTC),
        "day": None if found is None else found.day,
        "area_set": None if found is None else found.areas.number,
        "event_type": fact.report.event_type,
        "r9": None if found is None else found.r9,
        "places": " ".join(str(p.place_id) for p in fact.placement.places) or None if found is not None else None,
        "stands_until": None if found is None else stands_until(found),
    }


def _columns_of_context(item: ContextLocated) -> dict[str, Any]:
    return {"day": day_of(item)}


@dataclass(frozen=True, slots=True)
class _Statements:
    insert: Any
    load: Any
    replace: Any
    remember: Any
    page: Any
    fingerprint: Any
    forget: Any
    extras: Callable[[Any], dict[str, Any]]


def _statements(
    names_of: tuple[str, str, str], kinds: Mapping[str, str], extras: Callable[[Any], dict[str, Any]]
) -> _Statements:
    """Names are the constants below, never input."""
    facts, history, ident = names_of
    columns = f"kommun, {ident}, revision, placement, event, minted_at, placed_at"
    names = "".join(f", {name}" for name in kinds)
    unnested = """
        unnest(cast(:kommuner as text[]), cast(:ids as uuid[]), cast(:revisions as bigint[]),
               cast(:placements as bigint[]), cast(:events as text[]), cast(:minted as timestamptz[]),
               cast(:placed as timestamptz[])"""
    arrays = "".join(f", cast(:{name} as {kind}[])" for name, kind in kinds.items())
    sets = "".join(f", {name} = n.{name}" for name in kinds)
    return _Statements(
        text(f"""
            insert into {facts} ({columns}{names}) select * from {unnested}{arrays})
            on conflict do nothing returning kommun, {ident} as id"""),  # noqa: S608 - see the docstring
        text(f"""
            select f.kommun, f.{ident} as id, f.revision, f.placement, f.event, f.minted_at, f.placed_at
            from {facts} f join unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i)
              on f.kommun = w.k and f.{ident} = w.i
            order by f.kommun, f.{ident} for update of f"""),  # noqa: S608 - see the docstring
        text(f"""
            update {facts} f set revision = n.r, placement = n.p, event = n.e, minted_at = n.m, placed_at = n.t{sets}
            from {unnested}{arrays}) as n(k, i, r, p, e, m, t{names})
            where f.kommun = n.k and f.{ident} = n.i and (f.revision, f.placement) < (n.r, n.p)"""),  # noqa: S608 - see the docstring
        text(f"insert into {history} ({columns}) select * from {unnested}) on conflict do nothing"),  # noqa: S608 - see the docstring
        text(f"""
            select {ident} as id, event from {facts}
            where kommun = :kommun and {ident} > :after order by {ident} limit :limit"""),  # noqa: S608 - see the docstring
        text(f"""
            select count(*) as facts, bit_xor(hashtextextended(concat_ws('/', id, revision, placement), 0)) as versions
            from (select {ident} as id, revision, placement from {facts}
                  where kommun = :kommun and {ident} > :after order by {ident} limit :limit) page"""),  # noqa: S608 - see the docstring
        text(f"""
            delete from {history} h using unnest(cast(:kommuner as text[]), cast(:ids as uuid[])) as w(k, i)
            where h.kommun = w.k and h.{ident} = w.i"""),  # noqa: S608 - see the docstring
        extras,
    )


_SQL: dict[type[Any], _Statements] = {
    LocatedReport: _statements(
        ("facts", "fact_history", "report_id"),
        {
            "reason": "text",
            "invented": "boolean",
            "changed_at": "timestamptz",
            "day": "date",
            "area_set": "bigint",
            "event_type": "text",
            "r9": "bigint",
            "places": "text",
            "stands_until": "date",
        },
        columns_of_report,
    ),
    ContextLocated: _statements(
        ("context_facts", "context_history", "context_id"), {"day": "date"}, _columns_of_context
    ),
}
_UNFILLED = text("""
    select report_id, event from facts where kommun = :kommun and event_type is null limit :limit for update""")
_FILL = text("""
    update facts f set day = n.day, area_set = n.area_set, event_type = n.event_type, r9 = n.r9, places = n.places,
        stands_until = n.stands_until
    from unnest(cast(:ids as uuid[]), cast(:day as date[]), cast(:area_set as bigint[]), cast(:event_type as text[]),
                cast(:r9 as bigint[]), cast(:places as text[]), cast(:stands_until as date[]))
        as n(id, day, area_set, event_type, r9, places, stands_until)
    where f.kommun = :kommun and f.report_id = n.id""")
_OWNERS = text("insert into owners select unnest(cast(:kommuner as text[])) on conflict do nothing")
_FOLLOWING = text("select min(kommun) from owners where kommun > :after")


def _columns(rows: Sequence[tuple[Identity, Kept]]) -> dict[str, Any]:
    return {
        "kommuner": [kommun for (kommun, _), _ in rows],
        "ids": [ident for (_, ident), _ in rows],
        "revisions": [kept.version[0] for _, kept in rows],
        "placements": [kept.version[1] for _, kept in rows],
        "events": [kept.event for _, kept in rows],
        "minted": [kept.minted_at for _, kept in rows],
        "placed": [kept.placed_at for _, kept in rows],
    }


def _row_columns(model: type[F], facts: Sequence[Candidate[F]]) -> dict[str, Any]:
    beside = [_SQL[model].extras(f.fact) for f in facts]
    extras = {name: [one[name] for one in beside] for name in beside[0]} if beside else {}
    return _columns([(f.identity, f.kept) for f in facts]) | extras


async def insert(connection: AsyncConnection, model: type[F], facts: Sequence[Candidate[F]]) -> set[Identity]:
    """Store those that nobody has heard of; returns which. The others need a comparison first."""
    columns = _row_columns(model, facts)
    fresh = {(r.kommun, r.id) for r in await connection.execute(_SQL[model].insert, columns)}
    if fresh:
        await connection.execute(_OWNERS, {"kommuner": sorted({kommun for kommun, _ in fresh})})
    return fresh


async def load(connection: AsyncConnection, model: type[F], identities: Sequence[Identity]) -> dict[Identity, Kept]:
    """The stored newest versions of these facts, locked."""
    if not identities:
        return {}
    rows = await connection.execute(
        _SQL[model].load, {"kommuner": [k for k, _ in identities], "ids": [i for _, i in identities]}
    )
    return {(r.kommun, r.id): Kept((r.revision, r.placement), r.event, r.minted_at, r.placed_at) for r in rows}


async def replace(connection: AsyncConnection, model: type[F], facts: Sequence[Candidate[F]]) -> None:
    """Make these the newest versions; only a newer one replaces an older."""
    if facts:
        await connection.execute(_SQL[model].replace, _row_columns(model, facts))


async def remember(connection: AsyncConnection, model: type[F], rows: Sequence[tuple[Identity, Kept]]) -> None:
    """Add superseded versions to the history; one that is there stays as it is."""
    if rows:
        await connection.execute(_SQL[model].remember, _columns(rows))


async def forget(connection: AsyncConnection, model: type[F], identities: Sequence[Identity]) -> None:
    """Delete every superseded version of these facts."""
    if identities:
        values = {"kommuner": [k for k, _ in identities], "ids": [i for _, i in identities]}
        await connection.execute(_SQL[model].forget, values)


async def page(
    connection: AsyncConnection, model: type[F], kommun: str, after: UUID, limit: int
) -> list[tuple[UUID, F]]:
    """The next newest facts of a municipality in the order of their ids, for folding views from nothing."""
    return [(r.id, read(model, r.event)) for r in await stored_page(connection, model, kommun, after, limit)]


async def stored_page(
    connection: AsyncConnection, model: type[F], kommun: str, after: UUID, limit: int
) -> Sequence[Row[Any]]:
    """The same as (id, event), unread."""
    values = {"kommun": kommun, "after": after, "limit": limit}
    return (await connection.execute(_SQL[model].page, values)).all()


async def fingerprint(connection: AsyncConnection, model: type[F], kommun: str, after: UUID, limit: int) -> Fingerprint:
    """What the same facts are by their versions: another one as soon as any is new, newer or gone."""
    values = {"kommun": kommun, "after": after, "limit": limit}
    row = (await connection.execute(_SQL[model].fingerprint, values)).one()
    return row.facts, row.versions


async def fill(connection: AsyncConnection, kommun: str, limit: int) -> int:
    """Fill the columns of some facts from before they had any; how many."""
    rows = list(await connection.execute(_UNFILLED, {"kommun": kommun, "limit": limit}))
    if rows:
        beside = [columns_of_report(read(LocatedReport, row.event)) for row in rows]
        names = ("day", "area_set", "event_type", "r9", "places", "stands_until")
        values: dict[str, Any] = {name: [one[name] for one in beside] for name in names}
        await connection.execute(_FILL, values | {"kommun": kommun, "ids": [row.report_id for row in rows]})
    return len(rows)


async def following_owner(connection: AsyncConnection, after: str) -> str | None:
    """The next municipality that has facts, in code order; None after the last."""
    found = await connection.scalar(_FOLLOWING, {"after": after})
    return None if found is None else str(found)
