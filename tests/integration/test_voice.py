"""The voice on real servers: who is told, once, in time; who takes it; what happens when nobody does."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.ingest.store.retention import Rule
from services.ingest.store.retention import put as put_rule
from services.notify.domain.notices import of_report
from services.notify.gateways.channel import Delayed
from services.notify.handlers.seals import opened
from services.notify.store import queue
from services.pages.writing import SWEDEN
from services.runtime.database import Database
from services.runtime.errors import Permanent
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from tests.support.facts import located
from tests.support.http import asking
from tests.support.instance import Instance, eventually
from tests.support.voice import Voice, never_quiet, now_case, numbered, publish, somebody, voice


async def ledger(instance: Instance, kommun: str) -> list[Any]:
    query = """select person_id, state, error, rule, channel, attempts, message_id, kind from deliveries
               where kommun = $1 order by created_at"""
    return await instance.sql(query, kommun, kommun=kommun, room="notify")


async def test_a_case_reaches_who_should_know_one_takes_it_and_says_it_was_useful(
    instance: Instance, kommun: str
) -> None:
    await instance.tenant(kommun)
    admin = await somebody(instance, kommun, "administrator")
    analyst, member = await somebody(instance, kommun, "analytiker"), await somebody(instance, kommun, "est_medlem")
    await somebody(instance, kommun, "rapportor")
    await never_quiet(instance, admin)
    found = now_case(kommun)
    await publish(instance, [found, found])

    async def told() -> bool:
        return {r["person_id"] for r in await ledger(instance, kommun) if r["state"] == "sent"} == {
            analyst.ident,
            member.ident,
        }

    await eventually(told, "analyst and member told")
    assert len(await ledger(instance, kommun)) == 2, "the same record twice is told once"
    url = instance.ground.layout.url("notify_serve")
    async with asking(url) as http:
        (alert,) = (await http.get("/v1/alerts", headers=analyst.bearer)).json()
        path = f"/v1/alerts/{alert['alert_id']}"
        assert (await http.get(path + "/take", headers=analyst.bearer)).status_code == 405, "looking takes nothing"
        assert not (await http.get(path, headers=analyst.bearer)).json()["owned"]
        first, second = await asyncio.gather(*(http.post(path + "/take", headers=p.bearer) for p in (analyst, member)))
        assert sorted([first.json()["mine"], second.json()["mine"]]) == [False, True]
        assert [first.json()["owned"], second.json()["owned"]] == [True, True]
        for useful in (False, True):
            answer = await http.post(path + "/answer", json={"useful": useful}, headers=member.bearer)
            assert answer.status_code == 204
        stranger = await somebody(instance, (await instance.tenant("7996")).kommun, "analytiker")
        assert (await http.get(path, headers=stranger.bearer)).status_code == 404
        assert (await http.post(path + "/take", headers=stranger.bearer)).status_code == 404

    async def answered() -> bool:
        rows = await instance.sql("select rule, useful from alert_answers where kommun = $1", kommun, kommun=kommun)
        return [(r["rule"], r["useful"]) for r in rows] == [("signal", True)]

    await eventually(answered, "analysis knows that it was useful")
    await publish(instance, [found.model_copy(update={"state": "closed", "revision": 2})])

    async def over() -> bool:
        rows = await instance.sql(
            "select closed_at from alerts where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        return [r["closed_at"] is not None for r in rows] == [True]

    await eventually(over, "the alert is over")


async def crew(instance: Instance, kommun: str, **plan: Any) -> tuple[Any, Any, Any]:
    await instance.tenant(kommun)
    admin = await somebody(instance, kommun, "administrator")
    analyst, member = await somebody(instance, kommun, "analytiker"), await somebody(instance, kommun, "est_medlem")
    await never_quiet(instance, admin, **plan)
    return admin, analyst, member


async def test_what_nobody_takes_goes_to_the_next_and_what_somebody_takes_does_not(
    instance: Instance, kommun: str
) -> None:
    route = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once",
             "answer_minutes": 5, "then": [{"role": "est_medlem"}]}  # fmt: skip
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [route]}
    _, analyst, member = await crew(instance, kommun, root=root)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun), now_case(kommun, event_type="B1"))
        await parts.settle()
        assert {a for a, _ in parts.channels["mail"].sent} == {analyst.email}
        rows = await instance.sql("select alert_id from alerts where kommun = $1", kommun, kommun=kommun, room="notify")
        taken = rows[0]["alert_id"]
        async with asking(instance.ground.layout.url("notify_serve")) as http:
            await http.post(f"/v1/alerts/{taken}/take", headers=analyst.bearer)
        parts.channels["mail"].sent.clear()
        await _hurry(parts, instance, kommun)
        (told,) = parts.channels["mail"].sent
        assert told[0] == member.email
        parts.channels["mail"].sent.clear()
        await _hurry(parts, instance, kommun, hours=2)
        assert parts.channels["mail"].sent == [], "there is nobody left to tell: the operator's alarm, no more mails"


async def _hurry(parts: Voice, instance: Instance, kommun: str, hours: float = 0.5) -> None:
    """Let the time pass in which somebody should have answered."""
    parts.ahead += timedelta(hours=hours)
    await instance.sql("update due set at = now() where what = 'pursue' and kommun = $1", kommun, room="notify")
    while await parts.pursuer.pursue_some():
        await instance.sql("update due set at = now() + interval '1 hour' where what = 'pursue'", room="notify")
    await instance.sql("update due set at = now() where what = 'send' and kommun = $1", kommun, room="notify")
    await parts.settle()


async def test_a_way_that_does_not_answer_is_left_for_the_other_and_a_refusal_at_once(
    instance: Instance, kommun: str
) -> None:
    _, analyst, member = await crew(instance, kommun)
    await numbered(instance, kommun, analyst.ident, phone="+46701234567")
    async with voice(instance) as parts:
        mail, sms = parts.channels["mail"], parts.channels["sms"]
        mail.troubles = [Permanent("mail_refused", "no such mailbox"), Permanent("mail_refused", "nor this one")]
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert [a for a, _ in sms.sent] == ["+46701234567"]
        by_person = {r["person_id"]: r for r in await ledger(instance, kommun)}
        assert by_person[analyst.ident]["state"] == "sent"
        assert by_person[analyst.ident]["channel"] == "sms"
        assert (by_person[member.ident]["state"], by_person[member.ident]["error"]) == ("failed", "mail_refused")
        # A provider that is down for two hours: tried again and again, then the other way; who has none waits on.
        mail.troubles = [Delayed("421") for _ in range(50)]
        await parts.enter(now_case(kommun, event_type="B1"))
        await parts.settle()
        assert len(sms.sent) == 1
        parts.ahead = timedelta(hours=2, minutes=5)
        for _ in range(3):
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            await parts.settle()
        assert len(sms.sent) == 2
        mail.troubles.clear()
        parts.ahead = timedelta(hours=3)
        parts.sender.pauses.forget()
        await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
        await parts.settle()
        assert [a for a, _ in mail.sent] == [member.email]
        attempts = await instance.sql(
            "select channel, outcome from attempts where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        assert {(r["channel"], r["outcome"]) for r in attempts} == {
            ("mail", "refused"), ("mail", "delayed"), ("mail", "sent"), ("sms", "sent"),
        }  # fmt: skip


async def test_news_of_an_alert_come_also_while_a_reminder_of_it_waits(instance: Instance, kommun: str) -> None:
    route = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once", "repeat_hours": 4}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [route]}
    _, analyst, _ = await crew(instance, kommun, root=root)
    async with voice(instance) as parts:
        opened = now_case(kommun)
        await parts.enter(opened)
        await parts.settle()
        await parts.enter(opened.model_copy(update={"revision": 2, "state": "closed"}))
        await parts.settle()
        await _hurry(parts, instance, kommun)
        assert [a for a, _ in parts.channels["mail"].sent] == [analyst.email] * 2, "that it began, and that it is over"
        await _hurry(parts, instance, kommun, hours=5)
        assert len(parts.channels["mail"].sent) == 2, "what is over is not reminded of"


async def test_a_replay_tells_nobody_again_also_when_the_ledger_was_gallrad(instance: Instance, kommun: str) -> None:
    await crew(instance, kommun)
    old = now_case(kommun, minted_at=datetime.now(UTC) - timedelta(hours=25))
    async with voice(instance) as parts:
        fresh = now_case(kommun)
        await parts.enter(fresh, old)
        await parts.settle()
        assert len(parts.channels["mail"].sent) == 2
        await parts.enter(fresh, old)
        await parts.settle()
        assert len(parts.channels["mail"].sent) == 2
        states = await instance.sql(
            "select state, reason from notices where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        assert {(r["state"], r["reason"]) for r in states} == {("routed", None), ("expired", "past_deadline")}
        assert sum(r["state"] == "expired" for r in await ledger(instance, kommun)) == 2, "recorded, never sent"
        await _aged(instance, kommun, "60 days")
        tidy = await parts.retaining.work(kommun, datetime.now(UTC))
        async with parts.database.transaction((kommun,)) as connection:
            await tidy(connection)
        assert len(await ledger(instance, kommun)) == 4, "no decision, no deletion"
        await decided(instance, kommun, months=1)
        tidy = await parts.retaining.work(kommun, datetime.now(UTC))
        async with parts.database.transaction((kommun,)) as connection:
            await tidy(connection)
        left = "select kind from alerts where kommun = $1 union all select state from notices where kommun = $1"
        assert [*await ledger(instance, kommun)] == []
        kept = [r["kind"] for r in await instance.sql(left, kommun, kommun=kommun, room="notify")]
        assert kept == ["case"], "what is still going on stays"
        query = "select data_class, reports from retention_protocol where kommun = $1"
        assert [tuple(r) for r in await instance.sql(query, kommun, kommun=kommun, room="ingest")] == [("message", 4)]
        await parts.enter(old)
        await parts.settle()
        assert len(parts.channels["mail"].sent) == 2
        assert {r["state"] for r in await ledger(instance, kommun)} == {"expired"}, "recorded, never sent"


async def _aged(instance: Instance, kommun: str, age: str) -> None:
    """As if everything in the ledger had happened so long ago."""
    for table, columns in (("deliveries", ("created_at", "sent_at")), ("notices", ("created_at",)),
                           ("alerts", ("last_at", "opened_at"))):  # fmt: skip
        moved = ", ".join(f"{c} = {c} - interval '{age}'" for c in columns)
        await instance.sql(f"update {table} set {moved} where kommun = $1", kommun, kommun=kommun, room="notify")


async def decided(instance: Instance, kommun: str, months: int) -> None:
    """The municipality decides for how long its ledger is kept."""
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        async with door.transaction((kommun,)) as connection:
            await put_rule(connection, kommun, Rule("message", months, "KS § 1", date(2026, 1, 1)))
    finally:
        await door.close()


async def test_quiet_hours_silence_and_off_are_kept_and_the_urgent_comes_all_the_same(
    instance: Instance, kommun: str
) -> None:
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}, {"role": "est_medlem"}], "how": "at_once",
            "routes": [{"name": "akut", "label": "Akut", "match": {"min_severity": 4}, "urgent": True}]}  # fmt: skip
    _, analyst, member = await crew(instance, kommun, root=root)
    url, now = instance.ground.layout.url("notify_serve"), datetime.now(SWEDEN)
    around = [(now + timedelta(hours=h)).strftime("%H:%M:%S") for h in (-3, 3)]
    async with asking(url) as http, voice(instance) as parts:
        sent, case = parts.channels["mail"].sent, now_case(kommun)
        await http.put("/v1/preferences", json={"off": True}, headers=member.bearer)
        await parts.enter(case)
        await parts.settle()
        assert [a for a, _ in sent] == [analyst.email]
        (alert,) = (await http.get("/v1/alerts", headers=analyst.bearer)).json()
        path = f"/v1/alerts/{alert['alert_id']}/silence"
        assert (await http.post(path, json={"everybody": True}, headers=member.bearer)).status_code == 403
        until = (await http.post(path, json={}, headers=analyst.bearer)).json()["until"]
        await parts.enter(case.model_copy(update={"state": "changed", "revision": 2}))
        await parts.settle()
        assert len(sent) == 1
        (waits,) = await instance.sql("select at from due where kommun = $1 and what = 'send'", kommun, room="notify")
        assert waits["at"] == datetime.fromisoformat(until)
        quiet = {"quiet": {"begins": around[0], "ends": around[1]}}
        await http.put("/v1/preferences", json=quiet, headers=analyst.bearer)
        await parts.enter(now_case(kommun, event_type="B1"))
        await parts.settle()
        assert len(sent) == 1
        moment = datetime.now(UTC)
        serious = located(
            1, kommun=kommun, severity=4, received_at=moment, minted_at=moment, time_from=moment, time_to=moment
        )
        notice = of_report(serious, "c")
        assert notice is not None
        await parts.enter(notice)
        await parts.settle()
        assert {a for a, m in sent[1:] if m.urgent} == {analyst.email, member.email}


async def test_an_ended_silence_sends_what_waited_for_it(instance: Instance, kommun: str) -> None:
    _, analyst, member = await crew(instance, kommun)
    url = instance.ground.layout.url("notify_serve")
    async with asking(url) as http, voice(instance) as parts:
        case = now_case(kommun)
        await parts.enter(case)
        await parts.settle()
        parts.channels["mail"].sent.clear()
        (alert,) = (await http.get("/v1/alerts", headers=analyst.bearer)).json()
        path = f"/v1/alerts/{alert['alert_id']}/silence"
        for who, body in (analyst, {"everybody": True}), (member, {}):
            assert (await http.post(path, json=body, headers=who.bearer)).status_code == 200
        await parts.enter(case.model_copy(update={"state": "opened", "revision": 2}))
        await parts.settle()
        assert parts.channels["mail"].sent == []
        assert (await http.delete(path, headers=member.bearer)).status_code == 204
        refused = await http.delete(path, params={"everybody": True}, headers=member.bearer)
        assert refused.status_code == 403
        await parts.settle()
        assert parts.channels["mail"].sent == [], "everybody's silence still holds"
        assert (await http.delete(path, params={"everybody": True}, headers=analyst.bearer)).status_code == 204
        await parts.settle()
        assert {a for a, _ in parts.channels["mail"].sent} == {analyst.email, member.email}


async def test_links_serve_one_purpose_and_a_time(instance: Instance, kommun: str) -> None:
    sealer, now = Sealer("a secret of the tests"), datetime.now(UTC)
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
        stop = next(m.stop for a, m in parts.channels["mail"].sent if a == analyst.email)
        assert stop is not None
        token = stop.partition("?t=")[2]
        assert opened(sealer, "stop", token, now) == (kommun, analyst.ident)
        assert opened(sealer, "receipt", token, now) is None
        assert opened(sealer, "stop", token, now + timedelta(days=61)) is None
        assert opened(sealer, "stop", token[:-2], now) is None
        assert opened(Sealer("another house's secret"), "stop", token, now) is None
        async with parts.database.transaction() as connection:
            assert await queue.claim(connection, "send", 1, 10) == []
