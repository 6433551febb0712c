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
from services.runtime.sealing import Sealer
from tests.integration.test_pictures import drafted, history
from tests.integration.test_voice import crew
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.voice import Voice, now_case, voice


async def _written(database: Database, kommun: str) -> None:
    """A lägesbild with something in it."""
    await history(database, kommun)
    await drafted(database, kommun)


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
    await _written(database, kommun)
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
    await _written(database, kommun)
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
    await _written(database, kommun)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        for ahead in (0, 1):
            parts.channels["mail"].sent.clear()
            await _due(instance, parts, kommun, ahead)
            sent = dict(parts.channels["mail"].sent)
            assert set(sent) == {analyst.email, member.email}
            said = sent[analyst.email].text
            assert ("densamma som i förra dagordningen" in said) is (ahead > 0)
            assert ("Nytt, upp och ned" in said) is (ahead == 0)
            assert "Hur säkra siffrorna är" in said
        parts.channels["mail"].sent.clear()
        await _due(instance, parts, kommun, 2)
        assert parts.channels["mail"].sent == [], "that there is nothing more has been said"


async def test_nothing_to_say_is_said_once(instance: Instance, database: Database, kommun: str) -> None:
    await crew(instance, kommun)
    await _written(database, kommun)
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


async def test_a_department_without_roles_gets_its_extract_at_its_mailbox(
    instance: Instance, database: Database, kommun: str
) -> None:
    """A mailbox is a place outside: added once, its address never shown, told by a rule."""
    admin, analyst, _ = await crew(instance, kommun)
    await _written(database, kommun)
    box = f"park-{kommun}@exempel.invalid"
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        wrong = await http.post("/v1/destinations", json={"kind": "mail", "label": "Park", "url": "park på kommunen"})
        assert wrong.status_code == 422
        assert "Det är ingen e-postadress" in wrong.text
        made = await http.post("/v1/destinations", json={"kind": "mail", "label": "Park", "url": box})
        assert made.status_code == 201, made.text
        assert box not in (await http.get("/v1/destinations")).text + (await http.get("/utskick/kanaler")).text
        ident = made.json()["destination_id"]
        plan = (await http.get("/v1/routing")).json()
        plan["plan"]["extracts"] = {ident: {"types": ["B"]}}
        plan = (await http.put("/v1/routing", json=plan)).json()
        assert "Ingen regel skickar dagordningen dit" in (await http.get("/utskick/utdrag")).text
        rule = {"name": "park", "label": "Park", "match": {"kinds": ["agenda"]}, "go_on": True, "how": "at_once"}
        plan["plan"]["root"]["routes"].insert(0, rule | {"to": [{"destination": ident}]})
        plan = (await http.put("/v1/routing", json=plan)).json()
        assert "Ingen regel skickar dagordningen dit" not in (await http.get("/utskick/utdrag")).text
    async with voice(instance) as parts:
        parts.sender._composing._sealer = Sealer(instance.ground.layout.secrets["seal"])
        await parts.roll.refresh(kommun)
        await _due(instance, parts, kommun)
        sent = dict(parts.channels["mail"].sent)
    assert set(sent) >= {analyst.email, box}
    assert sent[box].subject.startswith("Utdrag för Park inför mötet")
    assert "klotter" not in sent[box].text
    assert "klotter" in sent[analyst.email].text
    assert sent[box].stop is None, "whoever reads a department's mail cannot end it for all"


async def test_the_agenda_and_what_waits_for_it_go_out_before_the_meeting_by_the_schedule(
    instance: Instance, database: Database, kommun: str
) -> None:
    """The real task in the real schedule; a signal that a rule keeps for the week comes with it, not before."""
    weekly = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "weekly"}
    agenda = {"name": "dag", "label": "Dagordning", "match": {"kinds": ["agenda"]}, "how": "at_once"}
    rules = [weekly, agenda]
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "how": "never", "routes": rules}
    meets = datetime.now(SWEDEN) + timedelta(days=3)
    meeting = {"weeks": 1, "weekday": meets.weekday(), "at": "12:00:00", "hours_before": 2}
    _, analyst, _ = await crew(instance, kommun, root=root, meeting=meeting)
    await _written(database, kommun)
    layout = instance.ground.layout
    picture = Picture(layout.url("ingest_serve"), layout.url("analysis_serve"), layout.secrets["notify"])

    async def alone() -> AsyncIterator[str]:
        yield kommun

    async with voice(instance) as parts:

        def clock() -> datetime:
            return datetime.now(UTC) + parts.ahead

        await parts.roll.refresh(kommun)
        task = replace(Digesting(parts.database, picture, clock).task(), name=f"agenda-{kommun}")
        schedule = Schedule(parts.database, [task], alone, clock=clock)
        await schedule.once()
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert parts.channels["mail"].sent == []
        said = datetime.combine(meets.date(), time(10), SWEDEN).astimezone(UTC)
        (row,) = await instance.sql("select at from due where kommun = $1 and what = 'send'", kommun, room="notify")
        assert row["at"] == said, "the moment of the agenda"
        parts.ahead = said + timedelta(minutes=1) - datetime.now(UTC)
        await schedule.once()
        await schedule.once()
        for _ in range(2):  # the queue's clock is the database's: to route, then to send
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            await parts.settle()
        sent = parts.channels["mail"].sent
        assert {a for a, _ in sent} == {analyst.email}
        assert sum("klotter" in m.text and "Nytt, upp och ned" in m.text for _, m in sent) == 1
        assert len(sent) <= 2, "the agenda once, and the signal with it or beside it"
    await picture.close()
