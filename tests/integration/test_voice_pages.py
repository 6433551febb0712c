"""The voice's lists and pages on real servers: page by page, what is left out, every attempt, answers, the way out."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.notify.gateways.channel import Delayed
from services.notify.handlers.seals import link
from services.pages.writing import SWEDEN
from services.runtime.errors import Permanent
from services.runtime.sealing import Sealer
from tests.integration.test_voice import crew, ledger
from tests.support.http import asking
from tests.support.instance import Instance, reports
from tests.support.voice import now_case, voice

KINDS = [f"{group}{number}" for group in "ABCD" for number in range(1, 6)]


async def test_lists_go_on_page_by_page_and_leave_nothing_out(instance: Instance, kommun: str) -> None:
    admin, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.enter(*(now_case(kommun, number=f"2026-{n}") for n in range(130)))
        await parts.settle()
    async with asking(instance.ground.layout.url("notify_serve"), headers=analyst.bearer) as http:
        first = (await http.get("/v1/alerts")).json()
        rest = (await http.get("/v1/alerts", params={"before": first[-1]["alert_id"]})).json()
        found = [a["alert_id"] for a in (*first, *rest)]
        assert (len(first), len(rest), len(set(found))) == (100, 30, 130)
        assert (await http.get("/v1/alerts", params={"before": str(uuid4())})).json() == []
        page = (await http.get("/larm")).text
        assert f"/larm?fler={first[-1]['alert_id']}" in page
        later = (await http.get("/larm", params={"fler": first[-1]["alert_id"]})).text
        assert rest[-1]["alert_id"] in later
        assert first[0]["alert_id"] not in later
        for one in found[:25]:
            assert (await http.post(f"/v1/alerts/{one}/resolve")).status_code == 200
        ended = (await http.get("/larm")).text
        assert ended.count('class="finding past"') == 20
        following = ended.partition('href="/larm?over=')[2].partition('"')[0]
        assert (await http.get("/larm", params={"over": following})).text.count('class="finding past"') == 5
    rows = await ledger(instance, kommun)
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        page, shown = "/utskick/leveranser", 0
        while page:
            said = (await http.get(page)).text
            shown += said.count('<th scope="row"><a href="/utskick/leveranser/')
            page = said.partition('<a class="btn" href="/utskick/leveranser?')[2].partition('"')[0]
            page = f"/utskick/leveranser?{page.replace('&amp;', '&')}" if page else ""
    assert shown == len(rows) >= 260


async def test_what_is_urgent_stands_first_and_who_wants_it_quiet_sees_that(instance: Instance, kommun: str) -> None:
    asked = {"answer_minutes": 60, "then": [{"role": "est_medlem"}]}
    rule = {"name": "grav", "label": "Grav", "match": {"types": ["B1"]}, "how": "at_once", "urgent": True, **asked}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "how": "at_once", "routes": [rule]}
    _, analyst, member = await crew(instance, kommun, root=root)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun, event_type="B1"))
        await parts.settle()
        await parts.enter(now_case(kommun), now_case(kommun, event_type="C1"))
        await parts.settle()
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        found = (await http.get("/v1/alerts", headers=analyst.bearer)).json()
        assert [a["grave"] for a in found] == [True, False, False]
        rest = (await http.get("/v1/alerts", params={"before": found[0]["alert_id"]}, headers=analyst.bearer)).json()
        assert [a["alert_id"] for a in rest] == [a["alert_id"] for a in found[1:]]
        page = (await http.get("/larm", headers=analyst.bearer)).text
        assert page.count("Brådskande") == 1
        assert "Tyst till" not in page
        assert (await http.post(f"/larm/{found[2]['alert_id']}/tyst", headers=analyst.bearer)).status_code == 303
        assert (await http.get("/larm", headers=analyst.bearer)).text.count("Tyst till") == 1
        assert "Tyst till" not in (await http.get("/larm", headers=member.bearer)).text, "one's own silence"


async def test_the_ledger_is_narrowed_to_a_receiver_and_days(instance: Instance, kommun: str) -> None:
    admin, analyst, member = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
    today = datetime.now(SWEDEN).date()
    path = "/utskick/leveranser"
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:

        async def shown(**wanted: str) -> int:
            return (await http.get(path, params=wanted)).text.count(f'<th scope="row"><a href="{path}/')

        assert await shown() == 2
        assert await shown(till=str(analyst.ident)) == 1
        assert await shown(till=str(member.ident), lage="sent", kanal="mail", sort="case") == 1
        assert await shown(till=str(member.ident), lage="held") == 0
        assert await shown(fran=today.isoformat(), tom=today.isoformat()) == 2
        assert await shown(fran=(today + timedelta(days=1)).isoformat()) == 0
        assert await shown(tom=(today - timedelta(days=1)).isoformat()) == 0
        assert await shown(till="ingen", fran="i går", tom="9999-12-31", kanal="brev") == 2, "what is no such thing"
        said = (await http.get(path, params={"till": str(uuid4())})).text
        assert "Inga utskick stämmer med urvalet" in said


async def test_every_attempt_of_a_message_is_shown_and_what_reached_nobody_is_warned_of(
    instance: Instance, kommun: str
) -> None:
    admin, analyst, member = await crew(instance, kommun)
    async with voice(instance) as parts:
        mail = parts.channels["mail"]
        mail.troubles = [Delayed("451 later"), Permanent("mail_refused", "no such mailbox")]
        await parts.enter(now_case(kommun))
        for _ in range(3):
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            parts.sender.pauses.forget()
            await parts.settle()
        (reached,) = [a for a, _ in mail.sent]
    query = "select delivery_id, state from deliveries where kommun = $1"
    ids = {r["state"]: r["delivery_id"] for r in await instance.sql(query, kommun, kommun=kommun, room="notify")}
    assert set(ids) == {"sent", "failed"}
    assert reached in {analyst.email, member.email}
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        sent = (await http.get(f"/v1/deliveries/{ids['sent']}", headers=admin.bearer)).json()
        tries = {state: await _tries(http, str(ident), admin.bearer) for state, ident in ids.items()}
        assert sorted(tries.values()) == [["delayed", "sent"], ["refused"]] or sorted(tries.values()) == [
            ["delayed", "refused"], ["sent"],
        ]  # fmt: skip
        assert sent["attempts"][-1]["provider_id"] is not None
        page = (await http.get(f"/utskick/leveranser/{ids['sent']}", headers=admin.bearer)).text
        assert "mottaget" in page
        assert sent["message_id"].strip("<>") in page
        everything = (await http.get("/utskick/leveranser", headers=analyst.bearer)).text
        assert "Ett utskick kom inte fram." in everything
        lost = (await http.get("/utskick/leveranser?lage=lost", headers=analyst.bearer)).text
        assert str(ids["failed"]) in lost
        assert str(ids["sent"]) not in lost
        none = (await http.get("/utskick/leveranser?kanal=sms&sort=case", headers=analyst.bearer)).text
        assert "/utskick/leveranser/" not in none
        for path in f"/v1/deliveries/{ids['sent']}", f"/utskick/leveranser/{ids['sent']}":
            assert (await http.get(path, headers=member.bearer)).status_code == 403
        plan = (await http.get("/v1/routing", headers=admin.bearer)).json()
        plan["plan"]["root"]["routes"][0]["match"]["kinds"] = ["feedback"]
        refused = await http.put("/v1/routing", json=plan, headers=admin.bearer)
        assert (refused.status_code, "Återkoppling" in refused.text) == (422, True)


async def _tries(http: httpx.AsyncClient, ident: str, headers: dict[str, str]) -> list[str]:
    found = (await http.get(f"/v1/deliveries/{ident}", headers=headers)).json()
    return [a["outcome"] for a in found["attempts"]]


async def test_a_mail_program_s_own_button_ends_messages_once_and_for_its_person_alone(
    instance: Instance, kommun: str
) -> None:
    _, analyst, member = await crew(instance, kommun)
    sealer = Sealer(instance.ground.layout.secrets["seal"])
    path = link(sealer, "", "stop", kommun, member.ident)
    assert path is not None
    async with voice(instance) as parts, asking(instance.ground.layout.url("notify_serve")) as http:
        await parts.roll.refresh(kommun)
        looked = await http.get(path)
        assert looked.status_code == 200
        assert not (await _wanted(http, member.bearer))["off"], "a scanner that looks ends nothing"
        one_click = {"List-Unsubscribe": "One-Click"}  # RFC 8058: no cookie, no token of ours, this body
        answer = await http.post(path, data=one_click)
        assert answer.status_code == 200, answer.text
        assert (await _wanted(http, member.bearer))["off"]
        assert not (await _wanted(http, analyst.bearer))["off"]
        assert (await http.post(path[:-2] + "xx", data=one_click)).status_code == 410
        assert (await http.post("/utskick/av", data=one_click)).status_code == 410
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert [a for a, _ in parts.channels["mail"].sent] == [analyst.email]


async def _wanted(http: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    return dict((await http.get("/v1/preferences", headers=headers)).json())


async def test_what_is_told_daily_comes_as_one_mail_at_seven(instance: Instance, kommun: str) -> None:
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "how": "daily", "routes": []}
    _, analyst, _ = await crew(instance, kommun, root=root)
    async with voice(instance) as parts:
        await parts.enter(*(now_case(kommun, event_type=kind) for kind in KINDS[:4]))
        await parts.settle()
        assert parts.channels["mail"].sent == []
        query = "select distinct d.at from due d where d.kommun = $1 and d.what = 'send'"
        (row,) = await instance.sql(query, kommun, room="notify")
        local, now = row["at"].astimezone(SWEDEN), datetime.now(UTC)
        assert (local.hour, local.minute) == (7, 0)
        assert timedelta() < row["at"] - now <= timedelta(hours=25)
        parts.ahead = row["at"] - now
        await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
        await parts.settle()
        ((address, message),) = parts.channels["mail"].sent
        assert address == analyst.email
        assert message.subject.startswith("4 saker att veta")
        states = {(r["state"], r["message_id"]) for r in await ledger(instance, kommun)}
        assert len(states) == 1, "four entries, one message"


async def test_what_receivers_said_stands_beside_the_rules_with_a_proposal(instance: Instance, kommun: str) -> None:
    admin, analyst, member = await crew(instance, kommun)
    tenant = await instance.tenant(kommun)
    for severity in (2, 4):
        await tenant.load(reports(1, f"grave-{severity}", severity=severity))
    await tenant.tally(2)
    mild, grave = (tenant.ledger[f"grave-{severity}-0"]["report_id"] for severity in (2, 4))
    for rule, subject, useful, count in (
        ("signal", None, False, 11), ("signal", None, True, 2),
        ("rapporter", mild, False, 30), ("rapporter", grave, True, 10), ("utkast", None, True, 1),
    ):  # fmt: skip
        await instance.sql(
            """insert into alert_answers (kommun, alert_id, revision, rule, subject_id, useful, answered_at)
               select $1, gen_random_uuid(), 1, $2, coalesce($3, gen_random_uuid()), $4, now()
               from generate_series(1, $5)""",
            kommun, rule, subject and UUID(subject), useful, count, kommun=kommun,
        )  # fmt: skip
    async with asking(instance.ground.layout.public_url) as http:
        said = (await http.get("/v1/usefulness", headers=analyst.bearer)).json()
        page = (await http.get("/utskick/regler", headers=admin.bearer)).text
        denied = await http.get("/utskick/regler", headers=member.bearer)
    assert [(r["rule"], r["answers"], r["useful"], r["proposal"]) for r in said] == [
        ("rapporter", 40, 10, "raise"), ("signal", 13, 2, "raise"), ("utkast", 1, None, "thin"),
    ]  # fmt: skip
    assert [r["threshold"] for r in said] == [{"severity": 3, "answers": 10, "useful": 10, "missed": 0}, None, None]
    for words in (
        "Var larmen nyttiga?", "1 svar.", "Ny signal", "2 av 13 nyttiga.", "De flesta svarar nej",
        "Höj minsta allvar till 3", "Då hade 10 av 10 varit nyttiga, och 0 nyttiga hade uteblivit.",
    ):  # fmt: skip
        assert words in page, words
    assert denied.status_code == 403


async def test_what_was_filled_in_on_the_page_of_the_rules_stays_when_it_cannot_be_saved(
    instance: Instance, kommun: str
) -> None:
    admin, _, _ = await crew(instance, kommun)
    path, rule = "/utskick/regler", {"name": "", "label": "Brand nattetid", "kinds": "report/opened", "how": "daily"}
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        stale = await http.post(path, data=rule | {"revision": "0"})
        assert (stale.status_code, 'value="Brand nattetid"' in stale.text) == (409, True)
        now = stale.text.partition('name="revision" value="')[2].partition('"')[0]
        bare = await http.post(path, data={"name": "", "label": "Allt möjligt", "how": "at_once", "revision": now})
        assert (bare.status_code, "Välj vad regeln gäller" in bare.text) == (422, True)
        assert (await http.post(path, data=rule | {"revision": now})).status_code == 303
        now = str(int(now) + 1)
        times = {"begins": "21:30", "ends": "06:00", "meets": "13:00", "weeks": "2", "before": "3", "cap": ""}
        gone = await http.post(f"{path}/tider", data=times | {"meets_on": "2026-01-09", "revision": now})
        assert (gone.status_code, "en dag som har varit" in gone.text, 'value="21:30"' in gone.text) == (
            422,
            True,
            True,
        )
        group = await http.post(f"{path}/grupp", data={"name": "Vardar", "revision": now})
        assert (group.status_code, 'value="Vardar"' in group.text) == (422, True)
        for form in ("prova", "ordning", "tider", "grupp", "kallelse"):
            assert (await http.get(f"{path}/{form}")).headers["location"] == path


async def test_an_extract_is_shown_as_it_is_before_it_is_changed(instance: Instance, kommun: str) -> None:
    admin, _, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        page = (await http.get("/utskick/utdrag")).text
        (ident,) = re.findall(r'<option value="([0-9a-f-]{36})">', page)
        revision = page.partition('name="revision" value="')[2].partition('"')[0]
        saved = await http.post("/utskick/utdrag", data={"organisation": ident, "revision": revision, "types": "B"})
        shown = (await http.get(saved.headers["location"])).text
        assert f'<input type="hidden" name="organisation" value="{ident}">' in shown
        assert '<option value="B" selected>' in shown
        assert f'<option value="{ident}">' not in (await http.get("/utskick/utdrag")).text, "it is changed by its row"
