"""Every page's numbers as a serving process reads them, many times; for ``benchmarks.million``."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np

from benchmarks.__main__ import say
from services.analysis.domain import density
from services.analysis.domain.comparison import between
from services.analysis.domain.selection import Selection
from services.analysis.handlers import counting
from services.analysis.handlers.carding import Carding
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.picturing import Picturing
from services.analysis.handlers.place_cards import place_card
from services.analysis.store import cards, numbers
from services.analysis.store import density as cells
from services.analysis.store import pictures as store
from services.analysis.store.cards import Subject
from services.analysis.views import monday
from services.analysis.web import areas, overview, reporting
from services.runtime.collecting import collect_rarely
from services.runtime.database import Database

TIMES = 20
Reading = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Reads:
    """Milliseconds of one page's numbers."""

    page: str
    median: float
    p95: float


async def pages(serving: Database, kommun: str, today: date, there: tuple[Sequence[str], UUID]) -> list[Reads]:
    """Every page's numbers, twenty times. ``there``: the municipality's areas, and a place in one of them.

    Two adopted lägesbilder are there.
    """
    collect_rarely()
    chosen = Selection(today - timedelta(days=14), today - timedelta(days=1))
    wanted = (
        _counts(serving, kommun, chosen)
        | _cards(serving, kommun, chosen, there)
        | await _pictures(serving, kommun)
        | _exposure(serving, kommun, chosen, there[0])
    )
    return [await _read(name, reading) for name, reading in wanted.items()]


def _counts(serving: Database, kommun: str, chosen: Selection) -> dict[str, Reading]:
    async def behind() -> object:
        async with serving.transaction((kommun,)) as connection:
            await cards.how_many(connection, kommun, chosen)
            return await cards.behind(connection, kommun, chosen, limit=50)

    async def by_week() -> object:
        year = replace(chosen, first=chosen.last - timedelta(days=363))
        async with serving.transaction((kommun,)) as connection:
            return await numbers.counts(connection, kommun, year, ["week", "area", "group"])

    async def as_of() -> object:
        at = datetime.combine(chosen.last - timedelta(days=4), datetime.min.time(), UTC)
        return await counting.sums(serving, kommun, chosen, ["area"], at)

    return {
        "overview": lambda: overview.ask(serving, kommun, chosen),
        "areas and types": lambda: areas.ask(serving, kommun, chosen),
        "behind a number": behind,
        "counts of a year by week, area and group": by_week,
        "counts of two weeks as they were known before": as_of,
    }


def _cards(serving: Database, kommun: str, chosen: Selection, there: tuple[Sequence[str], UUID]) -> dict[str, Reading]:
    carding, (known, place) = Carding(serving), there

    async def dense() -> object:
        first = monday(chosen.last + timedelta(days=1)) - timedelta(weeks=13)
        async with serving.transaction((kommun,)) as connection:
            periods = await cells.by_period(connection, kommun, "", (first, 13), date.min)
        return await asyncio.to_thread(density.rank, periods)

    return {
        "area card": lambda: carding.card(kommun, Subject("regso", known[0], ""), chosen),
        "place card": lambda: place_card(serving, kommun, Subject("platser", "torget", ""), place, chosen),
        "group card": lambda: carding.card(kommun, Subject("regso", "", "A"), chosen),
        "type card": lambda: carding.card(kommun, Subject("regso", "", "E1"), chosen),
        "density, 13 weeks": dense,
    }


async def _pictures(serving: Database, kommun: str) -> dict[str, Reading]:
    picturing, correcting = Picturing(serving), Correcting(serving)
    async with serving.transaction((kommun,)) as connection:
        newest, earlier = await store.newest(connection, kommun)

    async def shown() -> object:
        version = await picturing.newest(kommun, newest.number)
        async with serving.transaction((kommun,)) as connection:
            await store.assessments(connection, kommun, newest.number)
        return version and await correcting.counts(kommun, version)

    async def compared() -> object:
        one, other = [await picturing.newest(kommun, v.number) for v in (earlier, newest)]
        return one and other and between(one.document, other.document, (frozenset(), frozenset()))

    return {
        "adopted lägesbild, with what would differ today": shown,
        "two lägesbilder beside each other": compared,
        "all corrections of an adopted lägesbild, asked again": lambda: correcting.everything(kommun, newest),
    }


def _exposure(serving: Database, kommun: str, chosen: Selection, known: Sequence[str]) -> dict[str, Reading]:
    month, half = (replace(chosen, first=chosen.last - timedelta(days=days - 1)) for days in (28, 182))
    return {
        "who reports, 4 weeks": lambda: reporting.ask(serving, kommun, month, known),
        "who reports, 26 weeks": lambda: reporting.ask(serving, kommun, half, known),
    }


async def _read(name: str, reading: Reading) -> Reads:
    await reading()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await reading()
        taken.append(1000 * (time.perf_counter() - began))
    found = Reads(name, round(float(np.median(taken)), 1), round(float(np.percentile(taken, 95)), 1))
    say(f"{found.page}: median {found.median} ms, p95 {found.p95} ms")
    return found
