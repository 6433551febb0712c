"""SIGKILL in what the voice does besides sending: asking the next, what a provider says, word to reporters.

Each time everybody is told once, and what the other side did not see answered it says again.
"""

import asyncio
import time
from typing import Any

import httpx
import pytest

from services.notify.domain.preferences import Preferences
from services.notify.gateways.outside import Outside
from services.notify.handlers.planning import Planning
from services.notify.store import subscriptions
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from services.runtime.sealing import Sealer
from tests.faults.test_kills import _kill_there, _when_reached
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports
from tests.support.outside import outsider
from tests.support.tally import Table
from tests.support.voice import Somebody, never_quiet, numbered, somebody

COUNT = 5
GRAVE: dict[str, Any] = {
    "name": "grav",
    "label": "Grav",
    "match": {"min_severity": 4},
    "how": "at_once",
    "urgent": True,
}


async def _ruled(instance: Instance, kommun: str, **rule: Any) -> tuple[Tenant, Somebody, Somebody]:
    """A municipality with one rule about grave reports: its sender, an administrator, an EST member."""
    tenant = await instance.tenant(kommun)
    admin = await somebody(instance, kommun, "administrator")
    member = await somebody(instance, kommun, "est_medlem")
    root = {"name": "rot", "label": "Rot", "to": [{"role": "administrator"}], "how": "never", "routes": [GRAVE | rule]}
    await never_quiet(instance, admin, root=root)
    return tenant, admin, member


async def _sent(instance: Instance, kommun: str, count: int, person: Somebody, **only: str) -> None:
    """Wait until this person has been sent so many messages; no more than one about anything."""
    query = """select alert_id, attempts from deliveries where kommun = $1 and person_id = $2 and state = 'sent'
               and (cast($3 as text) is null or reason = $3) and (cast($4 as text) is null or channel = $4)"""
    values = (kommun, person.ident, only.get("reason"), only.get("channel"))

    async def there() -> bool:
        return len(await instance.sql(query, *values, kommun=kommun, room="notify")) >= count

    await eventually(there, f"{count} messages")
    rows = await instance.sql(query, *values, kommun=kommun, room="notify")
    assert len(rows) == len({r["alert_id"] for r in rows}) == count, "each once"


async def _mails(instance: Instance, kommun: str) -> list[str]:
    rows = await instance.sql(
        "select message_id from deliveries where kommun = $1", kommun, kommun=kommun, room="notify"
    )
    own = {r["message_id"] for r in rows}
    return [m for m in instance.mails() if m in own]


@pytest.mark.parametrize("point", ["pursuing.before_commit", "pursuing.after_commit"])
async def test_killing_while_the_next_are_asked(instance: Instance, kommun: str, table: Table, point: str) -> None:
    began = time.monotonic()
    tenant, admin, member = await _ruled(instance, kommun, answer_minutes=60, then=[{"role": "est_medlem"}])
    await tenant.load(reports(COUNT, "next", severity=4), senders=2)
    await table.tally(f"SIGKILL at {point}", tenant, COUNT, began)
    await _sent(instance, kommun, COUNT, admin)
    name, marker = await _kill_there(instance, "notify", "work", point)
    over = "update alerts set answer_by = now() where kommun = $1"
    await instance.sql(over, kommun, kommun=kommun, room="notify")
    await instance.sql("update due set at = now() where kommun = $1 and what = 'pursue'", kommun, room="notify")
    await _when_reached(instance, name, marker)
    await _sent(instance, kommun, COUNT, member, reason="unanswered")
    steps = await instance.sql("select step from alerts where kommun = $1", kommun, kommun=kommun, room="notify")
    assert [r["step"] for r in steps] == [1] * COUNT
    assert len(await _mails(instance, kommun)) == 2 * COUNT
    await instance.restart_with("notify", "work", {})


@pytest.mark.parametrize("point", ["receipt.before_commit", "receipt.after_commit"])
async def test_killing_while_a_provider_says_what_did_not_arrive(
    instance: Instance, kommun: str, table: Table, point: str
) -> None:
    """The provider has no answer and says it again; what did not arrive goes by mail, once."""
    began = time.monotonic()
    tenant, _, member = await _ruled(instance, kommun, to=[{"role": "est_medlem"}])
    await numbered(instance, kommun, member.ident, phone="+46701234567", urgent="sms")
    with outsider() as there:
        there.default = (200, {}, b'{"id": "s1", "status": "created"}')
        providers = f'[{{"url": "{there.url}/sms", "username": "u", "password": "p"}}]'
        await instance.restart_with("notify", "work", {"LAGESBILD_SMS_PROVIDERS": providers})
        await tenant.load(reports(COUNT, "said", severity=4), senders=2)
        await table.tally(f"SIGKILL at {point}", tenant, COUNT, began)
        await _sent(instance, kommun, COUNT, member, channel="sms")
        tokens = [call.form["whendelivered"].partition("?t=")[2] for call in there.taken]
    name, marker = await _kill_there(instance, "notify", "serve", point)
    killing = asyncio.create_task(_when_reached(instance, name, marker))
    async with asking(instance.ground.layout.url("notify_serve"), timeout=10) as http:
        for token in tokens:
            await _surely(http, token)
    await killing
    await _sent(instance, kommun, COUNT, member, channel="mail")
    mails = await _mails(instance, kommun)
    assert len(mails) == len(set(mails)) == COUNT
    query = "select count(*) as n from attempts where kommun = $1 and outcome = 'undelivered'"
    (row,) = await instance.sql(query, kommun, kommun=kommun, room="notify")
    assert row["n"] == COUNT
    await instance.restart_with("notify", "serve", {})
    await instance.restart_with("notify", "work", {})


async def _surely(http: httpx.AsyncClient, token: str) -> None:
    """As the provider does: again until it is answered."""

    async def answered() -> bool:
        try:
            answer = await http.post("/v1/receipts/sms", params={"t": token}, data={"id": "s1", "status": "failed"})
        except httpx.HTTPError:  # the connection breaks: that is what is tried here
            return False
        return bool(answer.status_code == 204)

    await eventually(answered, "the delivery report is taken")


@pytest.mark.parametrize("point", ["thanking.before_commit", "thanking.after_commit"])
async def test_killing_while_reporters_are_given_word(
    instance: Instance, kommun: str, table: Table, point: str
) -> None:
    began = time.monotonic()
    tenant, _, _ = await _ruled(instance, kommun)
    eager = await somebody(instance, kommun, "rapportor")
    serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
    async with serving.transaction((kommun,)) as connection:
        await subscriptions.prefer(connection, kommun, eager.ident, Preferences(feedback="each"))
    await serving.close()
    name, marker = await _kill_there(instance, "notify", "work", point)
    async with asking(instance.url) as http:
        for report in reports(COUNT, "word"):
            answer = await http.post("/v1/reports", json=report, headers=eager.bearer)
            assert answer.status_code == 201, answer.text
            tenant.ledger[report["id"]] = answer.json()
    await _when_reached(instance, name, marker)
    await table.tally(f"SIGKILL at {point}", tenant, COUNT, began)
    await _sent(instance, kommun, COUNT, eager)
    mails = await _mails(instance, kommun)
    assert len(mails) == len(set(mails)) == COUNT
    await instance.restart_with("notify", "work", {})


async def test_killing_between_a_place_outside_that_refuses_and_those_told_instead(
    instance: Instance, kommun: str, table: Table
) -> None:
    """A chat that is gone: it is asked once more after the kill, and people hear of each report once."""
    began = time.monotonic()
    point = "notify.after_refusal"
    with outsider() as there:
        there.default = (404, {}, b"")
        tenant, admin, _ = await _ruled(instance, kommun)
        serving = Database(instance.ground.database_url(serve_role("notify")), pool_size=1)
        sealer = Sealer(instance.ground.layout.secrets["seal"])
        place = await Planning(serving, Outside((there.place,)), sealer).add_place(
            kommun, kind="teams", label="Plats", url=f"{there.url}/x", secret=""
        )
        await serving.close()
        root = {"name": "rot", "label": "Rot", "to": [{"role": "administrator"}], "how": "never",
                "routes": [GRAVE | {"to": [{"destination": str(place)}]}]}  # fmt: skip
        await never_quiet(instance, admin, root=root)
        instance.env["LAGESBILD_OUTSIDE_ALLOWED"] = f'["{there.place}"]'
        try:
            name, marker = await _kill_there(instance, "notify", "work", point)
            await tenant.load(reports(COUNT, "instead", severity=4), senders=2)
            await _when_reached(instance, name, marker)
            await table.tally(f"SIGKILL at {point}", tenant, COUNT, began)
            await _sent(instance, kommun, COUNT, admin)
        finally:
            del instance.env["LAGESBILD_OUTSIDE_ALLOWED"]
            await instance.restart_with("notify", "work", {})
        assert len(there.taken) == COUNT + 1
    mails = await _mails(instance, kommun)
    assert len(mails) == len(set(mails)) == COUNT
