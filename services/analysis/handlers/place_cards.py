"""The card of a named place: folded from its own reports, since no view knows of places; reads, never writes.

Who was looking is known by area: the one that most of the place's reports lie in. It is shown beside the number, which
is judged as in a lägesbild: as it was counted.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import findings
from services.analysis.domain.findings import Measured
from services.analysis.domain.places import begun
from services.analysis.domain.selection import Selection, whole_weeks
from services.analysis.domain.series import SeriesKey
from services.analysis.handlers.carding import (
    MOST_OPEN,
    RHYTHM_WEEKS,
    SHOWN,
    Card,
    appointed,
    dated,
    eyes_of,
    year_before,
)
from services.analysis.handlers.judging import missing, span_of
from services.analysis.store import cards as store
from services.analysis.store import numbers, signals
from services.analysis.store.cards import Subject
from services.analysis.store.pictures import Span
from services.analysis.store.sums import ALWAYS
from services.analysis.views import MILLION
from services.analysis.views.fact import Counted, counted, read
from services.analysis.views.rhythm import contributions
from services.runtime.database import Database

Facts = Sequence[tuple[str, Counted]]
"""Located reports as stored and as counted."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who was looking at an area, "" where a place has no report to say which."""

    area: str
    eyes: Sequence[int] = ()
    appointed: int | None = None
    zero_reports: int = 0


async def place_card(database: Database, kommun: str, subject: Subject, ident: UUID, chosen: Selection) -> Card:
    """The card of a place, in one snapshot; ``subject`` names its layer and code."""
    about = replace(chosen, sources=(), areas=(), types=())
    year = year_before(about)
    async with database.transaction((kommun,), snapshot=True) as connection:
        first_day = await signals.first_day(connection, kommun)
        span, count = span_of(about, first_day)
        since = min(span.start, whole_weeks(chosen.last, RHYTHM_WEEKS)[0], year.first)
        facts = await asyncio.to_thread(_read, await store.of_place(connection, kommun, ident, since, chosen.last))
        card = _OfPlace(
            subject,
            about,
            span,
            count,
            facts,
            await store.open_at(connection, kommun, ident, chosen.last),
            await _seen_from(connection, kommun, _mostly_in(facts), (about, span, count)),
            first_day,
            await missing(connection, kommun, about),
            await numbers.any_invented(connection, kommun),
        )
    return await asyncio.to_thread(card.card)


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
        await eyes_of(connection, kommun, subject, span, count),
        await appointed(connection, kommun, inside),
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
    first_day: date | None
    late: float
    invented: bool

    def card(self) -> Card:
        """The card."""
        every = self._measured()
        one = replace(every, periods=begun(every.periods))
        first, last = whole_weeks(self.chosen.last, RHYTHM_WEEKS)
        rhythm: Counter[int] = Counter()
        for _, fact in self.facts:
            if first <= fact.day <= last:
                rhythm.update({key.slot: weight.reports for key, weight in contributions(fact).items()})
        inside = [event for event, fact in self.facts if fact.day >= self.chosen.first]
        return Card(
            self.subject,
            self.chosen,
            dated(self.span, every),
            findings.judged_alone(one, self.late),
            findings.usual(one.periods[:-1]),
            self._year(one),
            self.seen.eyes,
            self.seen.area,
            self.seen.appointed,
            self.seen.zero_reports,
            rhythm,
            RHYTHM_WEEKS,
            self._grouped("source"),
            {},
            self._grouped("event_type"),
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
        return Measured(SeriesKey("", ""), tuple(sums[i] for i in range(self.count)), None)

    def _year(self, one: Measured) -> findings.BesideYear | None:
        year = year_before(self.chosen)
        if self.first_day is None or year.first < self.first_day:
            return None
        then = sum(year.first <= fact.day <= year.last for _, fact in self.facts)
        return findings.beside_year(one, then, self.late)

    def _grouped(self, by: str) -> dict[str, tuple[int, int]]:
        before = self.chosen.before()
        found: dict[str, list[int]] = {}
        for _, fact in self.facts:
            if fact.day >= before.first:
                found.setdefault(getattr(fact, by), [0, 0])[0 if fact.day >= self.chosen.first else 1] += MILLION
        return {name: (now, then) for name, (now, then) in sorted(found.items())}
