"""The numbers of pages against a fold of the same facts, whatever is chosen; and read out of the keys alone."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text

from schemas.locations import ReportLocated
from services.analysis.domain.picture import BLOCKS
from services.analysis.domain.selection import GroupBy, Hours, Selection
from services.analysis.store import cards, numbers
from services.analysis.store.sums import Sums, of_kinds
from services.analysis.views import MILLION, monday
from services.analysis.views.fact import Counted, counted
from services.analysis.views.rhythm import contributions
from services.runtime.database import Database
from tests.integration.test_signals import _report, take
from tests.support.facts import as_read

LAST = date(2034, 5, 11)
KINDS = ("A1", "A1", "A2", "A-X1", "B1", "C4", "E1")
SOURCES = ("rapportor", "fastighetsbolag")
OF: dict[GroupBy, Callable[[Counted, str], str | date]] = {
    "day": lambda f, _: f.day,
    "week": lambda f, _: monday(f.day),
    "area": lambda _, area: area,
    "type": lambda f, _: f.event_type,
    "group": lambda f, _: f.event_type[0],
    "source": lambda f, _: f.source,
}


def _facts(kommun: str) -> list[ReportLocated]:
    dice = random.Random(7)
    return [
        _report(
            kommun, i, LAST - timedelta(days=dice.randrange(40)), area=f"R00{dice.randrange(1, 4)}",
            event_type=dice.choice(KINDS), source=dice.choice(SOURCES),
        )
        for i in range(300)
    ]  # fmt: skip


def _folded(facts: Sequence[Counted], chosen: Selection, by: Sequence[GroupBy]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for fact in facts:
        if not chosen.first <= fact.day <= chosen.last or (chosen.sources and fact.source not in chosen.sources):
            continue
        if chosen.types and not {fact.event_type, fact.event_type[0]} & set(chosen.types):
            continue
        for layer, area, share in fact.areas.shares:
            if layer == chosen.layer and (not chosen.areas or area in chosen.areas):
                found[tuple(OF[name](fact, area) for name in by)] += share
    return found


async def test_sums_are_those_of_the_facts_whatever_is_chosen(
    database: Database, serving: Database, kommun: str
) -> None:
    given = _facts(kommun)
    await take(database, kommun, given)
    facts = [f for one in given if (f := counted(as_read(one))) is not None]
    assert len(facts) == 300
    span = (LAST - timedelta(days=27), LAST)
    types = ((), ("A",), ("A1",), ("A", "C"), ("A", "B1"), ("A-X1", "C4"), ("G",))
    areas = ((), (f"{kommun}R001",), (f"{kommun}R001", f"{kommun}R003"), ("nowhere",))
    groups: tuple[tuple[GroupBy, ...], ...] = ((), ("week",), ("area", "type"), ("day", "group", "source"))
    async with serving.transaction((kommun,)) as connection:
        for kinds, where, source, by in product(types, areas, ((), ("rapportor",)), groups):
            chosen = Selection(*span, types=kinds, areas=where, sources=source)
            rows = await numbers.counts(connection, kommun, chosen, by)
            found = {tuple(getattr(r, name) for name in by): r.reports for r in rows}
            assert found == (_folded(facts, chosen, by) or ({(): 0} if not by else {})), (chosen, by)
            assert list(found) == sorted(found), "in their order"
    assert sum(_folded(facts, Selection(*span), ()).values()) % MILLION == 0


@pytest.mark.parametrize("kind", ["A", "A1", ""])
@pytest.mark.parametrize(("view", "by"), [("cube", "source"), ("rhythm", "slot"), ("cells", "r9")])
async def test_a_kind_s_rows_are_a_stretch_of_the_key_and_the_table_is_not_looked_at(
    database: Database, kommun: str, view: str, by: str, kind: str
) -> None:
    await take(database, kommun, _facts(kommun))
    kinds, values = of_kinds([kind] if kind else [])
    sums = Sums(view, {by: by}, {"reports": "sum(reports)"}, "true").statement(areas=False, where=kinds)
    async with database.transaction((kommun,)) as connection:
        for setting in ("enable_seqscan", "enable_bitmapscan"):
            await connection.execute(text(f"set local {setting} = off"))
        plan = await connection.execute(text(f"explain {sums}"), values | {"kommun": kommun})
        said = "\n".join(row[0] for row in plan)
    assert f"Index Only Scan using {view}_pkey" in said, said
    condition = " ".join(line for line in said.splitlines() if "Index Cond" in line)
    assert ("event_type" in condition) is bool(kind)


async def test_an_hour_opens_the_reports_that_the_rhythm_counts_in_it(
    database: Database, serving: Database, kommun: str
) -> None:
    """Moments, ends on the hour, a week and more, both nights when the clock is changed."""
    minutes = (0, 1, 59, 60, 61, 180, 1440, 7 * 1440 - 1, 7 * 1440, 9 * 1440)
    starts = [datetime(2034, 3, 25, 22, 30, tzinfo=UTC), datetime(2034, 3, 26, 1, 0, tzinfo=UTC),
              datetime(2034, 10, 29, 0, 15, tzinfo=UTC), datetime(2034, 4, 2, 21, 59, 59, tzinfo=UTC)]  # fmt: skip
    given = [_report(kommun, i, LAST, time_from=start, time_to=start + timedelta(minutes=length))
             for i, (start, length) in enumerate(product(starts, minutes))]  # fmt: skip
    await take(database, kommun, given)
    facts = [f for one in given if (f := counted(as_read(one))) is not None]
    slots = [{key.slot for key in contributions(fact)} for fact in facts]
    chosen = Selection(date(2034, 1, 1), date(2034, 12, 31))
    async with serving.transaction((kommun,)) as connection:
        for weekday, (since, until) in product(range(1, 8), BLOCKS):
            block = {24 * (weekday - 1) + hour for hour in range(since, until)}
            inside = cards.Inside(hours=Hours(weekday, since, until))
            count, found = await cards.in_hours(connection, kommun, chosen, inside, limit=5, skip=1)
            assert count == sum(1 for s in slots if s & block)
            assert len(found) == min(5, count - 1)


async def test_what_is_no_kind_is_found_nowhere(database: Database, serving: Database, kommun: str) -> None:
    await take(database, kommun, _facts(kommun)[:5])
    async with serving.transaction((kommun,)) as connection:
        for odd in ("\U0010ffff", "\ud7ff", "a", "1", "%"):
            chosen = Selection(LAST - timedelta(days=60), LAST, types=(odd,))
            (row,) = await numbers.counts(connection, kommun, chosen)
            assert row.reports == 0
