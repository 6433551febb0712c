"""SQL of cards and of what is behind a number: one place and kind through every view, and the facts themselves."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.selection import Selection
from services.analysis.store.area_sets import ALWAYS, OF_PARTS, OF_WHOLE, summed
from services.analysis.store.numbers import values_of
from services.analysis.store.pictures import Span

_LIVING = "(select generation from view_state where name = '{0}')"
_KIND = "(:kind = '' or event_type = :kind or left(event_type, 1) = :kind)"


def _either(view: str, columns: str, where: str, of: str = OF_WHOLE) -> dict[bool, TextClause]:
    """The same sums of one area, or over a layer's areas (True), and of all there is (False); ``{sum}`` in columns."""
    found = {}
    for areas in (True, False):
        source, reports = summed(view, "reports", areas=areas, of=of)
        only = "and layer = :layer and (:area = '' or area = :area)" if areas else ""
        found[areas] = text(f"""
            select {columns.format(sum=reports)} from {source}
            where kommun = :kommun and generation = {_LIVING.format(view)} {only} and {where}""")  # noqa: S608 - names are constants
    return found


_PERIODS = _either(
    "cube",
    """(day - cast(:start as date)) / :days as at, '' as area, '' as event_type, {sum}::bigint as reports,
       coalesce({sum} filter (where source = 'rapportor'), 0)::bigint as by_reporters""",
    f"{_KIND} and day >= :start and day <= :last group by 1",
)
_RHYTHM = _either(
    "rhythm",
    "slot, {sum}::bigint as reports",
    f"{_KIND} and week between :first and :last group by slot",
    OF_PARTS,
)
_ZERO = _either("activity", "coalesce({sum}, 0)::bigint", "day between :first and :last and kind = 'zero'")
_WANTED = """
    f.kommun = :kommun and f.day between :first and :last
    and (cast(:areas as text[]) = '{}' or f.area_set in (
        select area_set from area_sets
        where kommun = :kommun and layer = :layer and area = any(cast(:areas as text[]))))
    and (cast(:types as text[]) = '{}' or f.event_type = any(cast(:types as text[]))
         or left(f.event_type, 1) = any(cast(:types as text[])))
    and (:own = '' or exists (
        select 1 from area_sets a where a.kommun = :kommun and a.area_set = f.area_set and a.layer = 'regso'
          and (a.area = 'unplaced' or left(a.area, 4) = :own)))
    and (cast(:sources as text[]) = '{}'
         or cast(f.event as jsonb)->'report'->>'source' = any(cast(:sources as text[])))"""
_BEHIND = text(f"""
    select f.report_id, f.event from facts f where {_WANTED}
    order by f.day desc, f.report_id limit :limit offset :skip""")  # noqa: S608 - names are constants
_HOW_MANY = text(f"select count(*) from facts f where {_WANTED}")  # noqa: S608 - names are constants
_OF_PLACE = text("""
    select f.event from facts f
    where f.kommun = :kommun and f.day between :first and :last and f.places is not null
      and :place = any(string_to_array(f.places, ' '))
    order by f.day desc, f.report_id""")
_STANDING = """
    f.kommun = :kommun and f.day <= :last and f.standing
    and (:kind = '' or f.event_type = :kind or left(f.event_type, 1) = :kind)
    and (:area = '' or f.area_set in (
        select area_set from area_sets where kommun = :kommun and layer = :layer and area = :area))"""
_OPEN = text(f"select f.event from facts f where {_STANDING} order by f.day, f.report_id limit :limit")  # noqa: S608 - names are constants
_HOW_MANY_OPEN = text(f"select count(*) from facts f where {_STANDING}")  # noqa: S608 - names are constants
_OPEN_AT = text("""
    select f.event from facts f
    where f.kommun = :kommun and f.day <= :last and f.standing and :place = any(string_to_array(f.places, ' '))
    order by f.day, f.report_id""")
_ONE = text("select report_id, event, reason from facts where kommun = :kommun and report_id = :report")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about: an area of a layer (empty: the whole municipality), a type or group (empty: all)."""

    layer: str
    area: str
    kind: str

    @property
    def areas(self) -> bool:
        """Whether its numbers depend on areas at all."""
        return bool(self.area) or self.layer != ALWAYS

    def values(self, kommun: str) -> dict[str, Any]:
        """As parameters."""
        return {"kommun": kommun, "layer": self.layer, "area": self.area, "kind": self.kind}


async def periods(connection: AsyncConnection, kommun: str, subject: Subject, span: Span) -> list[PeriodRow]:
    """Reports of every period."""
    values = subject.values(kommun) | {"start": span.start, "last": span.last, "days": span.days}
    return [PeriodRow(*row) for row in await connection.execute(_PERIODS[subject.areas], values)]


async def rhythm(connection: AsyncConnection, kommun: str, subject: Subject, first: date, last: date) -> dict[int, int]:
    """Hour of the week → reports in millionths, over the weeks (their Mondays) from first to last."""
    values = subject.values(kommun) | {"first": first, "last": last}
    return {row.slot: row.reports for row in await connection.execute(_RHYTHM[subject.areas], values)}


async def zero_reports(connection: AsyncConnection, kommun: str, subject: Subject, first: date, last: date) -> int:
    """How many times somebody said that all was calm there."""
    values = subject.values(kommun) | {"first": first, "last": last}
    return int(await connection.scalar(_ZERO[subject.areas], values) or 0) // 1_000_000


def _wanted(kommun: str, chosen: Selection, own: str | None) -> dict[str, Any]:
    return values_of(kommun, chosen) | {"own": own or ""}


async def how_many(connection: AsyncConnection, kommun: str, chosen: Selection, *, own: str | None = None) -> int:
    """How many reports a selection's number stands on; one on a border is one here, and shared in the numbers.

    ``own`` leaves out what the municipality's reporters saw in another one, as a lägesbild does.
    """
    return int(await connection.scalar(_HOW_MANY, _wanted(kommun, chosen, own)) or 0)


async def behind(
    connection: AsyncConnection,
    kommun: str,
    chosen: Selection,
    *,
    limit: int,
    skip: int = 0,
    own: str | None = None,
) -> list[dict[str, Any]]:
    """The located reports that a selection counts, the latest first; which of a day come on a page is by their ids."""
    values = _wanted(kommun, chosen, own) | {"limit": limit, "skip": skip}
    found = [json.loads(row.event) for row in await connection.execute(_BEHIND, values)]
    return sorted(found, key=lambda event: str(event["report"]["time_from"]), reverse=True)


async def still_open(
    connection: AsyncConnection, kommun: str, subject: Subject, last: date, limit: int
) -> list[dict[str, Any]]:
    """Located reports of states that stand, the oldest first."""
    values = subject.values(kommun) | {"last": last, "limit": limit}
    return [json.loads(row.event) for row in await connection.execute(_OPEN, values)]


async def how_many_open(connection: AsyncConnection, kommun: str, subject: Subject, last: date) -> int:
    """All of them."""
    return int(await connection.scalar(_HOW_MANY_OPEN, subject.values(kommun) | {"last": last}) or 0)


async def open_at(connection: AsyncConnection, kommun: str, place: UUID, last: date) -> list[str]:
    """Located reports, as stored, of the states that stand in a named place, the oldest first."""
    values = {"kommun": kommun, "place": str(place), "last": last}
    return [row.event for row in await connection.execute(_OPEN_AT, values)]


async def of_place(connection: AsyncConnection, kommun: str, place: UUID, first: date, last: date) -> list[str]:
    """The located reports, as stored, that count and whose point lies in a named place; the latest day first."""
    values = {"kommun": kommun, "place": str(place), "first": first, "last": last}
    return [row.event for row in await connection.execute(_OF_PLACE, values)]


async def one(connection: AsyncConnection, kommun: str, report: UUID) -> tuple[dict[str, Any], str | None] | None:
    """A located report, and why it does not count if it does not."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "report": report})).first()
    return None if row is None else (json.loads(row.event), row.reason)
