"""Judging: a page's numbers beside what is usual there, by the same measures as the lägesbild; reads, never writes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import findings
from services.analysis.domain.certainty import Word
from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.preliminary import HISTORY, LONGEST, still_to_come
from services.analysis.domain.selection import Selection
from services.analysis.domain.series import SeriesKey
from services.analysis.handlers.looking import active_reporters
from services.analysis.statistics.counts import Interval
from services.analysis.store import numbers, signals
from services.analysis.store.numbers import Beside
from services.analysis.store.pictures import Span
from services.analysis.views import swedish_day
from services.runtime.database import Database

By = Literal["area", "type"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was to be expected, what the difference to it bears, between what the count might have come out by chance.

    None with too short a history to know.
    """

    expected: float | None
    word: Word
    interval: Interval | None


UNKNOWN = Judged(None, "thin", None)


@dataclass(frozen=True, slots=True)
class Table:
    """All of a selection together, its areas, and its types; ``UNKNOWN`` of what never had a report."""

    whole: Judged
    areas: Mapping[str, Judged]
    kinds: Mapping[str, Judged]
    counts: Mapping[By, Beside]
    """Of what was judged: its reports of the period and of the one before."""
    missing: float
    """Which share of the period is still to come."""


async def table(database: Database, kommun: str, chosen: Selection, by: Sequence[By]) -> Table:
    """Every group of ``by``, judged together: the more there are, the more one of them must differ to be sure.

    A year of history is read once for all of them: it takes longest of all that a page asks. Who was looking is asked
    only where something would be sure without: beside it a difference can but weigh less.
    """
    async with database.transaction((kommun,)) as connection:
        span, count = span_of(chosen, await signals.first_day(connection, kommun))
        late = await missing(connection, kommun, chosen)
        rows = await numbers.by_period(connection, kommun, chosen, span, by)
    judged = findings.judge(findings.measure(rows, {}, count, _keys), late)
    if any(f.word == "sure" for f in judged):
        async with database.transaction((kommun,)) as connection:
            active = await active_reporters(connection, kommun, span, count)
        if len(chosen.areas) == 1:
            active[""] = active.get(chosen.areas[0], [0] * count)
        judged = findings.judge(findings.measure(rows, active, count, _keys), late)
    told = defaultdict(lambda: UNKNOWN, {f.key: Judged(f.expected, f.word, f.interval) for f in judged})
    return Table(
        told[SeriesKey("", "")],
        defaultdict(lambda: UNKNOWN, {key.area: one for key, one in told.items() if key.area}),
        defaultdict(lambda: UNKNOWN, {key.kind: one for key, one in told.items() if key.kind}),
        {name: _beside(rows, count, name) for name in by},
        late,
    )


def _keys(row: PeriodRow) -> Set[SeriesKey]:
    """Rows by area make up the whole; those by type are the same reports once more."""
    return {SeriesKey("", ""), SeriesKey(row.area, "")} if row.area else {SeriesKey("", row.event_type)}


def _beside(rows: Sequence[PeriodRow], count: int, by: By) -> Beside:
    """The last period and the one before, of what had any in either."""
    found: dict[str, list[int]] = {}
    for row in rows:
        name = row.area if by == "area" else row.event_type
        if name and row.at >= count - 2:
            group = found.setdefault(name, [0, 0])
            group[count - 1 - row.at] += row.reports
    return {group: (now, before) for group, (now, before) in sorted(found.items())}


def span_of(chosen: Selection, first_day: date | None) -> tuple[Span, int]:
    """The period and those before it, as many as there is history for but one at least; and how many they are."""
    back = min(findings.PERIODS, max(1, (chosen.first - (first_day or chosen.first)).days // chosen.days))
    return Span(chosen.first - timedelta(days=back * chosen.days), chosen.last, chosen.days), back + 1


async def missing(connection: AsyncConnection, kommun: str, chosen: Selection) -> float:
    """Which share of the period's reports is still to come, 0 to 1."""
    now = datetime.now(UTC)
    today = swedish_day(now)
    if chosen.last < today - timedelta(days=LONGEST):
        return 0.0
    rows = await signals.lateness(connection, kommun, today - timedelta(days=HISTORY), today, chosen.sources)
    return still_to_come(rows, chosen.first, chosen.last, now)
