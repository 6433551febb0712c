"""A way out that has died is seen in time: a test every month, a warning and a metric after thirty-five days."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notify.gateways.channel import Delayed
from services.notify.handlers.proving import Proving
from services.notify.handlers.receiving import take_receipt
from services.notify.metrics import LOST, UNPROVEN
from services.notify.store import plans
from services.runtime.sealing import Sealer
from tests.integration.test_voice import crew
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.voice import Voice, now_case, numbered, reaching, voice


async def _month(parts: Voice, proving: Proving, kommun: str, *mine: str) -> set[tuple[str, str]]:
    """What goes out on the first of a month: (channel, receiver), to these addresses; other tests' mail goes on."""
    for channel in parts.channels.values():
        channel.sent.clear()
    effect = await proving.task().work(kommun, datetime.now(UTC))
    async with parts.database.transaction((kommun,)) as connection:
        await effect(connection)
    await asyncio.sleep(0.3)  # SMS leave a tenth of a second apart: the one before has just gone
    await parts.settle()
    return {(name, address) for name, c in parts.channels.items() for address, _ in c.sent if address in mine}


async def _carried(parts: Voice, kommun: str, channel: str, days_ago: int) -> None:
    async with parts.database.transaction((kommun,)) as connection:
        await plans.proven(connection, kommun, channel, datetime.now(UTC) - timedelta(days=days_ago))


async def test_each_way_that_people_use_is_tried_every_month_by_an_administrator_unless_it_was_used(
    instance: Instance, kommun: str
) -> None:
    admin, _, _ = await crew(instance, kommun)
    async with voice(instance) as parts:
        proving, number = Proving(parts.database, sms=True), f"+4670{uuid4().int % 10**7:07d}"
        await parts.roll.refresh(kommun)
        assert await _month(parts, proving, kommun, admin.email, number) == {("mail", admin.email)}, (
            "nobody has a number yet"
        )
        await numbered(instance, kommun, admin.ident, phone=number)
        assert await _month(parts, proving, kommun, admin.email, number) == {("sms", number)}, (
            "mail was proved just now"
        )
        await _carried(parts, kommun, "mail", 20)
        await _carried(parts, kommun, "sms", 20)
        assert await _month(parts, proving, kommun, admin.email, number) == {("mail", admin.email), ("sms", number)}
        await numbered(instance, kommun, admin.ident, phone=number, off=True)
        await _carried(parts, kommun, "mail", 20)
        assert await _month(parts, proving, kommun, admin.email, number) == set(), (
            "nobody who wants no messages is sent tests"
        )


async def test_what_has_carried_nothing_for_long_is_counted_for_the_operator(instance: Instance, kommun: str) -> None:
    await crew(instance, kommun)
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        proving = Proving(parts.database, sms=True)

        async def unproven() -> float:
            await proving.measure()
            return float(UNPROVEN.labels("mail")._value.get())

        await _carried(parts, kommun, "mail", 36)
        before = await unproven()
        await _carried(parts, kommun, "mail", 34)
        assert await unproven() == before - 1


async def test_a_message_that_became_too_old_is_counted_as_lost(instance: Instance, kommun: str) -> None:
    await crew(instance, kommun)
    async with voice(instance) as parts:
        before = LOST.labels("expired")._value.get()
        await parts.enter(now_case(kommun))
        await parts.router.route_some()
        await instance.sql("update deliveries set deadline = now() - interval '1 hour' where kommun = $1", kommun,
                           kommun=kommun, room="notify")  # fmt: skip
        await parts.settle()
        assert LOST.labels("expired")._value.get() == before + 2
        assert parts.channels["mail"].sent == []


async def test_a_code_that_ran_out_is_no_message_that_was_lost(instance: Instance, kommun: str) -> None:
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance) as parts, reaching(instance) as ends:
        before = {why: LOST.labels(why)._value.get() for why in ("expired", "code")}
        assert await ends.ask_number(kommun, analyst.ident, "+46701234567")
        await instance.sql("update deliveries set deadline = now() - interval '1 minute' where kommun = $1", kommun,
                           kommun=kommun, room="notify")  # fmt: skip
        await parts.settle()
        assert {why: LOST.labels(why)._value.get() - n for why, n in before.items()} == {"expired": 0, "code": 1}
        assert parts.channels["sms"].sent == []


async def test_a_department_s_mailbox_that_nobody_is_behind_is_not_proven(instance: Instance, kommun: str) -> None:
    """The server takes the monthly test; what comes back a moment later says that it never arrived."""
    admin, _, _ = await crew(instance, kommun)
    box = f"park-{kommun}@exempel.invalid"
    async with asking(instance.ground.layout.url("notify_serve"), headers=admin.bearer) as http:
        made = await http.post("/v1/destinations", json={"kind": "mail", "label": "Park", "url": box})
        ident = UUID(made.json()["destination_id"])

        async def health() -> dict[str, Any]:
            return next(d for d in (await http.get("/v1/destinations")).json() if d["destination_id"] == str(ident))

        async with voice(instance) as parts:
            parts.sender._composing._sealer = Sealer(instance.ground.layout.secrets["seal"])
            assert ("mail", box) in await _month(parts, Proving(parts.database), kommun, box)
            assert (await health())["proven_at"] is not None
            query = "select delivery_id, message_id from deliveries where kommun = $1 and person_id = $2"
            (sent,) = await instance.sql(query, kommun, ident, kommun=kommun, room="notify")
            about = {"delivery": sent["delivery_id"], "provider_id": sent["message_id"], "channel": "mail"}
            assert await take_receipt(parts.database, kommun, status="failed", **about)
            found = await health()
            assert (found["proven_at"], found["error"]) == (None, "undelivered")
            parts.channels["mail"].troubles = [Delayed("452 full", receiver=True)]
            await _carried(parts, kommun, str(ident), 2)
            assert await _month(parts, Proving(parts.database), kommun, box) == set()
            assert (await health())["error"] == "452 full", "a place that is full is one that does not work"
