"""Every channel against a real socket: what it sends, what it makes of the answer, what it never calls."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from services.notify.gateways.apprised import Apprised
from services.notify.gateways.channel import Delayed, Message
from services.notify.gateways.outside import Outside, Refused
from services.notify.gateways.posted import Address, Ntfy, Teams, Webhooks
from services.notify.gateways.sms import Sms, SmsProvider
from services.runtime.errors import Permanent
from tests.support.outside import Outsider, outsider

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = Message(
    ident="<7b6f@lagesbild.local>",
    subject="Åtgärd",
    title="Fler rapporter än väntat",
    intro="11 mot väntat 4,2.",
    facts=(("Var", "Centrum"),),
    why="Kommunens regel.",
    link="https://h.exempel/larm/1",
    short="Lägesbild: åäö https://h.exempel/l/1",
    text="x",
    receipt_to="https://h.exempel/v1/receipts/sms?t=x",
    data={"kind": "case", "kommun": "0682"},
)


@pytest.fixture
def there() -> Iterator[Outsider]:
    with outsider() as made:
        yield made


def provider(there: Outsider, path: str = "/a1/sms") -> SmsProvider:
    return SmsProvider(url=there.url + path, username="u", password=SecretStr("p"))


def taken_as(cost: int = 3500, ident: str = "s70df", status: str = "created") -> Any:
    return 200, {"Content-Type": "application/json"}, json.dumps({"id": ident, "status": status, "cost": cost}).encode()


async def test_an_sms_is_sent_as_the_provider_wants_it_and_the_receipt_has_id_and_cost(there: Outsider) -> None:
    there.answers = [taken_as()]
    receipt = await Sms([provider(there)]).send(MESSAGE, "+46700000000")
    assert (receipt.provider_id, receipt.cost) == ("s70df", 3500)
    (call,) = there.taken
    assert call.form == {
        "from": "Lagesbild",
        "to": "+46700000000",
        "message": MESSAGE.short,
        "dontlog": "message",
        "whendelivered": MESSAGE.receipt_to,
    }
    assert call.headers["authorization"].startswith("Basic ")


async def test_a_provider_that_does_not_take_it_is_passed_over_for_the_next(there: Outsider) -> None:
    troubles: tuple[Any, ...] = ((503, {}, b""), (402, {}, b"no credit"), (401, {}, b""))
    for trouble in troubles:
        there.taken.clear()
        there.answers = [trouble, taken_as(ident="s2")]
        both = [provider(there), provider(there, "/other")]
        assert (await Sms(both).send(MESSAGE, "+46700000000")).provider_id == "s2"
        assert [t.path for t in there.taken] == ["/a1/sms", "/other"]
    gone = SmsProvider(url="http://127.0.0.1:9", username="u", password=SecretStr("p"))
    there.answers = [taken_as(ident="s3")]
    assert (await Sms([gone, provider(there)]).send(MESSAGE, "+46700000000")).provider_id == "s3"


async def test_where_it_may_have_been_taken_no_other_provider_is_asked(there: Outsider) -> None:
    there.stall_seconds = 1.5
    lies: tuple[Any, ...] = ("hang up", "stall", (200, {}, b"<html>"), (200, {}, b'{"status": "created"}'))
    for lie in lies:
        there.taken.clear()
        there.answers = [lie]
        both = [provider(there), provider(there, "/other")]
        with pytest.raises(Delayed) as delayed:
            await Sms(both, timeout=0.7).send(MESSAGE, "+46700000000")
        assert delayed.value.unsure
        assert len(there.taken) == 1, lie


async def test_after_an_answer_that_never_came_another_provider_is_asked_first(there: Outsider) -> None:
    sms = Sms([provider(there), provider(there, "/other")], timeout=0.7)
    there.answers = ["hang up", taken_as(ident="s2"), (404, {}, b""), taken_as(ident="s3")]
    with pytest.raises(Delayed):
        await sms.send(MESSAGE, "+46700000000")
    assert (await sms.send(MESSAGE, "+46700000000")).provider_id == "s2"
    assert (await sms.send(MESSAGE, "+46700000000")).provider_id == "s3", "the other has moved: the first again"
    assert [t.path for t in there.taken] == ["/a1/sms", "/other", "/other", "/a1/sms"]


async def test_what_will_never_be_taken_and_what_comes_too_fast(there: Outsider) -> None:
    there.answers = [(400, {}, b"bad number")]
    with pytest.raises(Permanent, match="400"):
        await Sms([provider(there)]).send(MESSAGE, "+4612")
    there.answers = [taken_as(status="failed")]
    with pytest.raises(Permanent):
        await Sms([provider(there)]).send(MESSAGE, "+46700000000")
    there.answers = [(429, {"Retry-After": "17"}, b"")]
    with pytest.raises(Delayed) as delayed:
        await Sms([provider(there)]).send(MESSAGE, "+46700000000")
    assert delayed.value.seconds == 17


def to(there: Outsider, path: str, secret: str = "") -> str:
    return Address(url=there.url + path, secret=secret).model_dump_json()


async def test_a_card_to_teams(there: Outsider) -> None:
    receipt = await Teams(Outside([there.place])).send(MESSAGE, to(there, "/flow?sig=secret"))
    assert receipt.provider_id is None
    (call,) = there.taken
    assert call.path == "/flow?sig=secret"
    (attachment,) = call.json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["body"][0]["text"] == MESSAGE.title
    assert attachment["content"]["actions"][0]["url"] == MESSAGE.link


async def test_a_webhook_s_signature_is_verified_by_the_standard_s_own_library(there: Outsider) -> None:
    await Webhooks(Outside([there.place])).send(MESSAGE, to(there, "/hook", SECRET))
    (call,) = there.taken
    assert Webhook(SECRET).verify(call.body.decode(), call.headers)["data"]["kommun"] == "0682"
    assert call.headers["webhook-id"] == "7b6f"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body.decode().replace("0682", "0683"), call.headers)


async def test_ntfy_has_letters_token_priority_and_an_id(there: Outsider) -> None:
    there.answers = [(200, {}, b'{"id": "n1"}')]
    receipt = await Ntfy(Outside([there.place])).send(MESSAGE, to(there, "/hemligt-rum", "tk_1"))
    assert receipt.provider_id == "n1"
    (call,) = there.taken
    assert call.path == "/"
    assert call.headers["authorization"] == "Bearer tk_1"
    assert (call.json["topic"], call.json["title"], call.json["priority"]) == ("hemligt-rum", MESSAGE.title, 3)


@pytest.mark.parametrize("channel", [Teams, Webhooks, Ntfy])
async def test_what_a_place_outside_may_answer(there: Outsider, channel: type[Any]) -> None:
    sender, address = channel(Outside([there.place], timeout=0.7)), to(there, "/x", SECRET)
    there.stall_seconds = 1.5
    for answer, unsure in (((503, {}, b""), False), ((429, {"Retry-After": "9"}, b""), False), ("hang up", True),
                           ("stall", True)):  # fmt: skip
        there.answers = [answer]
        with pytest.raises(Delayed) as delayed:
            await sender.send(MESSAGE, address)
        assert delayed.value.unsure is unsure, answer
    for status in (400, 404, 410, 302):
        there.answers = [(status, {"Location": "http://127.0.0.1/"}, b"")]
        with pytest.raises(Permanent):
            await sender.send(MESSAGE, address)
    there.answers = [(200, {}, b"x" * 10_000_000)]
    await sender.send(MESSAGE, address)


@pytest.mark.parametrize(
    "address",
    [
        "http://exempel.se/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.8/x",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a00:8::1]/",
        "https://[::ffff:0:a00:8]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://user:secret@1.1.1.1/",
        "file:///etc/passwd",
        "gopher://1.1.1.1/",
        "//x",
        "",
        "https://",
        "https://inte-en-adress.invalid/",
    ],
)
async def test_no_address_leads_inside(address: str) -> None:
    outside = Outside(timeout=1.0)
    with pytest.raises(Refused):
        await outside.check(address)
    with pytest.raises(Refused):
        await outside.post(address, b"", {})
    with pytest.raises(Permanent):
        await Teams(outside).send(MESSAGE, Address(url=address).model_dump_json())


async def test_a_name_that_answers_differently_the_second_time_gains_nothing(
    there: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: the number that was looked at is the number that is called."""
    asked: list[Any] = []

    async def lookup(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        number = "192.0.2.1" if len(asked) > 1 else "1.1.1.1"
        return [(2, 1, 6, "", (number, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    url, host = await Outside()._target("https://rebind.exempel/x")
    assert (str(url), host) == ("https://1.1.1.1/x", "rebind.exempel")
    assert asked == ["rebind.exempel"]


async def test_a_file_is_fetched_up_to_its_limit(there: Outsider) -> None:
    outside = Outside([there.place])
    there.answers = [(200, {}, b"x" * 100), (200, {}, b"x" * 101), (404, {}, b"")]
    assert await outside.fetch(there.url + "/rota.ics", most_bytes=100) == b"x" * 100
    for _ in range(2):
        with pytest.raises(Refused):
            await outside.fetch(there.url + "/rota.ics", most_bytes=100)
    with pytest.raises(Refused, match="no answer"):
        await Outside(["127.0.0.1:9"]).fetch("http://127.0.0.1:9/")


async def test_a_service_of_apprise_is_called_only_where_the_operator_named_it(there: Outsider) -> None:
    where = Address(url=f"json://{there.place}/").model_dump_json()
    with pytest.raises(Permanent) as refused:
        await Apprised(()).send(MESSAGE, where)
    assert refused.value.reason == "scheme_not_allowed"
    assert there.taken == []
    await Apprised(("json",)).send(MESSAGE, where)
    (call,) = there.taken
    assert call.json["title"] == MESSAGE.title
    assert MESSAGE.link in call.json["message"]
    there.answers = [(500, {}, b"")]
    with pytest.raises(Delayed) as later:
        await Apprised(("json",)).send(MESSAGE, where)
    assert later.value.unsure, "Apprise does not say whether it was taken"
    several = Address(url=f"json://{there.place}/, xml://{there.place}/xml").model_dump_json()
    there.taken.clear()
    with suppress(Permanent, Delayed):
        await Apprised(("json",)).send(MESSAGE, several)
    assert all(b"<" not in call.body for call in there.taken), "one address names one service"
    with pytest.raises(Permanent):
        await Apprised(("nonsense",)).send(MESSAGE, Address(url="nonsense://x").model_dump_json())


async def test_a_service_of_apprise_that_answers_too_late_may_have_taken_it(
    there: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notify.gateways.apprised.PATIENCE_SECONDS", 0.5)
    there.answers = ["stall"]
    with pytest.raises(Delayed) as later:
        await Apprised(("json",)).send(MESSAGE, Address(url=f"json://{there.place}/").model_dump_json())
    assert later.value.unsure
