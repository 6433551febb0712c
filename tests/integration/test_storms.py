"""Storms: very much at once, a way out that is down meanwhile. Few messages a person, the grave first, nothing lost."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from schemas.locations import PlaceRef
from services.notify.domain.notices import of_report
from services.notify.gateways.channel import Delayed
from services.notify.store import queue
from tests.integration.test_voice import crew
from tests.support.facts import located
from tests.support.http import asking
from tests.support.instance import Instance
from tests.support.notices import report
from tests.support.voice import never_quiet, now_case, somebody, voice


async def _states(instance: Instance, kommun: str) -> dict[tuple[UUID, str], int]:
    """(person, state) → how many entries of the ledger."""
    query = "select person_id, state, count(*) as n from deliveries where kommun = $1 group by 1, 2"
    rows = await instance.sql(query, kommun, kommun=kommun, room="notify")
    return {(r["person_id"], r["state"]): r["n"] for r in rows}


async def test_ten_thousand_changes_are_a_few_messages_and_none_is_lost(instance: Instance, kommun: str) -> None:
    _, analyst, member = await crew(instance, kommun)
    async with voice(instance) as parts:
        for start in range(0, 10_000, 2_000):
            cases = [now_case(kommun, number=f"2026-{start + i}") for i in range(2_000)]
            await parts.enter(*cases)
            await parts.router.route_some()
            await parts.sender.send_one()
        await parts.settle()
        per_person = {p.email: [m for a, m in parts.channels["mail"].sent if a == p.email] for p in (analyst, member)}
        assert all(1 <= len(messages) <= 12 for messages in per_person.values()), {
            k: len(v) for k, v in per_person.items()
        }
        assert await _states(instance, kommun) == {
            (analyst.ident, "sent"): 10_000,
            (member.ident, "sent"): 10_000,
        }
        assert "finns på sidan Larm" in per_person[analyst.email][-1].text


async def test_a_storm_reaches_a_dozen_by_every_way_that_rules_name_them_and_each_gets_few_messages(
    instance: Instance, kommun: str
) -> None:
    """By role, by group, twice named, and by what they follow; nobody's share is used up by another's."""
    admin, *told = await crew(instance, kommun)
    told += [await somebody(instance, kommun, "analytiker") for _ in range(3)]
    told += [await somebody(instance, kommun, "est_medlem") for _ in range(3)]
    group = [await somebody(instance, kommun, "administrator") for _ in range(2)]
    follower = await somebody(instance, kommun, "administrator")
    case = {"match": {"kinds": ["case"]}, "how": "at_once", "go_on": True}
    rules = [
        case | {"name": "alla", "label": "Alla", "to": [{"role": "analytiker"}, {"role": "est_medlem"}]},
        case | {"name": "grupp", "label": "Grupp", "to": [{"group": "vakt"}, {"person": str(told[0].ident)}]},
    ]
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "how": "never", "routes": rules}
    await never_quiet(instance, admin, root=root, groups={"vakt": [str(p.ident) for p in group]})
    async with asking(instance.ground.layout.url("notify_serve"), headers=follower.bearer) as http:
        assert (await http.post("/v1/subscriptions", json={"min_severity": 1})).status_code == 201
    async with voice(instance) as parts:
        await parts.roll.refresh(kommun)
        for start in range(0, 1_500, 250):
            await parts.enter(*(now_case(kommun, number=f"2026-{start + i}") for i in range(250)))
            await parts.router.route_some()
            await parts.sender.send_one()
        await parts.settle()
        sent = Counter(address for address, _ in parts.channels["mail"].sent)
    everybody = [*told, *group, follower]
    assert set(sent) == {p.email for p in everybody}
    assert max(sent.values()) <= 12, sent
    assert await _states(instance, kommun) == {(p.ident, "sent"): 1_500 for p in everybody}


async def test_a_signal_that_goes_on_holds_reports_back_but_for_who_asks_for_a_square_of_their_own(
    instance: Instance, kommun: str
) -> None:
    _, analyst, member = await crew(instance, kommun, holds=[{"by": "case", "kind": "report"}])
    square = PlaceRef(place_id=uuid4(), version="1")
    async with asking(instance.ground.layout.url("notify_serve")) as http:
        for person, where in ((analyst, {}), (member, {"layer": "_place", "area": str(square.place_id)})):
            body = {"min_severity": 1, "types": ["A1"], **where}
            answer = await http.post("/v1/subscriptions", json=body, headers=person.bearer)
            assert answer.status_code == 201, answer.text
    times: dict[str, Any] = dict.fromkeys(("received_at", "minted_at", "time_from", "time_to"), datetime.now(UTC))
    found = located(9, kommun=kommun, severity=2, **times)
    placed = found.placement.model_copy(update={"places": (square,)})
    notice = of_report(found.model_copy(update={"placement": placed}), "c")
    assert notice is not None
    async with voice(instance) as parts:
        await parts.enter(now_case(kommun, area=found.placement.areas[0]))
        await parts.settle()
        parts.channels["mail"].sent.clear()
        await parts.enter(notice)
        await parts.settle()
        assert [a for a, _ in parts.channels["mail"].sent] == [member.email]


async def test_two_senders_at_one_moment_do_not_both_take_the_last_of_the_hour(instance: Instance, kommun: str) -> None:
    """Each holds its transaction open while the other looks, as two processes do."""
    _, analyst, _ = await crew(instance, kommun)
    async with voice(instance, messages_per_hour=1) as parts:
        for number in ("2026-1", "2026-2"):
            await parts.enter(now_case(kommun, number=number))
            await parts.router.route_some()
        rows = await instance.sql(
            "select delivery_id from deliveries where kommun = $1 and person_id = $2",
            kommun, analyst.ident, kommun=kommun, room="notify",
        )  # fmt: skip
        async with parts.database.transaction() as connection:
            while await queue.claim_message(connection, 60, 1) is not None:
                continue
        begun, made = asyncio.Event(), []

        async def look(ident: UUID) -> None:
            async with parts.database.transaction((kommun,)) as connection:
                made.append(await parts.sender._preparing.prepare(connection, kommun, [ident]))
                begun.set()
                await asyncio.sleep(1)

        first = asyncio.create_task(look(rows[0]["delivery_id"]))
        await begun.wait()
        await asyncio.gather(first, look(rows[1]["delivery_id"]))
        assert [parcel is None for parcel in made] == [False, True], "the second waits for the next hour"


async def test_a_storm_while_the_mail_server_is_down_comes_afterwards_as_one_message_that_begins_with_the_grave(
    instance: Instance, kommun: str
) -> None:
    _, analyst, member = await crew(instance, kommun)
    async with voice(instance) as parts:
        mail = parts.channels["mail"]
        mail.troubles = [Delayed("421 not now") for _ in range(100_000)]
        for quarter in range(8):
            parts.ahead = timedelta(minutes=15 * quarter)
            await parts.enter(*(now_case(kommun, number=f"2026-{quarter}-{i}") for i in range(250)))
            if quarter == 4:
                now = datetime.now(UTC)
                times = dict.fromkeys(("received_at", "minted_at", "time_from", "time_to"), now)
                await parts.enter(report(1, severity=4, kommun=kommun, **times))
            await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
            parts.sender.pauses.forget()
            await parts.settle()
        tries = 100_000 - len(mail.troubles)
        assert 8 <= tries <= 200, "the server is asked again and again, but not once for every message"
        assert mail.sent == []
        mail.troubles.clear()
        parts.ahead = timedelta(hours=2)
        parts.sender.pauses.forget()
        await instance.sql("update due set at = now() where kommun = $1", kommun, room="notify")
        await parts.settle()
        messages = {p.email: [m for a, m in mail.sent if a == p.email] for p in (analyst, member)}
        assert {who: len(said) <= 3 for who, said in messages.items()} == {analyst.email: True, member.email: True}
        assert messages[analyst.email][0].urgent
        assert await _states(instance, kommun) == {
            (analyst.ident, "sent"): 2_001,
            (member.ident, "sent"): 2_000,
        }
