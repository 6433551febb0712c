"""The operativ lägesbild on a real database: drafted, assessed by two, adopted, and the same years later."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.values import AreaRef
from services.analysis.domain.periods import Rule
from services.analysis.handlers import correcting
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.picturing import Overtaken, Picturing
from services.analysis.handlers.rebuilding import Rebuilding
from services.analysis.store import cards
from services.analysis.store import pictures as store
from services.analysis.views import MILLION
from services.analysis.views.catalogue import REPORTS
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import client, person
from tests.integration.test_signals import _report, schedule, take, told
from tests.support.instance import Instance

LAST = date(2032, 3, 10)
"""The last day of a period: far ahead, so that the instance's own schedule has nothing to say about it."""


def cut_off() -> datetime:
    return Rule().cut_offs(datetime(2032, 3, 1, tzinfo=UTC), datetime(2032, 3, 20, tzinfo=UTC))[0]


def number() -> str:
    return Rule().period(cut_off()).number


async def history(database: Database, kommun: str) -> list[Any]:
    last = Rule().period(cut_off()).last
    quiet = [_report(kommun, i, last - timedelta(days=14 + 5 * i)) for i in range(70)]
    risen = [_report(kommun, 5_000 + i, last - timedelta(days=i % 14)) for i in range(24)]
    await take(database, kommun, [*quiet, *risen])
    return risen


async def drafted(database: Database, kommun: str) -> store.Version:
    await schedule(database, kommun, cut_off() + timedelta(hours=1), [Picturing(database).task()]).once()
    found = await Picturing(database).newest(kommun, number())
    assert found is not None
    return found


def paper(document: dict[str, Any], digest: str) -> bytes:
    return f"{digest} {document['number']}".encode()


async def test_the_draft_writes_itself_once_and_says_so(instance: Instance, database: Database, kommun: str) -> None:
    await history(database, kommun)
    draft = await drafted(database, kommun)
    assert (draft.state, draft.version) == ("draft", 1)
    assert draft.document["totals"]["now"] == 24
    assert draft.document["findings"][0]["word"] == "sure"
    assert draft.document["reporters"]["active"] == 5
    again = await drafted(database, kommun)
    assert again == draft
    assert [(m.kind, m.state, m.number) for m in await told(instance, kommun)] == [("lagesbild", "drafted", number())]


async def test_one_report_of_long_ago_is_no_history_of_calm(database: Database, kommun: str) -> None:
    await take(database, kommun, [_report(kommun, 77_000, date(2026, 1, 5))])
    await history(database, kommun)
    draft = await drafted(database, kommun)
    assert draft.document["periods_before"] == 24, "350 days of reports, without the first three"


async def test_what_reporters_saw_in_another_municipality_is_in_none_of_its_numbers(
    database: Database, kommun: str
) -> None:
    await history(database, kommun)
    pages, period = Picturing(database), Rule().period(cut_off())
    before = await pages.written_from_facts(kommun, period)
    there = (AreaRef(layer="regso", version="2025_v2", area="1480R001"),)
    reports = [_report(kommun, 9_000 + i, period.last - timedelta(days=7 + i % 5)) for i in range(6)]
    beyond = [r.model_copy(update={"placement": r.placement.model_copy(update={"areas": there})}) for r in reports]
    await take(database, kommun, [*beyond, _report(kommun, 9_100, period.last - timedelta(days=9))])
    after = await pages.written_from_facts(kommun, period)
    for part in ("rhythm", "sources"):
        assert after[part] != before[part], "one more at home"
    await take(database, kommun, [_report(kommun, 9_100, period.last - timedelta(days=9), revision=2, withdrawn=True)])
    again = await pages.written_from_facts(kommun, period)
    for part in ("rhythm", "sources", "kinds", "states"):
        assert again[part] == before[part], part
    assert again["totals"] == before["totals"] | {"elsewhere": 6}, "said, and counted in nothing"


async def test_who_was_silent_is_what_was_told_last(database: Database, kommun: str) -> None:
    """A draft that is written again tells nobody, nor one that is caught up: the next turn is from what was told."""
    silent = [{"organisation": str(UUID(int=1)), "since": "2026-01-02"}]
    pages, end = Picturing(database), datetime(2026, 3, 5, 12, tzinfo=UTC)

    async def keep(which: str, version: int, who: list[Any], written: datetime) -> None:
        document = {"silent": who, "cut_off": end.isoformat()}
        async with database.transaction((kommun,)) as connection:
            await store.add(connection, kommun, (which, version, "draft"), document, now=written)

    await keep("2026-03", 1, silent, end)
    await keep("2026-03", 2, [], end + timedelta(days=1))
    await keep("2026-04", 1, [], end + timedelta(days=30))
    assert await pages._said_silent(kommun, ["2026-04", "2026-03"]) == silent
    assert await pages._said_silent(kommun, []) == []


async def test_an_interval_is_whole_in_every_rhythm(database: Database, kommun: str) -> None:
    """Spread over sixty-three hours no row is of a whole report; the area, the whole and the draft say the same."""
    friday = Rule().period(cut_off()).last - timedelta(days=20)
    spread = _report(kommun, 9_300, friday)
    report = spread.report.model_copy(update={"time_to": spread.report.time_from + timedelta(hours=63)})
    await take(database, kommun, [spread.model_copy(update={"report": report})])
    weeks = (friday - timedelta(days=14), friday + timedelta(days=14))
    async with database.transaction((kommun,)) as connection:
        found = [await cards.rhythm(connection, kommun, cards.Subject("regso", area, ""), *weeks)
                 for area in ("", f"{kommun}R001")]  # fmt: skip
        found.append(await store.rhythm(connection, kommun, *weeks))
    assert [sum(rhythm.values()) for rhythm in found] == [MILLION] * 3
    assert all(len(rhythm) >= 63 for rhythm in found)


async def test_what_is_new_is_counted_also_where_something_else_ended_that_day(database: Database, kommun: str) -> None:
    """One lamp is mended and another goes out, the same day in the same area: one new, one that stands."""
    period = Rule().period(cut_off())
    before, day = period.first - timedelta(days=20), period.first + timedelta(days=3)
    mended = _report(kommun, 9_400, before, event_type="E3", ongoing=False)
    ended = mended.report.model_copy(update={"time_to": mended.report.time_from + (day - before)})
    lit = mended.model_copy(update={"report": ended})
    await take(database, kommun, [lit, _report(kommun, 9_401, day, event_type="E3", ongoing=True)])
    async with database.transaction((kommun,)) as connection:
        found = await store.states(connection, kommun, period.first, period.last)
    assert found == [(f"{kommun}R001", "E3", MILLION, MILLION, MILLION)]


async def test_missed_periods_are_written_when_the_schedule_is_back(database: Database, kommun: str) -> None:
    await history(database, kommun)
    await drafted(database, kommun)
    await schedule(database, kommun, cut_off() + timedelta(days=43), [Picturing(database).task()]).once()
    async with database.transaction((kommun,)) as connection:
        found = [v.number for v in await store.newest(connection, kommun)]
    assert found == [Rule().period(cut_off() + timedelta(days=14 * i)).number for i in (3, 2, 1, 0)]


async def test_two_who_write_do_not_overwrite_each_other(database: Database, serving: Database, kommun: str) -> None:
    await history(database, kommun)
    draft = await drafted(database, kommun)
    pages = Picturing(serving)
    first = await pages.write(kommun, draft.number, seen=0, body={"text": "Ett"}, by="anna")
    assert first.revision == 1
    assert (await pages.write(kommun, draft.number, seen=1, body={"text": "Ett"}, by="anna")).revision == 1
    with pytest.raises(Overtaken) as other:
        await pages.write(kommun, draft.number, seen=0, body={"text": "Två"}, by="bo")
    assert other.value.written is not None
    assert other.value.written.body == {"text": "Ett"}
    with pytest.raises(Overtaken):
        await pages.adopt(kommun, draft.number, seen=(1, 0), names={}, by="bo", printed=paper)
    assert (await pages.newest(kommun, draft.number)) == draft, "nothing was adopted"


async def test_an_adopted_picture_shows_its_digits_after_corrections_and_a_rebuild(
    instance: Instance, database: Database, serving: Database, kommun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    risen = await history(database, kommun)
    draft = await drafted(database, kommun)
    pages = Picturing(serving)
    await pages.write(kommun, draft.number, seen=0, body={"text": "Klotter", "hidden": {}}, by="anna")
    adopted = await pages.adopt(kommun, draft.number, seen=(1, 1), names={f"{kommun}R001": "Ett"}, by="anna",
                                printed=paper)  # fmt: skip
    assert adopted is not None
    assert (adopted.state, adopted.version) == ("adopted", 2)
    assert adopted.document["assessment"] == {"text": "Klotter", "hidden": {}}
    monkeypatch.setattr(correcting, "SETTLED", timedelta(0))
    now = Correcting(serving)
    assert await now.counts(kommun, adopted) == []
    assert await now.everything(kommun, adopted) == []
    again = await now.everything(kommun, adopted)
    assert await now.everything(kommun, adopted) is again, "nothing has changed"

    withdrawn = [f.model_copy(update={"report": f.report.model_copy(update={"revision": 2, "withdrawn": True})})
                 for f in risen[:4]]  # fmt: skip
    await take(database, kommun, withdrawn)
    await Rebuilding(database, "0.1.0").rebuild(REPORTS.views, lambda _: None)
    await pages.again(kommun, draft.number)
    found = await pages.newest(kommun, draft.number)
    assert found == adopted, "the same digits, and nobody can write it anew"
    assert json.dumps(found.document, sort_keys=True) == json.dumps(adopted.document, sort_keys=True)
    changed = await now.counts(kommun, adopted)
    assert {(d["area"], d["kind"], d["adopted"], d["today"]) for d in changed} >= {("", "", 24, 20)}
    differs = await now.everything(kommun, adopted)
    today: dict[tuple[str, ...], Any] = {(c.part, *c.row.values(), c.what): (c.adopted, c.today) for c in differs}
    assert today["totals", "now"] == today["areas", f"{kommun}R001", "now"] == (24, 20)
    await instance.tenant(kommun)
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        jar = await person(door, kommun, "est_medlem")
    finally:
        await door.close()
    async with client(instance, jar) as http:
        page = (await http.get(f"/lagesbilder/{draft.number}/rattelser")).text
        assert f"Lägesbild {draft.number} i dag" in page
        assert '<th scope="row">Ett: rapporter</th><td class="n">24</td><td class="n">20</td>' in page
    async with serving.transaction((kommun,)) as connection:
        kept = await store.pdf(connection, kommun, draft.number, 2)
    assert kept == f"{adopted.hash} {draft.number}".encode(), "the paper names the hash of its document"
    states = [m.state for m in await told(instance, kommun) if m.kind == "lagesbild"]
    assert states == ["drafted", "adopted"]


async def test_nobody_changes_what_was_written(serving: Database, database: Database, kommun: str) -> None:
    """Neither role may update or delete versions and assessments; another municipality sees none of them."""
    await history(database, kommun)
    await drafted(database, kommun)
    for one in (serving, database):
        for statement in ("update pictures set state = 'x'", "delete from pictures", "update assessments set body = ''",
                          "delete from assessments", "update cases set document = ''"):  # fmt: skip
            with pytest.raises(Exception, match="permission denied"):
                async with one.transaction((kommun,)) as connection:
                    await connection.exec_driver_sql(statement)
    async with serving.transaction(("0001",)) as connection:
        assert await store.newest(connection, kommun) == []


async def test_a_draft_is_written_anew_until_it_is_adopted(database: Database, serving: Database, kommun: str) -> None:
    await history(database, kommun)
    draft = await drafted(database, kommun)
    pages = Picturing(serving)
    await pages.again(kommun, draft.number)
    assert (await pages.newest(kommun, draft.number)) == draft, "nothing new, no new version"
    await take(database, kommun, [_report(kommun, 9_000, Rule().period(cut_off()).last)])
    await pages.again(kommun, draft.number)
    newer = await pages.newest(kommun, draft.number)
    assert newer is not None
    assert (newer.version, newer.document["totals"]["now"]) == (2, 25)
    await pages.decide(kommun, Rule(7, 0, 8))
    assert await pages.rule(kommun) == Rule(7, 0, 8)
