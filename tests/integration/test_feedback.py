"""Word to reporters of what became of what they reported, as they want it; once, however often it is read."""

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from uuid import UUID

import pytest

from services.ingest.handlers.appointing import Appointing
from services.notify.domain.preferences import Preferences
from services.notify.gateways.rooms import Picture
from services.notify.store import subscriptions
from services.pages.writing import SWEDEN
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_voice import crew
from tests.support.http import asking
from tests.support.instance import Instance, eventually, reports
from tests.support.voice import Somebody, now_case, somebody, voice


async def test_reporters_hear_how_many_of_their_reports_an_adopted_lagesbild_counts(
    instance: Instance, kommun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what analysis knows only the period's days are made up: a lägesbild of today takes a week to come."""
    today = datetime.now(SWEDEN).date().isoformat()

    written: list[str] = []

    async def document(_self: Picture, asked: str, number: str) -> dict[str, str] | None:
        said = {"first": today, "last": today, "cut_off": written[0]}
        return said if (asked, number) == (kommun, "2026:48") else None

    monkeypatch.setattr(Picture, "document", document)
    _, analyst, _ = await crew(instance, kommun)
    glad, silent = [await somebody(instance, kommun, "rapportor") for _ in range(2)]
    async with asking(instance.url) as http:
        for person in (glad, silent):
            for report in reports(3, person.email[:6]):
                answer = await http.post("/v1/reports", json=report, headers=person.bearer)
                assert answer.status_code == 201, answer.text
        written.append(datetime.now(UTC).isoformat())
        (late,) = reports(1, f"{glad.email[:6]}-late")
        assert (await http.post("/v1/reports", json=late, headers=glad.bearer)).status_code == 201
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        wanted = await http.put("/v1/preferences", json={"feedback": "none"}, headers=silent.bearer)
        assert wanted.status_code == 200, wanted.text
    async with voice(instance) as parts:
        adopted = now_case(kommun, kind="lagesbild", state="adopted", number="2026:48", event_type=None, area=None)
        await parts.enter(adopted)
        await parts.settle()
        parts.channels["mail"].sent.clear()
        assert await parts.thanker.thank_some() == 1
        assert await parts.thanker.thank_some() == 0
        await parts.settle()
        (sent,) = parts.channels["mail"].sent
        assert sent[0] == glad.email
        assert sent[1].subject == "Dina rapporter är med i lägesbild 2026:48"
        assert "3 av dina rapporter räknades" in sent[1].text
        assert "/utskick/aterkoppling" in sent[1].text
    query = "select alert_id, event from alerts where kommun = $1 and kind = 'feedback'"
    (kept,) = await instance.sql(query, kommun, kommun=kommun, room="notify")
    assert json.loads(kept["event"]) == {"number": "2026:48", "count": 3}, "of what is forgotten when it has been said"
    async with asking(instance.ground.layout.url("notify_serve"), headers=analyst.bearer) as http:
        for path in f"/v1/alerts/{kept['alert_id']}", f"/larm/{kept['alert_id']}":
            assert (await http.get(path)).status_code == 404, "what somebody reported is their own matter"
        assert (await http.post(f"/v1/alerts/{kept['alert_id']}/silence", json={})).status_code == 404


async def _wish(instance: Instance, person: Somebody, feedback: str) -> None:
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        answer = await http.put("/v1/preferences", json={"feedback": feedback}, headers=person.bearer)
        assert answer.status_code == 200, answer.text


async def test_what_an_open_page_saved_of_somebody_erased_is_gone_by_the_next_night(
    instance: Instance, kommun: str
) -> None:
    """A token lives for seconds after its owner was erased; what is written with it leaves no lasting trace."""
    await crew(instance, kommun)
    gone, stays = [await somebody(instance, kommun, "rapportor") for _ in range(2)]
    query = "select person_id from preferences where kommun = $1"

    async def held() -> set[UUID]:
        rows = await instance.sql(query, kommun, kommun=kommun, room="notify")
        return {r["person_id"] for r in rows}

    for person in (gone, stays):
        await _wish(instance, person, "each")
    url = instance.ground.database_url
    door, page = Database(url(serve_role("ingest")), pool_size=1), Database(url(serve_role("notify")), pool_size=1)
    await Appointing(door).erase(kommun, gone.ident)

    async def forgotten() -> bool:
        return await held() == {stays.ident}

    await eventually(forgotten, "the voice has forgotten the person")
    async with voice(instance) as parts:
        async with page.transaction((kommun,)) as connection:
            await subscriptions.prefer(connection, kommun, gone.ident, Preferences(feedback="each"))
        assert await held() == {gone.ident, stays.ident}
        tidy = await parts.retaining.work(kommun, datetime.now(UTC))
        async with parts.database.transaction((kommun,)) as connection:
            await tidy(connection)
        assert await held() == {stays.ident}
    await door.close()
    await page.close()


async def test_who_wants_word_of_each_report_gets_it_when_it_has_its_place_and_once(
    instance: Instance, kommun: str
) -> None:
    await crew(instance, kommun)
    eager, other = [await somebody(instance, kommun, "rapportor") for _ in range(2)]
    await _wish(instance, eager, "each")
    numbers: dict[UUID, list[UUID]] = {}
    async with asking(instance.url) as http:
        for person in (eager, other):
            for report in reports(2, person.email[:6], event_type="A1"):
                answer = await http.post("/v1/reports", json=report, headers=person.bearer)
                assert answer.status_code == 201, answer.text
                numbers.setdefault(person.ident, []).append(UUID(answer.json()["report_id"]))
        query = """select d.person_id, d.subject_id, d.correlation_id, d.state, d.said::text as said,
                   a.event::text as event, a.event_type, a.area from deliveries d join alerts a using (kommun, alert_id)
                   where d.kommun = $1 and d.kind = 'feedback'"""

        async def told() -> bool:
            found = await instance.sql(query, kommun, kommun=kommun, room="notify")
            return [r["state"] for r in found] == ["sent", "sent"]

        await eventually(told, "word of both reports")
        found = await instance.sql(query, kommun, kommun=kommun, room="notify")
        assert {r["person_id"] for r in found} == {eager.ident}
        mine = {str(n) for n in numbers[eager.ident]}
        for row in found:
            beside = " ".join(str(v) for k, v in row.items() if k != "person_id")
            assert not [n for n in mine if n in beside], "nothing in the ledger leads from the person to the report"
            assert "klotter" not in beside
            assert (row["event_type"], row["area"]) == (None, None)
        mails = [message_from_bytes(p.read_bytes(), policy=default) for p in instance.mail_folder.glob("*.eml")]
        subjects = [m["Subject"] for m in mails if m["To"] == eager.email]
        assert [s.startswith("Din rapport har kommit fram: klotter i ") for s in subjects] == [True, True]
        corrected = reports(2, eager.email[:6], event_type="A1", severity=2, source_version=2)[0]
        answer = await http.post("/v1/reports", json=corrected, headers=eager.bearer)
        assert answer.is_success, answer.text

    async def looked_at() -> bool:
        rows = await instance.sql("select 1 from due where kommun = $1 and what = 'thank'", kommun, room="notify")
        return not rows

    await eventually(looked_at, "nothing waits to be thanked for")
    assert len(await instance.sql(query, kommun, kommun=kommun, room="notify")) == 2, "a correction is no news"
    kept = await instance.sql(
        "select event from alerts where kommun = $1 and kind = 'feedback'", kommun, kommun=kommun, room="notify"
    )
    assert all("token" not in r["event"] for r in kept), "the token is not kept"
