"""Cards: all that is known of one area, place or type, by the same measures as the lägesbild; reads, never writes."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import findings
from services.analysis.domain.exposure import known, looking
from services.analysis.domain.findings import Finding, Measured
from services.analysis.domain.selection import Selection, whole_weeks
from services.analysis.domain.series import SeriesKey
from services.analysis.handlers.judging import missing, span_of
from services.analysis.handlers.looking import remembered
from services.analysis.store import cards as store
from services.analysis.store import exposure, numbers, signals
from services.analysis.store.cards import Subject
from services.analysis.store.pictures import Span
from services.analysis.store.sums import ALWAYS
from services.analysis.views import MILLION, swedish_day
from services.analysis.views.fact import Counted, counted, read
from services.analysis.views.rhythm import contributions
from services.runtime.database import Database

RHYTHM_WEEKS, BUSY_WEEKS = 52, 13
"""A year of hours where reports are few; a quarter where they are so many that it shows the same."""
BUSY = 5_000
SHOWN = 5
MOST_OPEN = 12


@dataclass(frozen=True, slots=True)
class Card:
    """One subject in one period. Weights are millionths; ``periods`` = (first day, reports), the oldest first.

    ``finding`` is None where there is too little history; ``usual`` between what the count lies 19 times of 20.
    ``eyes``: reporters who were looking in every period, at ``looked_at``: the subject's area, the one that a place
    lies in, or the whole (""). ``appointed``: those who were to look there; None where appointments do not know.
    """

    subject: Subject
    chosen: Selection
    periods: Sequence[tuple[date, int]]
    finding: Finding | None
    usual: tuple[int, int] | None
    eyes: Sequence[int]
    looked_at: str
    appointed: int | None
    zero_reports: int
    rhythm: Mapping[int, int]
    rhythm_weeks: int
    sources: Mapping[str, tuple[int, int]]
    areas: Mapping[str, tuple[int, int]]
    kinds: Mapping[str, tuple[int, int]]
    still_open: Sequence[Mapping[str, Any]]
    open_count: int
    behind: Sequence[Mapping[str, Any]]
    count: int
    missing: float
    invented: bool

    @property
    def now(self) -> int:
        """Reports of the period."""
        return self.periods[-1][1]

    @property
    def rhythm_days(self) -> tuple[date, date]:
        """First and last day of the weeks that the rhythm is summed over."""
        return whole_weeks(self.chosen.last, self.rhythm_weeks)


class Carding:
    """The use case of cards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def card(self, kommun: str, subject: Subject, chosen: Selection) -> Card:
        """The card of a subject, in one snapshot; the period and the ones before it are those of ``chosen``."""
        about = replace(
            chosen,
            layer=subject.layer,
            areas=(subject.area,) if subject.area else (),
            types=(subject.kind,) if subject.kind else (),
            sources=(),
        )
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            span, count = await span_of(connection, kommun, about)
            one, eyes = await _measured(connection, kommun, subject, about, (span, count))
            late = await missing(connection, kommun, about)
            rhythm_weeks = BUSY_WEEKS if sum(one.periods) > BUSY else RHYTHM_WEEKS
            everywhere = replace(about, areas=())
            if about.areas:  # its neighbours stand on the map
                groups = await numbers.beside(connection, kommun, about, ["source", "type"])
                groups |= await numbers.beside(connection, kommun, everywhere, ["area"])
            else:
                groups = await numbers.beside(connection, kommun, about, ["area", "source", "type"])
            return Card(
                subject,
                about,
                _dated(span, one),
                findings.judged_alone(one, late),
                findings.usual(one.periods[:-1]),
                eyes,
                subject.area,
                await _appointed(connection, kommun, about),
                await store.zero_reports(connection, kommun, subject, about.first, about.last),
                await store.rhythm(connection, kommun, subject, *whole_weeks(about.last, rhythm_weeks)),
                rhythm_weeks,
                groups["source"],
                groups["area"],
                groups["type"],
                await store.still_open(connection, kommun, subject, about.last, MOST_OPEN),
                await store.how_many_open(connection, kommun, subject, about.last),
                await store.behind(connection, kommun, about, limit=SHOWN),
                await store.how_many(connection, kommun, about),
                late,
                await numbers.any_invented(connection, kommun),
            )

    async def place(self, kommun: str, subject: Subject, ident: UUID, chosen: Selection) -> Card:
        """The card of a named place: folded from its own reports, since no view knows of places.

        Who was looking is known by area: the one that most of its reports lie in.
        """
        about = replace(chosen, sources=(), areas=(), types=())
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            span, count = await span_of(connection, kommun, about)
            since = min(span.start, whole_weeks(chosen.last, RHYTHM_WEEKS)[0])
            stored = await store.of_place(connection, kommun, ident, since, chosen.last)
            facts = await asyncio.to_thread(_read, stored)
            seen = await _seen_from(connection, kommun, _mostly_in(facts), (about, span, count))
            standing = await store.open_at(connection, kommun, ident, chosen.last)
            late = await missing(connection, kommun, about)
            invented = await numbers.any_invented(connection, kommun)
        read = _OfPlace(subject, about, span, count, facts, standing, seen, late, invented)
        return await asyncio.to_thread(read.card)


Facts = Sequence[tuple[str, Counted]]
"""Located reports as stored and as counted."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who was looking at an area, "" where a place has no report to say which."""

    area: str
    eyes: Sequence[int] = ()
    appointed: int | None = None
    zero_reports: int = 0


def _read(events: Sequence[str]) -> Facts:
    return [(event, fact) for event in events if (fact := counted(read(event))) is not None]


def _mostly_in(facts: Facts) -> str:
    """The area of RegSO that most lie in; a place on a border lies in the larger part."""
    areas: Counter[str] = Counter()
    for _, fact in facts:
        areas.update({one.area: one.share for one in fact.areas.shares if one.layer == ALWAYS})
    return min(areas, key=lambda area: (-areas[area], area), default="")


async def _seen_from(connection: AsyncConnection, kommun: str, area: str, of: tuple[Selection, Span, int]) -> _Seen:
    chosen, span, count = of
    if not area:
        return _Seen("")
    subject, inside = Subject(ALWAYS, area, ""), replace(chosen, layer=ALWAYS, areas=(area,))
    return _Seen(
        area,
        await _eyes(connection, kommun, subject, span, count),
        await _appointed(connection, kommun, inside),
        await store.zero_reports(connection, kommun, subject, chosen.first, chosen.last),
    )


@dataclass(frozen=True, slots=True)
class _OfPlace:
    """What a place's card is folded from; ``standing``: the states that stand there, as stored."""

    subject: Subject
    chosen: Selection
    span: Span
    count: int
    facts: Facts
    standing: Sequence[str]
    seen: _Seen
    late: float
    invented: bool

    def card(self) -> Card:
        """The card."""
        one = self._measured()
        first, last = whole_weeks(self.chosen.last, RHYTHM_WEEKS)
        rhythm: Counter[int] = Counter()
        for _, fact in self.facts:
            if first <= fact.day <= last:
                rhythm.update({key.slot: weight.reports for key, weight in contributions(fact).items()})
        inside = [event for event, fact in self.facts if fact.day >= self.chosen.first]
        return Card(
            self.subject,
            self.chosen,
            _dated(self.span, one),
            findings.judged_alone(one, self.late),
            findings.usual(one.periods[:-1]),
            self.seen.eyes,
            self.seen.area,
            self.seen.appointed,
            self.seen.zero_reports,
            rhythm,
            RHYTHM_WEEKS,
            _grouped(self.chosen, self.facts, "source"),
            {},
            _grouped(self.chosen, self.facts, "event_type"),
            [json.loads(event) for event in self.standing[:MOST_OPEN]],
            len(self.standing),
            [json.loads(event) for event in inside[:SHOWN]],
            len(inside),
            self.late,
            self.invented,
        )

    def _measured(self) -> Measured:
        counting = [fact for _, fact in self.facts if fact.day >= self.span.start]
        sums = Counter((fact.day - self.span.start).days // self.span.days for fact in counting)
        mine = sum(fact.source == "rapportor" for fact in counting)
        seen_by = known(self.seen.eyes) if self.seen.eyes and 2 * mine >= len(counting) else None
        return Measured(SeriesKey("", ""), tuple(sums[i] for i in range(self.count)), seen_by)


def _grouped(chosen: Selection, facts: Facts, by: str) -> dict[str, tuple[int, int]]:
    before = chosen.before()
    found: dict[str, list[int]] = {}
    for _, fact in facts:
        if fact.day >= before.first:
            found.setdefault(getattr(fact, by), [0, 0])[0 if fact.day >= chosen.first else 1] += MILLION
    return {name: (now, then) for name, (now, then) in sorted(found.items())}


def _dated(span: Span, one: Measured) -> list[tuple[date, int]]:
    return [(span.start + timedelta(days=i * span.days), n) for i, n in enumerate(one.periods)]


async def _measured(
    connection: AsyncConnection, kommun: str, subject: Subject, about: Selection, spans: tuple[Span, int]
) -> tuple[Measured, Sequence[int]]:
    """The subject over the periods, and who was looking at it."""
    span, count = spans
    sums, mine = [0] * count, 0
    for row in await numbers.by_period(connection, kommun, about, span):
        sums[row.at] += row.reports
        mine += row.by_reporters
    eyes = await _eyes(connection, kommun, subject, span, count)
    seen_by = known(eyes) if 2 * mine >= sum(sums) else None
    key = SeriesKey(subject.area, subject.kind)
    return Measured(key, tuple(round(n / MILLION) for n in sums), seen_by), eyes


async def _eyes(connection: AsyncConnection, kommun: str, subject: Subject, span: Span, count: int) -> Sequence[int]:
    """Reporters who were looking at the subject, in every period."""
    if not subject.area:
        found = await signals.eyes(connection, kommun, span.start, span.last, days=span.days)
        return [found.get(at, 0) for at in range(count)]
    start, memory = remembered(span)
    of = (subject.layer, subject.area)
    sent = await signals.presence_of(connection, kommun, start, span.last, days=span.days, of=of)
    by = looking(sent, memory).get(subject.area, {})
    return [by.get(at + memory, 0) for at in range(count)]


async def _appointed(connection: AsyncConnection, kommun: str, about: Selection) -> int | None:
    if about.layer != ALWAYS and about.areas:
        return None
    (row,) = await exposure.appointed(connection, kommun, about, [], [])
    return int(row["appointed"])


def began(event: Mapping[str, Any]) -> date:
    """The Swedish day on which what a report tells of was first seen."""
    return swedish_day(datetime.fromisoformat(event["report"]["time_from"]))


def days_open(event: Mapping[str, Any], last: date) -> int:
    """Days that a state has stood on the last day of a period."""
    return max(0, (last - began(event)).days)
