"""SQL of the operativ lägesbild: a period's numbers out of the views; versions and assessments, only ever added."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.periods import Rule
from services.analysis.store.signals import LAYER, sealed
from services.analysis.store.sums import OF_PARTS, OWN
from services.analysis.views import SWEDEN

_CUBE = "(select generation from view_state where name = '{0}')"
_PERIODS = text(f"""
    select (day - cast(:start as date)) / :days as at, area, event_type,
           sum(reports / 1000000 * share)::bigint as reports,
           coalesce(sum(reports / 1000000 * share) filter (where source = 'rapportor'), 0)::bigint as by_reporters
    from cube join area_sets using (kommun, area_set)
    where kommun = :kommun and generation = {_CUBE.format("cube")}
      and layer = :layer and day >= :start and day <= :last
    group by 1, 2, 3""")  # noqa: S608 - names are constants
_ZERO = text(f"""
    select coalesce(sum(reports), 0)::bigint from activity
    where kommun = :kommun and generation = {_CUBE.format("activity")}
      and day between :first and :last and kind = 'zero'""")  # noqa: S608 - names are constants
_RHYTHM = text(f"""
    select slot, {OF_PARTS.format("reports")}::bigint as reports from rhythm join area_sets using (kommun, area_set)
    where kommun = :kommun and generation = {_CUBE.format("rhythm")} and layer = :layer and {OWN}
      and week between :first and :last group by slot""")  # noqa: S608 - names are constants
_STATES = text(f"""
    with new as (
        select area, event_type, sum(share)::bigint as opened,
            coalesce(sum(share) filter (where stands_until > :last), 0)::bigint as left_open
        from facts join area_sets using (kommun, area_set)
        where kommun = :kommun and day between :first and :last and event_type like 'E%' and layer = :layer
        group by area, event_type),
    there as (
        select area, event_type, sum(reports / 1000000 * share)::bigint as standing
        from states join area_sets using (kommun, area_set)
        where kommun = :kommun and generation = {_CUBE.format("states")} and layer = :layer and day <= :last
        group by area, event_type)
    select area, event_type, coalesce(opened, 0) as opened, coalesce(standing, 0) as standing,
        coalesce(left_open, 0) as left_open
    from new full join there using (area, event_type)""")  # noqa: S608 - names are constants
"""What is new is counted from the reports: in the view one that ends cancels one that begins on the same day."""
_SOURCES = text(f"""
    select source, (day - cast(:start as date)) / :days as at, sum(reports)::bigint as reports from (
        select source, day, reports from sources
        where kommun = :kommun and generation = {_CUBE.format("sources")} and day >= :start and day <= :last
        union all
        select source, day, -(reports / 1000000 * share) from cube join area_sets using (kommun, area_set)
        where kommun = :kommun and generation = {_CUBE.format("cube")} and day >= :start and day <= :last
          and layer = :layer and not {OWN}) told
    group by 1, 2""")  # noqa: S608 - names are constants
_SILENT = text(f"""
    with appointed as (
        select distinct organisation::text as organisation from appointments
        where kommun = :kommun and organisation is not null and since < :from and (until is null or until > :now)),
    heard as (
        select organisation, max(day) as last_day from activity
        where kommun = :kommun and generation = {_CUBE.format("activity")} and day <= :last group by organisation)
    select a.organisation, h.last_day from appointed a left join heard h using (organisation)
    where h.last_day is null or h.last_day < :first order by h.last_day nulls first, a.organisation
    """)  # noqa: S608 - names are constants
_COMING = text("""
    select event from facts where kommun = :kommun and left(event_type, 1) = 'F'
      and cast(event as jsonb)->'report'->>'time_to' >= :first
      and cast(event as jsonb)->'report'->>'time_from' < :last
    order by cast(event as jsonb)->'report'->>'time_from', report_id limit 50""")
_RULE = text("select days, weekday, hour from picture_rules where kommun = :kommun")
_PUT_RULE = text("""
    insert into picture_rules (kommun, days, weekday, hour) values (:kommun, :days, :weekday, :hour)
    on conflict (kommun) do update set days = excluded.days, weekday = excluded.weekday, hour = excluded.hour""")
_ADD = text("""
    insert into pictures (kommun, number, version, state, document, hash, minted_at, pdf, pdf_hash)
    values (:kommun, :number, :version, :state, :document, :hash, :now, :pdf, :pdf_hash)
    on conflict do nothing returning version""")
_NEWEST = text("""
    select distinct on (number) number, version, state, document, hash, minted_at, pdf_hash from pictures
    where kommun = :kommun order by number desc, version desc""")
_STATES_OF = text("""
    select distinct on (number) number, state from pictures
    where kommun = :kommun order by number desc, version desc""")
_VERSIONS = text("""
    select number, version, state, document, hash, minted_at, pdf_hash from pictures
    where kommun = :kommun and number = :number order by version""")
_PDF = text("""
    select pdf from pictures where kommun = :kommun and number = :number and version = :version and pdf is not null""")
_ASSESSMENTS = text("""
    select revision, body, written_by, written_at from assessments
    where kommun = :kommun and number = :number order by revision""")
_LOCK = text("select pg_advisory_xact_lock(hashtext('picture'), hashtext(:kommun || :number))")
_WRITE = text("""
    insert into assessments (kommun, number, revision, body, written_by, written_at)
    values (:kommun, :number, :revision, :body, :by, :now) on conflict do nothing returning revision""")


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version of a picture: draft or adopted. Its document is what it said then, for ever."""

    number: str
    version: int
    state: str
    document: dict[str, Any]
    hash: str
    minted_at: datetime
    pdf_hash: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote to a picture; ``by`` is an account's id."""

    revision: int
    body: dict[str, Any]
    by: str
    at: datetime


async def rule(connection: AsyncConnection, kommun: str) -> Rule:
    """When the municipality's periods end; every other Thursday at noon when nobody has said."""
    row = (await connection.execute(_RULE, {"kommun": kommun})).first()
    return Rule() if row is None else Rule(row.days, row.weekday, row.hour)


async def put_rule(connection: AsyncConnection, kommun: str, chosen: Rule) -> None:
    """Decide when periods end."""
    values = {"kommun": kommun, "days": chosen.days, "weekday": chosen.weekday, "hour": chosen.hour}
    await connection.execute(_PUT_RULE, values)


@dataclass(frozen=True, slots=True)
class Span:
    """So many periods of so many days up to a last day."""

    start: date
    last: date
    days: int

    def values(self, kommun: str) -> dict[str, Any]:
        """As parameters."""
        return {"kommun": kommun, "layer": LAYER, "start": self.start, "last": self.last, "days": self.days}


async def periods(connection: AsyncConnection, kommun: str, span: Span) -> list[PeriodRow]:
    """Reports of every period, area of RegSO and type."""
    return [PeriodRow(*row) for row in await connection.execute(_PERIODS, span.values(kommun))]


async def zero_reports(connection: AsyncConnection, kommun: str, first: date, last: date) -> int:
    """How many times somebody said that all was calm."""
    values = {"kommun": kommun, "first": first, "last": last}
    return int(await connection.scalar(_ZERO, values) or 0) // 1_000_000


async def rhythm(connection: AsyncConnection, kommun: str, first: date, last: date) -> dict[int, int]:
    """Hour of the week → reports in millionths."""
    rows = await connection.execute(_RHYTHM, {"kommun": kommun, "layer": LAYER, "first": first, "last": last})
    return {row.slot: row.reports for row in rows}


async def states(
    connection: AsyncConnection, kommun: str, first: date, last: date
) -> list[tuple[str, str, int, int, int]]:
    """(area, type, opened from first to last, standing on the last day, both) in millionths."""
    values = {"kommun": kommun, "layer": LAYER, "first": first, "last": last}
    return [
        (r.area, r.event_type, r.opened, r.standing, r.left_open) for r in await connection.execute(_STATES, values)
    ]


async def sources(connection: AsyncConnection, kommun: str, span: Span, count: int) -> dict[str, list[int]]:
    """Source → reports of every period, in millionths."""
    found: dict[str, list[int]] = {}
    for row in await connection.execute(_SOURCES, span.values(kommun)):
        found.setdefault(row.source, [0] * count)[row.at] += row.reports
    return found


async def silent(
    connection: AsyncConnection, kommun: str, days: tuple[date, date], *, now: datetime
) -> list[tuple[str, date | None]]:
    """Organisations with reporters since before the first day that sent nothing up to the last, and when they did."""
    begun = datetime.combine(days[0], time(), SWEDEN)
    values = {"kommun": kommun, "first": days[0], "last": days[1], "from": begun, "now": now}
    return [(r.organisation, r.last_day) for r in await connection.execute(_SILENT, values)]


async def coming(connection: AsyncConnection, kommun: str, first: str, last: str) -> list[dict[str, Any]]:
    """Calendar reports (F) that touch the time between two ISO moments in UTC."""
    rows = await connection.execute(_COMING, {"kommun": kommun, "first": first, "last": last})
    return [json.loads(row.event) for row in rows]


async def add(
    connection: AsyncConnection,
    kommun: str,
    version: tuple[str, int, str],
    document: dict[str, Any],
    *,
    now: datetime,
    pdf: tuple[bytes, str] | None = None,
) -> str | None:
    """Add a version (number, version, state) and return its hash; None when that version is there already."""
    written, digest = sealed(document)
    number, count, state = version
    values = {
        "kommun": kommun, "number": number, "version": count, "state": state, "document": written, "hash": digest,
        "now": now, "pdf": pdf[0] if pdf else None, "pdf_hash": pdf[1] if pdf else None,
    }  # fmt: skip
    return digest if (await connection.execute(_ADD, values)).first() is not None else None


def _version(row: Any) -> Version:
    return Version(row.number, row.version, row.state, json.loads(row.document), row.hash, row.minted_at, row.pdf_hash)


async def newest(connection: AsyncConnection, kommun: str) -> list[Version]:
    """The newest version of every picture, the latest first."""
    return [_version(row) for row in await connection.execute(_NEWEST, {"kommun": kommun})]


async def states_of(connection: AsyncConnection, kommun: str) -> list[tuple[str, str]]:
    """(number, state of the newest version) of every picture, the latest first; without their documents."""
    return [(row.number, row.state) for row in await connection.execute(_STATES_OF, {"kommun": kommun})]


async def versions(connection: AsyncConnection, kommun: str, number: str) -> Sequence[Version]:
    """Every version of a picture, the first first."""
    return [_version(row) for row in await connection.execute(_VERSIONS, {"kommun": kommun, "number": number})]


async def pdf(connection: AsyncConnection, kommun: str, number: str, version: int) -> bytes | None:
    """The PDF that was stored with an adopted version."""
    found = await connection.scalar(_PDF, {"kommun": kommun, "number": number, "version": version})
    return None if found is None else bytes(found)


async def lock(connection: AsyncConnection, kommun: str, number: str) -> None:
    """Hold a picture until the transaction ends: nobody writes to it while somebody adopts it."""
    await connection.execute(_LOCK, {"kommun": kommun, "number": number})


async def assessments(connection: AsyncConnection, kommun: str, number: str) -> list[Written]:
    """What was written to a picture, the first first."""
    rows = await connection.execute(_ASSESSMENTS, {"kommun": kommun, "number": number})
    return [Written(r.revision, json.loads(r.body), r.written_by, r.written_at) for r in rows]


async def assessment(connection: AsyncConnection, kommun: str, version: Version) -> Mapping[str, Any]:
    """What people wrote to a version: as adopted, or the newest of a draft; empty when nobody did."""
    if version.state == "adopted":
        adopted: Mapping[str, Any] = version.document["assessment"]
        return adopted
    written = await assessments(connection, kommun, version.number)
    return written[-1].body if written else {}


async def write(connection: AsyncConnection, kommun: str, number: str, written: Written) -> bool:
    """Write as this revision; False when somebody else already has."""
    values = {
        "kommun": kommun, "number": number, "revision": written.revision, "body": sealed(written.body)[0],
        "by": written.by, "now": written.at,
    }  # fmt: skip
    return (await connection.execute(_WRITE, values)).first() is not None
