"""What was not taken or did not arrive goes on: by another way, to another person, without waiting for news."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notify.gateways.channel import Delayed, Message, Receipt
from services.notify.handlers.bouncing import Bouncing
from services.notify.handlers.receiving import take_receipt
from services.notify.handlers.seals import PLACE, link
from services.notify.store import plans
from services.pages.writing import SWEDEN
from services.runtime.database import Database
from services.runtime.errors import Permanent
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from tests.integration.test_voice import crew, ledger
from tests.support.bounced import report
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.voice import SECRET, Somebody, Voice, never_quiet, now_case, numbered, somebody, voice

SIGNAL: dict[str, Any] = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once"}


def _root(*routes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": list(routes)} | changes


async def _later(parts: Voice, instance: Instance, kommun: str, *, pursue: bool = False, **ahead: float) -> None:
    """Let the time pass: what is due by then is looked at."""
    parts.ahead += timedelta(**ahead)
    now = datetime.now(UTC) + parts.ahead + timedelta(seconds=20)  # and what looking at them makes due
    due = "update due set at = now() where kommun = $1 and at <= $2 and what = $3"
    if pursue:
        await instance.sql(due, kommun, now, "pursue", room="notify")
        await parts.pursuer.pursue_some()
    await instance.sql(due, kommun, now, "send", room="notify")
    await parts.settle()


async def _sent(instance: Instance, kommun: str, person: UUID) -> Any:
    query = """select d.delivery_id, a.provider_id from deliveries d join attempts a using (kommun, delivery_id)
               where d.kommun = $1 and d.person_id = $2 and a.channel = 'sms' order by a.number desc"""
    return (await instance.sql(query, kommun, person, kommun=kommun, room="notify"))[0]


async def test_what_the_provider_says_afterwards_sends_an_sms_another_way_also_while_a_reminder_waits(
    instance: Instance, kommun: str
) -> None:
    _, analyst, _ = await crew(instance, kommun, root=_root(SIGNAL | {"urgent": True, "repeat_hours": 4}))
    await numbered(instance, kommun, analyst.ident, phone="+46701234567", urgent="sms")
    async with voice(instance) as parts:
        mail, sms = parts.channels["mail"], parts.channels["sms"]
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert ([a for a, _ in sms.sent], mail.sent) == (["+46701234567"], [])
        row = await _sent(instance, kommun, analyst.ident)
        about = {"kommun": kommun, "delivery": row["delivery_id"], "provider_id": row["provider_id"]}
        assert await take_receipt(parts.database, **about, status="failed")
        await parts.settle()
        assert [a for a, _ in mail.sent] == [analyst.email], "at once, not when the reminder would have come"
        assert await take_receipt(parts.database, **about, status="failed"), "the same again says nothing new"
        await parts.settle()
        assert len(mail.sent) == 1
        costs = await instance.sql(
            "select sum(cost) as cost from attempts where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        assert costs[0]["cost"] == 3500


async def test_what_is_said_of_a_message_before_it_is_recorded_is_to_be_said_again(
    instance: Instance, kommun: str
) -> None:
    """A provider, and a mail server, that are quicker than our own commit."""
    both = [{"role": "analytiker"}, {"role": "est_medlem"}]
    _, analyst, member = await crew(instance, kommun, root=_root(SIGNAL | {"urgent": True}, to=both))
    await numbered(instance, kommun, analyst.ident, phone="+46701234567", urgent="sms")
    early: list[bool] = []
    async with voice(instance, bounce_address="studs@lagesbild.exempel") as parts:
        bouncing = Bouncing(parts.database, None, 60)

        async def quick(message: Message, address: str) -> Receipt:
            about = await _in_hand(instance, kommun)
            early.append(
                await take_receipt(parts.database, kommun, about, provider_id="id-early", status="failed")
                if address.startswith("+")
                else await bouncing.take(report(message.receipt_to or "", action="failed")) == "done"
            )
            return Receipt("id-early" if address.startswith("+") else message.ident, 3500)

        for name in ("sms", "mail"):
            parts.channels[name].send = quick  # type: ignore[method-assign]  # what the provider does meanwhile
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert early == [False, False], "neither is lost: both are to come again"
        rows = {r["person_id"]: (r["state"], r["channel"]) for r in await ledger(instance, kommun)}
        assert rows[analyst.ident] == ("sent", "sms")
        row = await _sent(instance, kommun, analyst.ident)
        assert await take_receipt(
            parts.database, kommun, row["delivery_id"], provider_id="id-early", status="failed"
        ), "now it is known"
        rows = {r["person_id"]: (r["state"], r["channel"]) for r in await ledger(instance, kommun)}
        assert rows[analyst.ident][0] == "due", "it goes another way"
        assert rows[member.ident] == ("sent", "mail")


async def _in_hand(instance: Instance, kommun: str) -> UUID:
    query = "select delivery_id from deliveries where kommun = $1 and state = 'sending'"
    return UUID(str((await instance.sql(query, kommun, kommun=kommun, room="notify"))[0]["delivery_id"]))


async def test_what_one_way_has_refused_takes_nothing_else_with_it(instance: Instance, kommun: str) -> None:
    """A mail that came back and the morning's other messages, to somebody who has mail only."""
    daily = SIGNAL | {"how": "daily"}
    _, analyst, _ = await crew(instance, kommun, root=_root(daily))
    async with voice(instance) as parts:
        mail = parts.channels["mail"]
        await parts.enter(now_case(kommun))
        await parts.settle()
        await instance.sql(
            "update deliveries set refused = '{mail}' where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        await parts.enter(*(now_case(kommun, event_type=kind) for kind in ("B1", "C1")))
        await parts.settle()
        for _ in range(2):
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            await parts.settle()
        assert [a for a, _ in mail.sent] == [analyst.email]
        states = sorted((r["state"], r["error"] or "") for r in await ledger(instance, kommun))
        assert states == [("failed", "undelivered"), ("sent", ""), ("sent", "")]


async def test_a_reminder_is_hours_of_real_time_away_also_over_a_change_of_the_clock(
    instance: Instance, kommun: str
) -> None:
    _, analyst, _ = await crew(instance, kommun, root=_root(SIGNAL | {"urgent": True, "repeat_hours": 6}))
    for day, hour in (("2027-03-28", 6), ("2027-10-31", 6)):
        evening = datetime.combine(date.fromisoformat(day), time(0, 30), SWEDEN).astimezone(UTC)
        async with voice(instance) as parts:
            parts.ahead = evening - datetime.now(UTC)
            await parts.enter(now_case(kommun, minted_at=evening, since=evening))
            await parts.settle()
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            await parts.settle()
            query = "select at from due where kommun = $1 and what = 'send' order by at desc limit 1"
            (row,) = await instance.sql(query, kommun, room="notify")
            assert timedelta() <= row["at"] - evening - timedelta(hours=hour) < timedelta(minutes=2)
            wall = row["at"].astimezone(SWEDEN)
            assert (wall.hour, wall.minute) == ((7, 30) if day < "2027-06" else (5, 30))
            assert [a for a, _ in parts.channels["mail"].sent] == [analyst.email]
        await instance.sql("delete from due where kommun = $1", kommun, room="notify")


async def test_a_delivery_report_comes_to_the_sealed_address_and_to_no_other(instance: Instance, kommun: str) -> None:
    _, analyst, _ = await crew(instance, kommun, root=_root(SIGNAL | {"urgent": True}))
    await numbered(instance, kommun, analyst.ident, phone="+46701234567", urgent="sms")
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
    row = await _sent(instance, kommun, analyst.ident)
    layout = instance.ground.layout
    address = link(Sealer(layout.secrets["seal"]), "", "receipt", kommun, row["delivery_id"])
    assert address is not None
    async with asking(layout.url("notify_serve")) as http:
        said = {"id": row["provider_id"], "status": "delivered"}
        assert (await http.post("/v1/receipts/sms?t=made-up", data=said)).status_code == 404
        assert (await http.post(address, data=said)).status_code == 204
        assert (await http.post(address, data=said)).status_code == 204
    assert [r["state"] for r in await ledger(instance, kommun)] == ["delivered"]


async def test_what_was_not_taken_is_tried_again_in_time_also_when_news_waits_for_seven(
    instance: Instance, kommun: str
) -> None:
    daily = SIGNAL | {"name": "mer", "match": {"kinds": ["case/changed"]}, "how": "daily"}
    _, analyst, _ = await crew(instance, kommun, root=_root(daily, SIGNAL))
    async with voice(instance) as parts:
        mail, found = parts.channels["mail"], now_case(kommun)
        mail.troubles = [Delayed("421")]
        await parts.enter(found)
        await parts.router.route_some()
        await instance.sql(
            "update deliveries set state = 'sending' where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        await parts.enter(found.model_copy(update={"state": "changed", "revision": 2}))
        await parts.router.route_some()
        await parts.settle()
        assert mail.sent == []
        await _later(parts, instance, kommun, minutes=2)
        assert [a for a, _ in mail.sent] == [analyst.email]


async def test_every_rule_that_names_somebody_has_its_answer_and_its_reminder(instance: Instance, kommun: str) -> None:
    plain = SIGNAL | {"name": "a", "go_on": True}
    asks = SIGNAL | {"name": "b", "answer_minutes": 30, "then": [{"role": "est_medlem"}], "repeat_hours": 3}
    _, analyst, member = await crew(instance, kommun, root=_root(plain, asks))
    async with asking(instance.ground.layout.url("notify_serve"), headers=analyst.bearer) as http:
        assert (await http.post("/v1/subscriptions", json={"min_severity": 1})).status_code == 201
        async with voice(instance) as parts:
            mail = parts.channels["mail"]
            await parts.enter(now_case(kommun))
            await parts.settle()
            assert [a for a, _ in mail.sent] == [analyst.email]
            await _later(parts, instance, kommun, pursue=True, minutes=31)
            assert [a for a, _ in mail.sent][1:] == [member.email], "the other rule's next, as its page says"
            await _later(parts, instance, kommun, hours=3)
            assert [a for a, _ in mail.sent][2:] == [analyst.email], "and its reminder"
        (alert,) = (await http.get("/v1/alerts")).json()
        ended = await http.post(f"/v1/alerts/{alert['alert_id']}/resolve")
        assert (ended.status_code, ended.json()["closed_at"] is not None) == (200, True)
        assert (await http.get("/v1/alerts")).json() == []


async def test_an_answer_is_about_the_rule_by_which_one_was_told(instance: Instance, kommun: str) -> None:
    first, second = SIGNAL | {"name": "a", "go_on": True}, SIGNAL | {"name": "b", "to": [{"role": "est_medlem"}]}
    _, analyst, member = await crew(instance, kommun, root=_root(first, second))
    async with voice(instance) as parts, asking(instance.ground.layout.url("notify_serve")) as http:
        await parts.enter(now_case(kommun))
        await parts.settle()
        (alert,) = (await http.get("/v1/alerts", headers=member.bearer)).json()
        for person in (analyst, member):
            answer = await http.post(
                f"/v1/alerts/{alert['alert_id']}/answer", json={"useful": True}, headers=person.bearer
            )
            assert answer.status_code == 204
    query = "select person_id, rule from answers where kommun = $1"
    rows = await instance.sql(query, kommun, kommun=kommun, room="notify")
    assert {r["person_id"]: r["rule"] for r in rows} == {analyst.ident: "a", member.ident: "b"}


async def test_an_alert_is_ended_by_who_has_it(instance: Instance, kommun: str) -> None:
    _, _, member = await crew(instance, kommun, root=_root(SIGNAL))
    async with voice(instance) as parts, asking(instance.ground.layout.url("notify_serve")) as http:
        await parts.enter(now_case(kommun))
        await parts.settle()
        (alert,) = (await http.get("/v1/alerts", headers=member.bearer)).json()
        path = f"/v1/alerts/{alert['alert_id']}"
        assert (await http.post(path + "/resolve", headers=member.bearer)).json()["closed_at"] is None, "not theirs"
        await http.post(path + "/take", headers=member.bearer)
        await parts.enter(now_case(kommun, situation_id=UUID(alert["subject_id"]), state="changed", revision=2))
        await parts.router.route_some()
        assert (await http.post(path + "/resolve", headers=member.bearer)).json()["closed_at"] is not None
        parts.channels["mail"].sent.clear()
        await _later(parts, instance, kommun, pursue=True, hours=30)
        assert parts.channels["mail"].sent == []


async def _in_a_chat(instance: Instance, kommun: str, admin: Somebody) -> None:
    """Signals go to a chat alone."""
    place, serving = uuid4(), Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    try:
        async with serving.transaction((kommun,)) as connection:
            sealed = Sealer(SECRET).seal(PLACE, '{"url": "https://chatt.exempel/x"}')
            await plans.add_place(connection, kommun, place, kind="teams", label="Chatten", sealed=sealed)
    finally:
        await serving.close()
    await never_quiet(instance, admin, root=_root(SIGNAL | {"to": [{"destination": str(place)}]}))


async def test_a_chat_that_is_gone_is_not_the_end_of_an_alert(instance: Instance, kommun: str) -> None:
    admin, analyst, _ = await crew(instance, kommun)
    await _in_a_chat(instance, kommun, admin)
    async with voice(instance) as parts:
        mail, teams = parts.channels["mail"], parts.channels["teams"]
        teams.troubles = [Permanent("place_refused", "404")]
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert (teams.sent, [a for a, _ in mail.sent]) == ([], [analyst.email])
        await asyncio.sleep(1.1)  # a chat is given one message a second
        await parts.enter(now_case(kommun, event_type="B1"))
        await parts.settle()
        assert (len(teams.sent), len(mail.sent)) == (1, 1), "where the chat takes it nobody else is told"


async def test_a_chat_that_does_not_answer_for_long_is_not_waited_for(instance: Instance, kommun: str) -> None:
    admin, analyst, _ = await crew(instance, kommun)
    await _in_a_chat(instance, kommun, admin)
    async with voice(instance) as parts:
        mail, teams = parts.channels["mail"], parts.channels["teams"]
        teams.troubles = [Delayed("503") for _ in range(100)]
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert mail.sent == [], "it may be back in a moment"
        for _ in range(3):
            await asyncio.sleep(1.1)
            await _later(parts, instance, kommun, hours=2.5)
        assert [a for a, _ in mail.sent] == [analyst.email], "once"
        teams.troubles.clear()
        parts.sender.pauses.forget()
        await asyncio.sleep(1.1)
        await _later(parts, instance, kommun, hours=1)
        assert (len(teams.sent), len(mail.sent)) == (1, 1), "and the chat has it when it is back"


async def test_a_draft_ends_when_it_is_adopted_and_is_not_reminded_of(instance: Instance, kommun: str) -> None:
    await crew(
        instance, kommun, root=_root(repeat_hours=1, answer_minutes=5, then=[{"role": "est_medlem"}], how="at_once")
    )
    picture = {"kind": "lagesbild", "number": "2026:48", "event_type": None, "area": None}
    async with voice(instance) as parts:
        mail = parts.channels["mail"]
        await parts.enter(now_case(kommun, state="drafted", **picture))
        await parts.settle()
        assert len(mail.sent) == 1
        await _later(parts, instance, kommun, pursue=True, hours=5)
        assert len(mail.sent) == 1, "it can only be read"
        await parts.enter(now_case(kommun, state="adopted", **picture))
        await parts.settle()
        query = "select dedup_key from alerts where kommun = $1 and closed_at is null"
        assert await instance.sql(query, kommun, kommun=kommun, room="notify") == []


async def test_who_is_next_at_night_has_their_time_from_the_morning(instance: Instance, kommun: str) -> None:
    asks = SIGNAL | {"answer_minutes": 10, "then": [{"role": "est_medlem"}]}
    admin, _, _ = await crew(instance, kommun, root=_root(asks))
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
        now = datetime.now(SWEDEN)
        hours = {"begins": f"{now - timedelta(hours=1):%H:%M:00}", "ends": f"{now + timedelta(hours=4):%H:%M:00}"}
        async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
            plan = (await http.get("/v1/routing")).json()
            plan["plan"]["quiet"] = hours
            assert (await http.put("/v1/routing", json=plan)).status_code == 200
        await _later(parts, instance, kommun, pursue=True, minutes=11)
        rows = await instance.sql(
            "select answer_by from alerts where kommun = $1", kommun, kommun=kommun, room="notify"
        )
        assert rows[0]["answer_by"] > datetime.now(UTC) + timedelta(hours=3, minutes=55)


async def test_nobody_of_another_municipality_is_told(instance: Instance, kommun: str) -> None:
    admin, analyst, _ = await crew(instance, kommun)
    other = await somebody(instance, (await instance.tenant("7996")).kommun, "analytiker")
    await never_quiet(instance, admin, root=_root(SIGNAL | {"to": [{"person": str(other.ident)}]}))
    url = instance.ground.layout.url("notify_serve")
    async with asking(url, headers=other.bearer) as http, voice(instance) as parts:
        assert (await http.post("/v1/subscriptions", json={"min_severity": 1})).status_code == 201
        await parts.enter(now_case(kommun))
        await parts.settle()
        assert [a for a, _ in parts.channels["mail"].sent] == [analyst.email], "a rule of a stranger names nobody"


async def test_a_time_of_day_has_no_zone(instance: Instance, kommun: str) -> None:
    admin, *_ = await crew(instance, kommun)
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        for quiet in {"begins": "22:00Z", "ends": "06:00Z"}, {"begins": "22:00+01:00", "ends": "06:00"}:
            assert (await http.put("/v1/preferences", json={"quiet": quiet})).status_code == 422
            plan = (await http.get("/v1/routing")).json()
            plan["plan"]["quiet"] = quiet
            assert (await http.put("/v1/routing", json=plan)).status_code == 422
