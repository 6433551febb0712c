"""Cards of other times: beside the same weeks a year before, and what stood when a period was over."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from services.analysis.domain.selection import Selection
from services.analysis.handlers.carding import Carding
from services.analysis.handlers.place_cards import place_card
from services.analysis.store.cards import Subject
from services.runtime.database import Database
from tests.integration.test_cards import CHOSEN, LAST, MIDDLE, history, put
from tests.integration.test_signals import _report, take


async def test_a_card_stands_beside_the_same_weeks_a_year_before(
    database: Database, serving: Database, kommun: str
) -> None:
    place, area = uuid4(), Subject("regso", f"{kommun}R001", "")
    facts = [put(_report(kommun, i, LAST - timedelta(days=5 * i)), MIDDLE, place) for i in range(160)]
    risen = [put(_report(kommun, 1_000 + i, LAST), MIDDLE, place) for i in range(20)]
    await take(database, kommun, [*facts, *risen])
    card = await Carding(serving).card(kommun, area, CHOSEN)
    there = await place_card(serving, kommun, Subject("platser", "torget", ""), place, CHOSEN)
    for one in (card, there):
        assert one.now == 23
        assert one.year is not None
        assert (one.year.then, one.year.word) == (3, "sure")
        assert 2 < one.year.ratio.low < 23 / 3 < one.year.ratio.high
    early = Selection(LAST - timedelta(days=600), LAST - timedelta(days=587))
    assert (await Carding(serving).card(kommun, area, early)).year is None, "nobody reported then"


async def test_a_card_of_a_period_that_is_over_shows_what_stood_then(
    database: Database, serving: Database, kommun: str
) -> None:
    place, begun = uuid4(), LAST - timedelta(days=40)
    lamp = put(_report(kommun, 1, begun, event_type="E1", ongoing=True), MIDDLE, place)
    closed = datetime(LAST.year, LAST.month, LAST.day, 9, tzinfo=UTC) - timedelta(days=10)
    mended = lamp.report.model_copy(update={"revision": 2, "ongoing": False, "time_to": closed})
    await take(database, kommun, [*history(kommun), lamp, lamp.model_copy(update={"report": mended})])
    area, there = Subject("regso", f"{kommun}R001", ""), Subject("platser", "torget", "")
    for last, open_then in ((begun - timedelta(days=1), 0), (begun, 1), (closed.date() - timedelta(days=1), 1),
                            (closed.date(), 0), (LAST, 0)):  # fmt: skip
        chosen = Selection(last - timedelta(days=13), last)
        card = await Carding(serving).card(kommun, area, chosen)
        assert (card.open_count, len(card.still_open)) == (open_then, open_then), last
        assert (await place_card(serving, kommun, there, place, chosen)).open_count == open_then, last
