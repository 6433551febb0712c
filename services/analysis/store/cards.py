"""SQL of cards and of what is behind a number: one place and kind through every view, and the facts themselves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.selection import Hours, Selection
from services.analysis.store.numbers import values_of
from services.analysis.store.sums import ALWAYS, OF_PARTS, SETS, Sums, of_kinds
from services.analysis.views import MILLION

_RHYTHM = Sums("rhythm", {"slot": "slot"}, {"reports": "sum(reports)"}, "week between :first and :last", OF_PARTS)
_ZERO = Sums("activity", {}, {"reports": "sum(reports)"}, "day between :first and :last and kind = 'zero'")
_OF_PLACE = text("""
    select f.event from facts f
    where f.kommun = :kommun and f.day between :first and :last and f.places is not null
      and :place = any(string_to_array(f.places, ' '))
    order by f.day desc, f.report_id""")
_OPEN_AT = text("""
    select f.event from facts f
    where f.kommun = :kommun and f.day <= :last and f.stands_until > :last
      and :place = any(string_to_array(f.places, ' '))
    order by f.day, f.report_id""")
_MAY_HAVE_HAPPENED = """
    select 1 from (select (r->>'time_from')::timestamptz as a, (r->>'time_to')::timestamptz as b
                   from (select cast(event as jsonb)->'report') as report(r) offset 0) as t,
        generate_series(date_trunc('hour', a, 'UTC'), greatest(a, least(b, a + interval '168 hours') - interval '1 us'),
                        interval '1 hour') as h
    where extract(isodow from h at time zone 'Europe/Stockholm') = :weekday
      and extract(hour from h at time zone 'Europe/Stockholm') >= :since
      and extract(hour from h at time zone 'Europe/Stockholm') < :until"""
_STOOD = "day <= :last and stands_until > :last"
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


async def rhythm(connection: AsyncConnection, kommun: str, subject: Subject, first: date, last: date) -> dict[int, int]:
    """Hour of the week → reports in millionths, over the weeks that begin on the days from first to last."""
    rows = await _sums(connection, kommun, subject, _RHYTHM, {"first": first, "last": last})
    return {row.slot: row.reports for row in rows}


async def zero_reports(connection: AsyncConnection, kommun: str, subject: Subject, first: date, last: date) -> int:
    """How many times somebody said that all was calm there; of everything, whatever the subject's kind."""
    (row,) = await _sums(connection, kommun, replace(subject, kind=""), _ZERO, {"first": first, "last": last})
    return int(row.reports) // MILLION


async def _sums(
    connection: AsyncConnection, kommun: str, subject: Subject, sums: Sums, values: Mapping[str, Any]
) -> Sequence[Row[Any]]:
    """Sums of one area, or over a layer's areas, or of all there is."""
    kinds, of_kind = of_kinds([subject.kind] if subject.kind else [])
    statement = sums.statement(areas=subject.areas, where=kinds, chosen=bool(subject.area))
    about = {"kommun": kommun, "layer": subject.layer, "areas": [subject.area]}
    return (await connection.execute(text(statement), {**about, **values, **of_kind})).all()


@dataclass(frozen=True, slots=True)
class Inside:
    """``own`` leaves out what that municipality's reporters saw in another one, as a lägesbild does; a named place.

    ``hours`` are those in which it may have happened, as the rhythm counts them (``views/rhythm.py``); ``cell`` of
    resolution 9; ``standing``: states that stood on the last day, whenever they began.
    """

    own: str | None = None
    place: UUID | None = None
    hours: Hours | None = None
    cell: str | None = None
    standing: bool = False


ANYWHERE = Inside()


def _wanted(kommun: str, chosen: Selection, inside: Inside) -> tuple[str, dict[str, Any]]:
    """Condition on facts, and its parameters; only what is asked for stands in it.

    All but sources, hours, cells and places is in the index.
    """
    kinds, of_kind = of_kinds(chosen.types)
    when = _STOOD if inside.standing else "day between :first and :last"
    where = f"kommun = :kommun and {when} {kinds}"
    values = values_of(kommun, chosen) | of_kind
    if chosen.areas:
        where += f" and {SETS}"
    if inside.place is not None:
        where += " and places is not null and :place = any(string_to_array(places, ' '))"
    if inside.cell is not None:
        where += " and r9 = :cell"
        values["cell"] = int(inside.cell, 16)
    if inside.own:
        where += """ and exists (
            select 1 from area_sets a where a.kommun = :kommun and a.area_set = f.area_set and a.layer = 'regso'
              and (a.area = 'unplaced' or left(a.area, 4) = :own))"""
    if inside.hours is not None:
        where += f" and exists ({_MAY_HAVE_HAPPENED})"
        values |= asdict(inside.hours)
    if chosen.sources:
        where += " and cast(event as jsonb)->'report'->>'source' = any(cast(:sources as text[]))"
    return where, values | {"own": inside.own or "", "place": str(inside.place)}


async def how_many(connection: AsyncConnection, kommun: str, chosen: Selection, inside: Inside = ANYWHERE) -> int:
    """How many reports a selection's number stands on; one on a border is one here, and shared in the numbers."""
    where, values = _wanted(kommun, chosen, inside)
    statement = f"select count(*) from facts f where {where}"  # noqa: S608 - conditions are the code's own
    return int(await connection.scalar(text(statement), values) or 0)


async def in_hours(
    connection: AsyncConnection, kommun: str, chosen: Selection, inside: Inside, *, limit: int, skip: int
) -> tuple[int, list[dict[str, Any]]]:
    """Both of the same for hours of the week: how many, and a page of them. Every report's JSON is read, but once."""
    where, values = _wanted(kommun, chosen, inside)
    statement = f"""
        with there as materialized (select day, report_id from facts f where {where})
        select (select count(*) from there) as found, event from (
            select * from there order by day desc, report_id limit :limit offset :skip) one
            join facts using (day, report_id) where kommun = :kommun"""  # noqa: S608 - as above
    rows = (await connection.execute(text(statement), values | {"limit": limit, "skip": skip})).all()
    return int(rows[0].found) if rows else 0, _latest_first(row.event for row in rows)


def _latest_first(events: Iterable[str]) -> list[dict[str, Any]]:
    return sorted(map(json.loads, events), key=lambda e: str(e["report"]["time_from"]), reverse=True)


async def behind(
    connection: AsyncConnection,
    kommun: str,
    chosen: Selection,
    inside: Inside = ANYWHERE,
    *,
    limit: int,
    skip: int = 0,
) -> list[dict[str, Any]]:
    """The located reports that a selection counts, the latest first; which of a day come on a page is by their ids."""
    where, values = _wanted(kommun, chosen, inside)
    statement = f"""
        select event from facts f where {where} order by day desc, report_id limit :limit offset :skip"""  # noqa: S608 - as above
    rows = await connection.execute(text(statement), values | {"limit": limit, "skip": skip})
    return _latest_first(row.event for row in rows)


def _standing(kommun: str, subject: Subject, last: date) -> tuple[str, dict[str, Any]]:
    kinds, of_kind = of_kinds([subject.kind] if subject.kind else [])
    inside = f"and {SETS}" if subject.area else ""
    about = {"kommun": kommun, "layer": subject.layer, "areas": [subject.area], "last": last}
    return f"kommun = :kommun and {_STOOD} {kinds} {inside}", about | of_kind


async def still_open(
    connection: AsyncConnection, kommun: str, subject: Subject, last: date, limit: int
) -> list[dict[str, Any]]:
    """Located reports of states that stood on the last day, the oldest first."""
    where, values = _standing(kommun, subject, last)
    # All that stood, out of the index, before the few: to find them by day would read every report there ever was.
    statement = f"""
        with there as materialized (select day, report_id from facts where {where})
        select event from (select * from there order by day, report_id limit :limit) oldest
            join facts using (day, report_id) where kommun = :kommun order by day, report_id"""  # noqa: S608 - as above
    return [json.loads(row.event) for row in await connection.execute(text(statement), values | {"limit": limit})]


async def how_many_open(connection: AsyncConnection, kommun: str, subject: Subject, last: date) -> int:
    """All of them."""
    where, values = _standing(kommun, subject, last)
    return int(await connection.scalar(text(f"select count(*) from facts where {where}"), values) or 0)  # noqa: S608 - as above


async def open_at(connection: AsyncConnection, kommun: str, place: UUID, last: date) -> list[str]:
    """Located reports, as stored, of the states that stood in a named place on the last day, the oldest first."""
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
