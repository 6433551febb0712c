"""Cards: all that is known of one area, place or type, by the same measures as the lägesbild; reads, never writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import findings
from services.analysis.domain.exposure import beside, looking
from services.analysis.domain.findings import BesideYear, Finding, Measured
from services.analysis.domain.selection import EARLIEST, Selection, whole_weeks
from services.analysis.domain.series import SeriesKey
from services.analysis.handlers.judging import missing, span_of
from services.analysis.handlers.looking import knows_areas, remembered
from services.analysis.store import cards as store
from services.analysis.store import exposure, numbers, signals
from services.analysis.store.cards import Subject
from services.analysis.store.pictures import Span
from services.analysis.views import MILLION, swedish_day
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
    ``year`` is None where nobody reported a year before.
    ``eyes``: reporters who were looking in every period, at ``looked_at``: the subject's area, the one that a place
    lies in, or the whole (""). ``appointed``: those who were to look there; None where appointments do not know.
    """

    subject: Subject
    chosen: Selection
    periods: Sequence[tuple[date, int]]
    finding: Finding | None
    usual: tuple[int, int] | None
    year: BesideYear | None
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
            first_day = await signals.first_day(connection, kommun)
            span, count = span_of(about, first_day)
            one, eyes = await _measured(connection, kommun, subject, about, (span, count))
            late = await missing(connection, kommun, about)
            then = await _then(connection, kommun, about, first_day)
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
                dated(span, one),
                findings.judged_alone(one, late),
                findings.usual(one.periods[:-1]),
                None if then is None else findings.beside_year(one, then, late),
                eyes,
                subject.area,
                await appointed(connection, kommun, about),
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


def year_before(chosen: Selection) -> Selection:
    """The same days of the week 52 weeks before."""
    first, last = (max(EARLIEST, day - timedelta(weeks=52)) for day in (chosen.first, chosen.last))
    return replace(chosen, first=first, last=last)


async def _then(connection: AsyncConnection, kommun: str, about: Selection, first_day: date | None) -> int | None:
    """Reports of a year before; None where nobody reported yet."""
    year = year_before(about)
    if first_day is None or year.first < first_day:
        return None
    (row,) = await numbers.counts(connection, kommun, year)
    return round(int(row.reports) / MILLION)


def dated(span: Span, one: Measured) -> list[tuple[date, int]]:
    """Every period's first day and reports."""
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
    eyes = await eyes_of(connection, kommun, subject, span, count)
    since, seen_by = beside(eyes, theirs=2 * mine >= sum(sums))
    key = SeriesKey(subject.area, subject.kind)
    return Measured(key, tuple(round(n / MILLION) for n in sums), seen_by, since), eyes


async def eyes_of(connection: AsyncConnection, kommun: str, subject: Subject, span: Span, count: int) -> Sequence[int]:
    """Reporters who were looking at the subject, in every period."""
    if not subject.area:
        found = await signals.eyes(connection, kommun, span.start, span.last, days=span.days)
        return [found.get(at, 0) for at in range(count)]
    start, memory = remembered(span)
    of = (subject.layer, subject.area)
    sent = await signals.presence_of(connection, kommun, start, span.last, days=span.days, of=of)
    by = looking(sent, memory).get(subject.area, {})
    return [by.get(at + memory, 0) for at in range(count)]


async def appointed(connection: AsyncConnection, kommun: str, about: Selection) -> int | None:
    """Reporters who were appointed for a selection's areas; None where appointments do not know them."""
    if not knows_areas(about, []):
        return None
    own = [area for area in about.areas if area.startswith(kommun)]
    (row,) = await exposure.appointed(connection, kommun, about, [], own)
    return int(row["appointed"])


def began(event: Mapping[str, Any]) -> date:
    """The Swedish day on which what a report tells of was first seen."""
    return swedish_day(datetime.fromisoformat(event["report"]["time_from"]))


def days_open(event: Mapping[str, Any], last: date) -> int:
    """Days that a state has stood on the last day of a period."""
    return max(0, (last - began(event)).days)
