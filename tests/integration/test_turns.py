"""No provider is pressed: what a channel is given a second is shared by every process, and urgent ones go first."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify.domain.routing import REPORTED, Receiver
from services.notify.handlers.telling import announce, single
from services.notify.store.turns import turn
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.integration.test_voice import crew
from tests.support.instance import Instance
from tests.support.voice import now_case, numbered, somebody, voice

RATE = 0.01
"""One in a hundred seconds: what the machine does meanwhile is small beside it."""
GAP = 1 / RATE
EMPTY = "update turns set free_at = now(), urgent_at = now() where channel = 'sms'"
"""What other tests send by SMS waits for nobody."""


async def _entered(instance: Instance, kommun: str, count: int) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await instance.sql(
        "insert into due (id, kommun, at, what)"
        " select i, $1, now() + interval '1 day', 'send' from unnest($2::uuid[]) i",
        kommun, ids, room="notify",
    )  # fmt: skip
    return ids


async def test_two_processes_share_what_a_channel_takes(instance: Instance, kommun: str) -> None:
    url, channel = instance.ground.database_url(work_role("notify")), f"sms-{uuid4()}"
    one, other = Database(url, pool_size=1), Database(url, pool_size=1)
    first, *rest = await _entered(instance, kommun, 5)

    async def ask(database: Database, *ids: UUID, urgent: bool = False) -> float:
        async with database.transaction() as connection:
            left = await turn(connection, channel, ids, RATE, urgent=urgent, patience=1e9)
        assert left is not None
        return left

    async def impatient(who: UUID, *, urgent: bool = False) -> float | None:
        async with other.transaction() as connection:
            return await turn(connection, channel, [who], RATE, urgent=urgent, patience=1.5 * GAP)

    try:
        assert await ask(one, first) == 0
        waits = await asyncio.gather(
            *(ask(database, who) for database, who in zip([one, other] * 2, rest, strict=True))
        )
        assert sorted(waits) == pytest.approx([GAP, 2 * GAP, 3 * GAP, 4 * GAP], abs=20)
        places = dict(zip(rest, waits, strict=True))
        for who, wait in places.items():
            assert await ask(other, who) == pytest.approx(wait, abs=20), "asking again gives no later place"
        late, grave, graver = await _entered(instance, kommun, 3)
        assert await ask(one, grave, urgent=True) == 0, "the urgent ones' line is empty"
        assert await ask(other, graver, urgent=True) == pytest.approx(GAP, abs=20), "and is a line, too"
        (gives_up,) = await _entered(instance, kommun, 1)
        assert await impatient(gives_up) is None, "so long a line is no way"
        assert await ask(one, late) == pytest.approx(7 * GAP, abs=20), "the others wait for both, nobody took a place"
        soon = min(places, key=lambda who: places[who])
        await instance.sql("update due set turn = now() where id = $1", soon, room="notify")
        assert await ask(one, soon) == 0
        assert await ask(one, soon) > GAP, "a turn is used once"
        await instance.sql("update due set turn = now() - interval '2 minutes' where id = $1", late, room="notify")
        assert await ask(one, late) > 7 * GAP, "one that nobody took is given anew"
        await instance.sql(
            "update turns set free_at = now() - interval '1 hour' where channel = $1", channel, room="notify"
        )
        assert [await ask(one, who) for who in await _entered(instance, kommun, 2)] == [
            0, pytest.approx(GAP, abs=20)
        ], "what nobody used is not saved up"  # fmt: skip
    finally:
        await one.close()
        await other.close()
        await instance.sql("delete from due where kommun = $1", kommun, room="notify")


async def test_who_has_to_wait_for_an_sms_gets_it_when_the_turn_comes(instance: Instance, kommun: str) -> None:
    rule: dict[str, Any] = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once"}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [rule | {"urgent": False}]}
    _, analyst, _ = await crew(instance, kommun, root=root)
    second = await somebody(instance, kommun, "analytiker")
    for number, person in enumerate((analyst, second)):
        phone = f"+4670123456{number}"
        await numbered(instance, kommun, person.ident, phone=phone, usual="sms")
    async with voice(instance, most_per_second={"sms": RATE}) as parts:
        await parts.enter(now_case(kommun))
        await parts.settle()
        sms = parts.channels["sms"]
        query = "select at - now() as left, turn from due where kommun = $1 and what = 'send'"
        waiting = await instance.sql(query, kommun, room="notify")
        assert len(sms.sent) + len(waiting) == 2
        assert all(timedelta() < row["left"] and row["turn"] is not None for row in waiting)
        await instance.sql(
            "update due set at = now(), turn = now() where kommun = $1 and what = 'send'", kommun, room="notify"
        )
        await parts.settle()
        assert sorted(a for a, _ in sms.sent) == ["+46701234560", "+46701234561"]
        assert parts.channels["mail"].sent == [], "to wait for one's turn is no reason for another way"
    await instance.sql("update turns set free_at = now() where channel = 'sms'", room="notify")  # others send them, too


async def test_what_comes_meanwhile_goes_with_what_waits_and_what_becomes_urgent_does_not_wait_for_it(
    instance: Instance, kommun: str
) -> None:
    """One message has one turn; a place in the ordinary line is none in the urgent one."""
    rule: dict[str, Any] = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once"}
    grave = rule | {"name": "grav", "label": "Grav", "match": {"types": ["B1"]}, "urgent": True}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [grave, rule]}
    _, analyst, _ = await crew(instance, kommun, root=root)
    await numbered(instance, kommun, analyst.ident, phone="+46701234567", usual="sms", urgent="sms")
    async with voice(instance, most_per_second={"sms": RATE}, most_in_one=100) as parts:
        sms, mail = parts.channels["sms"], parts.channels["mail"]
        try:
            for number in range(3):
                await parts.enter(now_case(kommun, number=f"2026-{number}"))
                await parts.settle()
            assert len(sms.sent) == 1, "the others wait for a turn"
            turns = await instance.sql("select distinct turn from due where kommun = $1 and what = 'send'", kommun,
                                       room="notify")  # fmt: skip
            assert len(turns) == 1, "together, in one message"
            await parts.enter(now_case(kommun, event_type="B1"))
            await parts.settle()
            assert len(sms.sent) == 2, "the urgent ones' line is empty: at once, and what waited goes with it"
            assert await _waiting(instance, kommun) == []
            for number in range(6):
                await parts.enter(now_case(kommun, event_type="B1", number=f"2026-9{number}"))
                await parts.settle()
            assert mail.sent == [], "a hundred seconds are no reason for another way"
            line = "update turns set urgent_at = now() + interval '10 minutes' where channel = 'sms'"
            await instance.sql(line, room="notify")
            await instance.sql("update due set turn = null, at = now() where kommun = $1", kommun, room="notify")
            await parts.settle()
            assert [a for a, _ in mail.sent] == [analyst.email], "a line longer than a way is tried for is"
        finally:
            await instance.sql(EMPTY, room="notify")


async def test_what_may_not_go_together_waits_each_for_its_own_turn(instance: Instance, kommun: str) -> None:
    """Word to a reporter and a signal for the same person, one line: neither wakes the other up."""
    rule: dict[str, Any] = {"name": "signal", "label": "Signal", "match": {"kinds": ["case"]}, "how": "at_once"}
    root = {"name": "rot", "label": "Rot", "to": [{"role": "analytiker"}], "routes": [rule]}
    _, analyst, _ = await crew(instance, kommun, root=root)
    await numbered(instance, kommun, analyst.ident, phone="+46701234567", usual="sms")
    await instance.sql("update turns set free_at = now() + interval '50 seconds' where channel = 'sms'", room="notify")
    async with voice(instance, most_per_second={"sms": RATE}, most_in_one=100) as parts:
        try:
            await parts.enter(now_case(kommun))
            await parts.router.route_some()
            now = datetime.now(UTC)
            own = single(kommun, uuid4(), "feedback", {"number": "2026:48", "kinds": {"A1": 2}}, rule=REPORTED,
                         subject_id=uuid4(), now=now)  # fmt: skip
            async with parts.database.transaction((kommun,)) as connection:
                to = [(Receiver("person", analyst.ident), (REPORTED,))]
                await announce(connection, own, to, at=now, reason="feedback", kept_for=timedelta(days=1))
            handed = [await parts.sender.send_one() for _ in range(6)]
            assert handed == [True, True, False, False, False, False], "each is looked at once, then it waits"
            rows = await instance.sql("select at, turn from due where kommun = $1 and what = 'send'", kommun,
                                      room="notify")  # fmt: skip
            assert len({row["turn"] for row in rows}) == 2
            assert all(abs(row["at"] - row["turn"]) < timedelta(seconds=2) for row in rows)
        finally:
            await instance.sql(EMPTY, room="notify")


async def _waiting(instance: Instance, kommun: str) -> list[Any]:
    return await instance.sql("select id from due where kommun = $1 and what = 'send'", kommun, room="notify")
