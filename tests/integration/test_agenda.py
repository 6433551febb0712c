"""The agenda before a meeting: what analysis says, to who meets; to each department what concerns it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.gateways.rooms import Picture
from services.notify.handlers.digesting import Digesting
from services.pages.texts import LANGUAGE, Language
from services.pages.writing import SWEDEN
from services.runtime.database import Database
from services.runtime.schedule import Effect, Schedule
from tests.integration.test_pictures import drafted, history
from tests.integration.test_voice import crew
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.voice import Voice, voice


async def _due(instance: Instance, parts: Voice, kommun: str, ahead: float = 0, made: type[Picture] = Picture) -> None:
    """The moment has come at which the agenda goes out."""
    layout = instance.ground.layout
    picture = made(layout.url("ingest_serve"), layout.url("analysis_serve"), layout.secrets["notify"])
    try:
        effect = await Digesting(parts.database, picture).work(kommun, datetime.now(UTC) + timedelta(seconds=ahead))
        async with parts.database.transaction((kommun,)) as connection:
            await effect(connection)
    finally:
        await picture.close()
    await parts.settle()


async def test_who_writes_gets_the_whole_agenda_and_a_department_its_extract(
    instance: Instance, database: Database, kommun: str
) -> None:
    admin, analyst, member = await crew(instance, kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    url = instance.ground.layout.url("notify_serve")
    async with voice(instance) as parts, asking(url, headers=admin.bearer) as http:
        await parts.roll.refresh(kommun)
        query = "select organisation_id from people where person_id = $1"
        (row,) = await instance.sql(query, member.ident, kommun=kommun, room="notify")
        plan = (await http.get("/v1/routing")).json()
        for interest, hears in ({"types": ["B"]}, False), ({"types": ["A1"]}, True):
            plan["plan"]["extracts"] = {str(row["organisation_id"]): interest}
            saved = await http.put("/v1/routing", json=plan)
            assert saved.status_code == 200, saved.text
            plan = saved.json()
            parts.sender._composing._plans.clear()
            await _due(instance, parts, kommun, int(hears))
            other = (
                """update alerts set event = jsonb_set(event, '{path}', '"/"') where kommun = $1 and kind = 'agenda'"""
            )
            await instance.sql(other, kommun, kommun=kommun, room="notify")  # the next is of another lägesbild
            sent = dict(parts.channels["mail"].sent)
            parts.channels["mail"].sent.clear()
            assert set(sent) == {analyst.email, member.email}
            assert sent[analyst.email].subject.startswith("Inför mötet")
            assert "klotter" in sent[analyst.email].text
            assert sent[member.email].subject.startswith("Utdrag för Prov inför mötet")
            assert ("klotter" in sent[member.email].text) is hears
            assert "/lagesbilder/" in sent[member.email].text, "the whole is one step away"


@pytest.mark.parametrize("around", [date(2027, 3, 28), date(2027, 10, 31)])
async def test_the_agenda_keeps_its_hour_when_the_clock_changes(instance: Instance, kommun: str, around: date) -> None:
    """Through the real schedule with a clock of the test's own, a step every three hours for three weeks."""
    await crew(instance, kommun, meeting={"weeks": 1})
    now = datetime.combine(around - timedelta(days=10), time(0, 10), SWEDEN).astimezone(UTC)
    ends, sent = now + timedelta(days=21), list[tuple[datetime, datetime]]()

    def clock() -> datetime:
        return now

    async def alone() -> AsyncIterator[str]:
        yield kommun

    async with voice(instance) as parts:
        task = Digesting(parts.database, cast("Picture", None), clock).task()

        async def note(_kommun: str, due: datetime) -> Effect:
            sent.append((due, now))
            return _nothing

        name = f"agenda-{around}"
        schedule = Schedule(parts.database, [replace(task, name=name, work=note)], alone, clock=clock)
        while now < ends:
            await schedule.once()
            now += timedelta(hours=3)
    fridays = [around + timedelta(days=days) for days in (-9, -2, 5)]  # they meet at nine unless they say otherwise
    wanted = [datetime.combine(day, time(7), SWEDEN).astimezone(UTC) for day in fridays]
    assert [due for due, _ in sent] == wanted, "two hours before, on the wall, on both sides of the change"
    assert all(timedelta() <= at - due < timedelta(hours=3) for due, at in sent)


async def _nothing(_connection: AsyncConnection) -> None:
    return


async def test_each_gets_the_agenda_in_their_own_language(instance: Instance, database: Database, kommun: str) -> None:
    _, analyst, member = await crew(instance, kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    url = instance.ground.layout.url("notify_serve")
    async with asking(url, headers=member.bearer) as http:
        wanted = (await http.get("/v1/preferences")).json()
        answer = await http.put("/v1/preferences", json=wanted | {"language": "en"})
        assert answer.status_code == 200, answer.text
        refused = await http.put("/v1/preferences", json=wanted | {"language": "no"})
        assert refused.status_code == 422
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        await _due(instance, parts, kommun)
        sent = dict(parts.channels["mail"].sent)
    assert sent[analyst.email].subject.startswith("Inför mötet")
    assert sent[analyst.email].language == "sv"
    assert sent[member.email].subject.startswith("Before the meeting")
    assert "graffiti in" in sent[member.email].text
    assert "klotter" not in sent[member.email].text
    assert "New, up and down" in sent[member.email].text
    assert "Why do I get this?" in sent[member.email].text


class _Quiet(Picture):
    """A lägesbild in which nothing is new, open or coming."""

    async def newest(self, kommun: str, language: Language = LANGUAGE) -> dict[str, Any] | None:
        found = await super().newest(kommun, language)
        assert found is not None
        return found | {"sections": [s | {"lines": [], "about": []} for s in found["sections"]]}


async def test_a_second_meeting_in_a_period_is_not_told_the_same_again(
    instance: Instance, database: Database, kommun: str
) -> None:
    """They meet every week and the lägesbild is of two: what was gone through is left out, what is open is not."""
    _, analyst, member = await crew(instance, kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        for ahead in (0, 1):
            parts.channels["mail"].sent.clear()
            await _due(instance, parts, kommun, ahead)
            sent = dict(parts.channels["mail"].sent)
            assert set(sent) == {analyst.email, member.email}
            said = sent[analyst.email].text
            assert ("densamma som inför förra mötet" in said) is (ahead > 0)
            assert ("Nytt, upp och ned" in said) is (ahead == 0)
            assert "Hur säkra siffrorna är" in said
        parts.channels["mail"].sent.clear()
        await _due(instance, parts, kommun, 2)
        assert parts.channels["mail"].sent == [], "that there is nothing more has been said"


async def test_nothing_to_say_is_said_once(instance: Instance, database: Database, kommun: str) -> None:
    await crew(instance, kommun)
    await history(database, kommun)
    await drafted(database, kommun)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        await _due(instance, parts, kommun, made=_Quiet)
        assert parts.channels["mail"].sent == [], "who has been told nothing misses nothing"
        await _due(instance, parts, kommun, 1)
        parts.channels["mail"].sent.clear()
        for ahead in (2, 3, 4):
            await _due(instance, parts, kommun, ahead, _Quiet)
        assert len(parts.channels["mail"].sent) == 2, "one each, and silence until there is something"
        assert all("Inget nytt" in m.text for _, m in parts.channels["mail"].sent)
