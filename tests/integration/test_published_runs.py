"""Technical run over real counts, on real servers: three municipalities' published items as reports, twelve weekly runs
and a lägesbild that is adopted.

Counts only, never texts; they are publications, so nothing is said of crime. Moved seven years ahead, where the
instance's own schedule has nothing to say about them. ``tests/unit/analysis/test_published_counts.py`` holds the
functions by themselves.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from schemas.locations import ReportLocated
from schemas.values import UNPLACED
from services.analysis.domain.periods import Rule
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.picturing import Picturing
from services.analysis.store import signals as store
from services.analysis.views import SWEDEN, monday
from services.analysis.web import prints
from services.runtime.database import Database
from tests.integration.test_signals import cases, schedule, take
from tests.support.facts import located
from tests.unit.analysis.test_published_counts import KOMMUNER, LAST, items

AHEAD = timedelta(weeks=365)
WEEKS = 12


def facts(kommun: str, own: list[tuple[str, date]]) -> list[ReportLocated]:
    found = []
    for number, (kind, day) in enumerate(own):
        noon = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
        ident = uuid5(UUID(int=int(kommun)), str(number))
        values: dict[str, Any] = dict.fromkeys(("time_from", "time_to", "received_at", "minted_at"), noon)
        values |= {"kommun": kommun, "report_id": ident, "event_type": kind, "source": "felanmalan"}
        found.append(located(number, areas=(UNPLACED,), **values))
    return found


@pytest.mark.parametrize("publisher", KOMMUNER)
async def test_weeks_and_a_lagesbild_of_real_counts_lose_nothing_and_err_seldom(
    database: Database, kommun: str, publisher: str
) -> None:
    own = [(kind, day + AHEAD) for code, kind, day in items() if code == publisher]
    assert len(own) > 500
    await take(database, kommun, facts(kommun, own))
    last = monday(LAST + AHEAD)
    by_week = Counter(monday(day) for _, day in own)
    for back in reversed(range(WEEKS)):
        week = last - timedelta(weeks=back)
        noon = datetime.combine(week + timedelta(weeks=1), datetime.min.time(), SWEDEN) + timedelta(hours=12)
        await schedule(database, kommun, noon).once()
        async with database.transaction((kommun,)) as connection:
            run = await store.run_of(connection, kommun, week)
        assert run is not None
        (whole,) = (f for f in run["findings"] if (f["area"], f["kind"]) == ("", ""))
        published = [by_week[week - timedelta(weeks=n)] for n in range(whole["weeks"])]
        assert whole["observed"] == sum(published), "the week, or the last four, as they were published"
        assert run["tested"] >= 10
    found = await cases(database, kommun)
    assert len(found) <= 8, "twelve runs at a rate of one in ten false among what is told"

    rule, picturing = Rule(), Picturing(database)
    cut_off = rule.cut_offs(
        datetime.combine(last - timedelta(weeks=4), datetime.min.time(), SWEDEN),
        datetime.combine(last + timedelta(weeks=1), datetime.min.time(), SWEDEN),
    )[-1]
    await schedule(database, kommun, cut_off + timedelta(hours=1), [picturing.task()]).once()
    period = rule.period(cut_off)
    draft = await picturing.newest(kommun, period.number)
    assert draft is not None
    now = sum(period.first <= day <= period.last for _, day in own)
    assert draft.document["totals"]["now"] == draft.document["totals"]["unplaced"] == now > 0
    for letters in (1, 2):
        told = [k["now"] for k in draft.document["kinds"] if min(len(k["kind"]), 2) == letters]
        assert sum(told) == now, "groups and types add up to the whole"
    assert all(f["adjusted"] is None for f in draft.document["findings"]), "nobody knows who was looking"
    adopted = await picturing.adopt(
        kommun, period.number, seen=(draft.version, 0), names={}, by="test",
        printed=lambda document, digest: prints.printed(document, [], digest, "Exempelkommunen"),
    )  # fmt: skip
    assert adopted is not None
    assert (adopted.state, adopted.document["totals"]) == ("adopted", draft.document["totals"])
    correcting = Correcting(database)
    assert await correcting.everything(kommun, adopted) == []
    assert await correcting.counts(kommun, adopted) == []
