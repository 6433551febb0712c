"""Where people are reached: a number is used once it is proved, a device shows what was sealed for it alone."""

import re
from email import message_from_bytes
from email.policy import default
from typing import Any

import asyncpg
import pytest
from icalendar import Calendar

from services.notify.gateways.channel import Delayed, Gone
from services.notify.gateways.mail import letter_of
from services.notify.gateways.mailbox import Mailbox, MailboxAway
from services.notify.gateways.outside import Outside
from services.notify.gateways.push import Push, Vapid, addresses
from services.notify.handlers.bouncing import Bouncing
from services.notify.handlers.planning import BadAddress
from services.runtime.errors import Permanent
from services.runtime.migrations import serve_role
from tests.integration.test_channels import MESSAGE
from tests.integration.test_voice import crew, ledger
from tests.support.bounced import report
from tests.support.http import asking
from tests.support.imap_server import mailbox
from tests.support.instance import Instance
from tests.support.outside import Phone, outsider
from tests.support.voice import now_case, numbered, reaching, somebody, voice

NUMBER = "+46701234567"


def _code(said: str) -> str:
    found = re.search(r"\b(\d{6})\b", said)
    assert found is not None, said
    return found[1]


async def test_a_number_is_used_when_its_code_has_come_back(instance: Instance, kommun: str) -> None:
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts, reaching(instance) as ends:
        assert await ends.ask_number(kommun, analyst.ident, NUMBER)
        assert not await ends.ask_number(kommun, analyst.ident, "+46701234568"), "one code a minute"
        await parts.enter(now_case(kommun))
        await parts.settle()
        (sent,) = parts.channels["sms"].sent
        assert sent[0] == NUMBER
        code = _code(sent[1].short)
        assert len(sent[1].short) <= 160
        assert "rapporter" not in sent[1].short, "a code goes by itself"
        kept = await instance.sql("select said from deliveries where kommun = $1", kommun, kommun=kommun, room="notify")
        assert code not in str(kept), "the ledger does not know the code"
        wrong = f"{(int(code) + 1) % 1_000_000:06d}"
        assert not await ends.prove_number(kommun, analyst.ident, wrong)
        assert await ends.prove_number(kommun, analyst.ident, code)
        assert not await ends.prove_number(kommun, analyst.ident, code), "once"
    url = instance.ground.layout.url("notify_serve")
    async with asking(url, headers=analyst.bearer) as http:
        own = (await http.get("/v1/preferences")).json()
        assert own["phone"] == NUMBER
        other = await http.put("/v1/preferences", json=own | {"phone": "+46701234568"})
        assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "unproved-number")
        assert (await http.put("/v1/preferences", json=own | {"urgent": "sms"})).status_code == 200


async def test_codes_are_few_a_day_and_only_for_who_is_told(instance: Instance, kommun: str) -> None:
    _, analyst, _ = await crew(instance, kommun)
    reporter = await somebody(instance, kommun, "rapportor")
    async with voice(instance) as parts, reaching(instance) as ends:
        for left in range(4, -1, -1):
            assert await ends.ask_number(kommun, analyst.ident, f"+4670123456{left}")
            await parts.settle()
            moved = "update numbers set until = until - interval '2 minutes' where kommun = $1"
            await _as_serving(instance, moved, kommun)
        assert not await ends.ask_number(kommun, analyst.ident, NUMBER), "five a day"
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        assert (await http.post("/v1/numbers", json={"phone": NUMBER}, headers=reporter.bearer)).status_code == 403


async def _as_serving(instance: Instance, query: str, kommun: str) -> None:
    connection = await asyncpg.connect(instance.ground.dsn(serve_role("notify")))
    try:
        async with connection.transaction():
            await connection.execute("select set_config('app.kommuner', $1, true)", kommun)
            await connection.execute(query, kommun)
    finally:
        await connection.close()


async def test_five_wrong_codes_are_enough(instance: Instance, kommun: str) -> None:
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts, reaching(instance) as ends:
        assert await ends.ask_number(kommun, analyst.ident, NUMBER)
        await parts.settle()
        code = _code(parts.channels["sms"].sent[0][1].short)
        for step in range(1, 6):
            wrong = f"{(int(code) + step) % 1_000_000:06d}"
            assert not await ends.prove_number(kommun, analyst.ident, wrong)
        assert not await ends.prove_number(kommun, analyst.ident, code), "the sixth is not looked at"


async def test_a_notification_goes_to_every_device_and_those_that_are_no_more_are_forgotten(
    instance: Instance, kommun: str
) -> None:
    _, analyst, _ = await crew(instance, kommun)
    old, new = Phone(), Phone()
    with outsider() as there:
        async with reaching(instance, there.place) as ends, voice(instance) as parts:
            other = await ends.add_device(kommun, analyst.ident, old.device(there.url + "/old"), "Dator")
            first = await ends.add_device(kommun, analyst.ident, new.device(there.url + "/new"), "Mobil")
            again = await ends.add_device(kommun, analyst.ident, new.device(there.url + "/new"), "Mobil")
            assert again == first, "the same device twice is one"
            with pytest.raises(BadAddress, match="https"):
                await ends.add_device(kommun, analyst.ident, new.device("http://127.0.0.1:1/x"), "Mobil")
            await numbered(instance, kommun, analyst.ident, usual="push")
            real = Push(Outside((there.place,)), Vapid("a secret of the instance", "https://h.exempel"))
            parts.sender._channels = {**parts.channels, "push": real}
            there.answers = [(410, {}, b""), (201, {"Location": "https://push/m/1"}, b"")]
            await parts.enter(now_case(kommun))
            await parts.settle()
            gone, took = there.taken  # both at once: whichever comes first is the one that is no more
            assert {gone.path, took.path} == {"/old", "/new"}
            phone, stays = (new, first) if took.path == "/new" else (old, other)
            assert took.headers["ttl"] == "86400"
            assert took.headers["authorization"].startswith("vapid t=")
            said = phone.reads(took.body)["notification"]
            assert said["navigate"].startswith(instance.ground.layout.public_url + "/larm/")
            left = await instance.sql(
                "select device_id from devices where kommun = $1", kommun, kommun=kommun, room="notify"
            )
            assert [r["device_id"] for r in left] == [stays]
            # The last one goes too: the next way, at once.
            there.answers = [(404, {}, b"")]
            await parts.enter(now_case(kommun, event_type="B1"))
            await parts.settle()
            assert analyst.email in [a for a, _ in parts.channels["mail"].sent]
    by_person = [r for r in await ledger(instance, kommun) if r["person_id"] == analyst.ident]
    assert [(r["state"], r["channel"]) for r in by_person] == [("sent", "push"), ("sent", "mail")]
    health = "select error from channel_health where kommun = $1 and channel = 'push'"
    assert [r["error"] for r in await instance.sql(health, kommun, kommun=kommun, room="notify")] == [None]


async def test_what_a_push_service_answers_is_understood() -> None:
    one, two = Phone(), Phone()
    with outsider() as there:
        real = Push(Outside((there.place,), timeout=0.5), Vapid("a secret of the instance", "https://h.exempel"))
        both = addresses([one.device(there.url + "/1"), two.device(there.url + "/2")])
        there.answers = [(429, {"Retry-After": "7"}, b""), (413, {}, b"")]
        with pytest.raises(Delayed) as later:
            await real.send(MESSAGE, both)
        assert later.value.seconds == 7
        there.answers = [(400, {}, b""), (403, {}, b"")]
        with pytest.raises(Permanent) as refused:
            await real.send(MESSAGE, both)
        assert not isinstance(refused.value, Gone)
        there.answers = ["hang up", (201, {}, b"")]
        receipt = await real.send(MESSAGE, both)
        assert receipt.gone == ()
        there.answers = [(404, {}, b""), (410, {}, b"")]
        with pytest.raises(Gone) as over:
            await real.send(MESSAGE, both)
        assert len(over.value.ends) == 2
        there.answers, there.stall_seconds = ["stall", "stall"], 1.0
        with pytest.raises(Delayed) as unsure:
            await real.send(MESSAGE, both)
        assert unsure.value.unsure
        topics = {t.headers["topic"] for t in there.taken}
        assert len(topics) == 1, "a repeat takes the place of one that was not fetched"


async def test_devices_are_ones_own(instance: Instance, kommun: str) -> None:
    _, analyst, member = await crew(instance, kommun)
    async with reaching(instance, "127.0.0.1:9") as ends:
        mine = await ends.add_device(kommun, analyst.ident, Phone().device("http://127.0.0.1:9/a"), "Mobil")
    url = instance.ground.layout.url("notify_serve")
    async with asking(url) as http:
        assert len((await http.get("/v1/push-key", headers=analyst.bearer)).json()["key"]) == 87
        assert (await http.delete(f"/v1/devices/{mine}", headers=member.bearer)).status_code == 404
        assert (await http.delete(f"/v1/devices/{mine}", headers=analyst.bearer)).status_code == 204
        async with reaching(instance, "127.0.0.1:9") as ends:
            await ends.add_device(kommun, analyst.ident, Phone().device("http://127.0.0.1:9/b"), "Dator")
            await ends.add_device(kommun, member.ident, Phone().device("http://127.0.0.1:9/b"), "Dator")
        shown = [(await http.get("/v1/devices", headers=p.bearer)).json() for p in (analyst, member)]
        assert [len(s) for s in shown] == [0, 1], "a device that another takes over shows them alone what is theirs"
        inside = {"endpoint": "https://127.0.0.1/x", "keys": Phone().keys}
        answer = await http.post("/v1/devices", json=inside, headers=analyst.bearer)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "bad-address")


async def test_a_mail_that_came_back_goes_another_way_or_has_failed(instance: Instance, kommun: str) -> None:
    """Real SMTP out, a mailbox over a socket in: the analyst has SMS too, the member has not."""
    _, analyst, member = await crew(instance, kommun)
    await numbered(instance, kommun, analyst.ident, phone=NUMBER)
    async with voice(instance, bounce_address="studs@lagesbild.exempel") as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
        back = {a: m.receipt_to for a, m in parts.channels["mail"].sent}
        assert set(back) == {analyst.email, member.email}
        with mailbox() as post:
            post.arrives(b"Subject: Hej\r\n\r\nHej")
            for address in (analyst.email, member.email, analyst.email):
                post.arrives(report(back[address] or ""))
            post.arrives(report("studs+0682.00000000000000000000000000000000@lagesbild.exempel"))
            bouncing = Bouncing(parts.database, None, 1)
            with pytest.raises(MailboxAway):
                await bouncing.read(Mailbox.of(post.address.replace("hemligt", "fel")))
            post.hang_up_after = 4
            with pytest.raises(MailboxAway):
                await bouncing.read(Mailbox.of(post.address))
            post.hang_up_after = 1_000_000
            await bouncing.read(Mailbox.of(post.address))
            assert await bouncing.read(Mailbox.of(post.address)) == 0, "everything was read once"
            assert post.left == [{"\\Seen"}], "what is none of ours stays"
        await parts.settle()
        assert [a for a, _ in parts.channels["sms"].sent] == [NUMBER]
    rows = {r["person_id"]: (r["state"], r["error"], r["channel"]) for r in await ledger(instance, kommun)}
    assert rows == {analyst.ident: ("sent", None, "sms"), member.ident: ("failed", "undelivered", "mail")}


async def test_an_invitation_goes_to_who_gets_the_agenda_and_a_later_one_takes_its_place(
    instance: Instance, kommun: str
) -> None:
    admin, analyst, member = await crew(instance, kommun)
    url = instance.ground.layout.url("notify_serve")
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        async with asking(url) as http:
            assert (await http.post("/v1/routing/invitation", headers=analyst.bearer)).status_code == 403
            assert (await http.post("/v1/routing/invitation", headers=admin.bearer)).json() == {"invited": 2}
        await parts.settle()
        sent = dict(parts.channels["mail"].sent)
        assert set(sent) == {analyst.email, member.email}
        letter = letter_of(sent[member.email], "Lägesbild <a@h.exempel>", member.email)
        said = message_from_bytes(letter.content, policy=default)
        (part,) = [p for p in said.walk() if p.get_content_type() == "text/calendar"]
        assert part.get_param("method") == "REQUEST"
        (found,) = Calendar.from_ical(part.get_content()).walk("VEVENT")
        event: Any = found
        assert event["UID"] == f"mote-{kommun}@lagesbild.local"
        assert str(event["ATTENDEE"]) == f"mailto:{member.email}"
        begins = event["DTSTART"].dt
        assert (begins.weekday(), begins.strftime("%H:%M"), begins.tzinfo.key) == (4, "09:00", "Europe/Stockholm")
        assert (event["RRULE"]["FREQ"], event["RRULE"]["INTERVAL"]) == (["WEEKLY"], [2])
        assert "varannan fredag" in sent[member.email].text
        assert 0 < event["SEQUENCE"] < 2**31
        assert "VTIMEZONE" in part.get_content()
