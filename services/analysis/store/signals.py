"""SQL of signals: weekly series and their exposure out of the views; runs and cases, which are only ever added."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.series import WeekRow
from services.analysis.store.sums import ALWAYS, SETS, WEEK
from services.runtime.minting import next_number

LAYER = ALWAYS
_WEEKS = text(f"""
    select {WEEK} as week, area, event_type,
           sum(reports / 1000000 * share)::bigint as reports,
           coalesce(sum(reports / 1000000 * share) filter (where source = 'rapportor'), 0)::bigint as by_reporters
    from cube join area_sets using (kommun, area_set)
    where kommun = :kommun and generation = (select generation from view_state where name = 'cube')
      and layer = :layer and day between :first and :last
    group by 1, 2, 3""")  # noqa: S608 - a constant
_FIRST = text("""
    select min(day) from (
        select day, sum(sum(reports)) over (order by day) as upto, sum(sum(reports)) over () as whole from lateness
        where kommun = :kommun and generation = (select generation from view_state where name = 'lateness')
        group by day) days
    where upto >= least(whole, greatest(whole / 50, 3000000))""")
_PRESENCE = text("""
    select distinct at, area, reporter_token from (
        select distinct (day - cast(:start as date)) / :days as at, kommun, area_set, reporter_token from activity
        where kommun = :kommun and generation = (select generation from view_state where name = 'activity')
          and day between :start and :last and kind <> 'calendar') sent join area_sets using (kommun, area_set)
    where layer = :layer""")
_SENT = """
    select distinct (day - cast(:start as date)) / :days as at, reporter_token from activity
    where kommun = :kommun and generation = (select generation from view_state where name = 'activity')
      and day between :start and :last and kind <> 'calendar'"""
_EYES = text(f"select at, count(*) as reporters from ({_SENT}) sent group by at")  # noqa: S608 - a constant
_PRESENCE_OF = text(f"""
    with there as materialized ({_SENT} and {SETS})
    select at, :area as area, reporter_token from there
    union all
    select at, '' as area, reporter_token from ({_SENT} and reporter_token in (
        select reporter_token from there)) elsewhere""")  # noqa: S608 - constants
_LATE = text("""
    select day, late, sum(reports)::bigint as reports from lateness
    where kommun = :kommun and generation = (select generation from view_state where name = 'lateness')
      and day between :first and :last and (cast(:sources as text[]) = '{}' or source = any(cast(:sources as text[])))
    group by day, late""")
_STATE = text("select count(*) as facts, max(changed_at) as newest from facts where kommun = :kommun")
_NEWEST_CHANGE = text("select max(changed_at) from facts where kommun = :kommun")
_SETTLED = text("""
    select count(*) < 60 from facts where kommun = :kommun and changed_at > now() - interval '60 seconds'""")
_LAYER_VERSION = text("""
    select a->>'version' from (
        select cast(event as jsonb) as event from facts where kommun = :kommun and placed_at =
            (select max(placed_at) from facts where kommun = :kommun) limit 1) newest,
        jsonb_array_elements(newest.event->'placement'->'areas') as a
    where a->>'layer' = :layer limit 1""")
_EPOCH = text("select epoch from epoch")
_RESTORED = text("select restored_at from epoch")
_ADD_RUN = text("""
    insert into signal_runs (kommun, week, document, hash, minted_at) values (:kommun, :week, :document, :hash, :now)
    on conflict do nothing""")
_ADD_CASE = text("""
    insert into cases (kommun, case_id, revision, number, state, week, document, hash, minted_at)
    values (:kommun, :case, :revision, :number, :state, :week, :document, :hash, :now)""")
_NEWEST = text("""
    select distinct on (case_id) case_id, revision, number, state, week, document, hash, minted_at from cases
    where kommun = :kommun order by case_id, revision desc""")
_CASE = text("""
    select case_id, revision, number, state, week, document, hash, minted_at from cases
    where kommun = :kommun and case_id = :case order by revision""")
_RUN = text("""
    select week, document, hash, minted_at from signal_runs
    where kommun = :kommun and (cast(:week as date) is null or week = :week) order by week desc limit 1""")


@dataclass(frozen=True, slots=True)
class Revision:
    """One stored revision of a case; ``document`` is what it said then, for ever."""

    case_id: UUID
    revision: int
    number: str
    state: str
    week: date
    document: dict[str, Any]
    hash: str
    minted_at: datetime

    @classmethod
    def first(cls, case_id: UUID, number: str, document: dict[str, Any], *, age: int, now: datetime) -> "Revision":
        """The revision that opens a case; ``age`` is the restore epoch."""
        week = date.fromisoformat(document["week"])
        return cls(case_id, next_number(None, age), number, "opened", week, document, sealed(document)[1], now)

    def followed(self, document: dict[str, Any], *, state: str, age: int, now: datetime) -> "Revision":
        """The next revision."""
        week, revision = date.fromisoformat(document["week"]), next_number(self.revision, age)
        return Revision(self.case_id, revision, self.number, state, week, document, sealed(document)[1], now)


def sealed(document: dict[str, Any]) -> tuple[str, str]:
    """A document as it is stored, and the SHA-256 of exactly that text."""
    written = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return written, sha256(written.encode()).hexdigest()


async def weekly(connection: AsyncConnection, kommun: str, first: date, last: date) -> list[WeekRow]:
    """Reports of every week, area of RegSO (``unplaced`` too) and type."""
    values = {"kommun": kommun, "layer": LAYER, "first": first, "last": last}
    return [WeekRow(*row) for row in await connection.execute(_WEEKS, values)]


async def first_day(connection: AsyncConnection, kommun: str) -> date | None:
    """The day from which the municipality reports, None when nobody does.

    Not its very first report: a lamp that has been dark since years, or a mistyped year, would make years of silence a
    history of calm. The first fiftieth of the reports, and at least three, lie before.
    """
    found: date | None = await connection.scalar(_FIRST, {"kommun": kommun})
    return found


async def presence(
    connection: AsyncConnection, kommun: str, start: date, last: date, *, days: int
) -> list[tuple[int, str, str]]:
    """(period of so many days since start, area, reporter's token) of everything that reporters sent."""
    values = {"kommun": kommun, "layer": LAYER, "start": start, "last": last, "days": days}
    return [(row.at, row.area, row.reporter_token) for row in await connection.execute(_PRESENCE, values)]


async def presence_of(
    connection: AsyncConnection, kommun: str, start: date, last: date, *, days: int, of: tuple[str, str]
) -> list[tuple[int, str, str]]:
    """The same of one (layer, area) only, and of who was ever there wherever they were ("")."""
    values = {"kommun": kommun, "layer": of[0], "area": of[1], "areas": [of[1]], "start": start, "last": last}
    rows = await connection.execute(_PRESENCE_OF, values | {"days": days})
    return [(row.at, row.area, row.reporter_token) for row in rows]


async def eyes(connection: AsyncConnection, kommun: str, start: date, last: date, *, days: int) -> dict[int, int]:
    """Period of so many days since start → reporters who sent anything at all."""
    values = {"kommun": kommun, "start": start, "last": last, "days": days}
    return {row.at: row.reporters for row in await connection.execute(_EYES, values)}


async def lateness(
    connection: AsyncConnection, kommun: str, first: date, last: date, sources: Sequence[str] = ()
) -> list[tuple[date, int, int]]:
    """(day, days late, reports in millionths), of some sources only where they are named."""
    values = {"kommun": kommun, "first": first, "last": last, "sources": list(sources)}
    rows = await connection.execute(_LATE, values)
    return [(row.day, row.late, row.reports) for row in rows]


async def settled(connection: AsyncConnection, kommun: str) -> bool:
    """Whether fewer facts changed in the last minute than one a second: nobody is filling the municipality just now."""
    return bool(await connection.scalar(_SETTLED, {"kommun": kommun}))


async def state_of_data(connection: AsyncConnection, kommun: str) -> dict[str, Any]:
    """What the numbers of this moment stand on: how many facts, and when one last changed."""
    row = (await connection.execute(_STATE, {"kommun": kommun})).one()
    return {"facts": row.facts, "newest_change": None if row.newest is None else row.newest.isoformat()}


async def newest_change(connection: AsyncConnection, kommun: str) -> datetime | None:
    """When a fact last changed, by a transaction that has ended; None where there is none."""
    found: datetime | None = await connection.scalar(_NEWEST_CHANGE, {"kommun": kommun})
    return found


async def layer_version(connection: AsyncConnection, kommun: str) -> str | None:
    """The version of RegSO in the newest placement."""
    found: str | None = await connection.scalar(_LAYER_VERSION, {"kommun": kommun, "layer": LAYER})
    return found


async def restored_at(connection: AsyncConnection) -> datetime | None:
    """When the database was last restored; None when it never was."""
    at: datetime | None = await connection.scalar(_RESTORED)
    return at


async def epoch(connection: AsyncConnection) -> int:
    """The restore epoch that minted numbers carry."""
    return int(await connection.scalar(_EPOCH) or 0)


async def add_run(connection: AsyncConnection, kommun: str, week: date, document: dict[str, Any], now: datetime) -> str:
    """Keep what a run found, and return its hash; a run that is kept stays as it is."""
    written, digest = sealed(document)
    values = {"kommun": kommun, "week": week, "document": written, "hash": digest, "now": now}
    await connection.execute(_ADD_RUN, values)
    return digest


async def add_revisions(connection: AsyncConnection, kommun: str, revisions: Iterable[Revision]) -> None:
    """Add revisions of cases."""
    for one in revisions:
        values = {
            "kommun": kommun,
            "case": one.case_id,
            "revision": one.revision,
            "number": one.number,
            "state": one.state,
            "week": one.week,
            "document": sealed(one.document)[0],
            "hash": one.hash,
            "now": one.minted_at,
        }
        await connection.execute(_ADD_CASE, values)


def _revision(row: Any) -> Revision:
    return Revision(
        row.case_id, row.revision, row.number, row.state, row.week, json.loads(row.document), row.hash, row.minted_at
    )


async def newest_cases(connection: AsyncConnection, kommun: str) -> list[Revision]:
    """The newest revision of every case, the latest case first."""
    found = [_revision(row) for row in await connection.execute(_NEWEST, {"kommun": kommun})]
    return sorted(found, key=lambda c: (c.week, c.number), reverse=True)


async def revisions(connection: AsyncConnection, kommun: str, case_id: UUID) -> list[Revision]:
    """Every revision of a case, the first first; empty when there is no such case."""
    return [_revision(row) for row in await connection.execute(_CASE, {"kommun": kommun, "case": case_id})]


async def run_of(connection: AsyncConnection, kommun: str, week: date | None = None) -> dict[str, Any] | None:
    """What the run of a week found, or the latest; None when there is none."""
    row = (await connection.execute(_RUN, {"kommun": kommun, "week": week})).first()
    return None if row is None else json.loads(row.document) | {"hash": row.hash, "minted_at": row.minted_at}
