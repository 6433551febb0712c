"""Every topic that the voice reads, from its first record: nobody is told anything again."""

import time
from typing import Any

import asyncpg

from tests.support.instance import Instance, Tenant, eventually, follower, reports
from tests.support.tally import Table
from tests.support.voice import now_case, publish

SERIOUS = 20


async def _positions(instance: Instance) -> dict[tuple[str, str, int], int]:
    rows = await instance.sql("select consumer, topic, partition, next_offset from positions", room="notify")
    return {(r["consumer"], r["topic"], r["partition"]): r["next_offset"] for r in rows}


async def _replayed(instance: Instance, *, emptied: bool, extra: dict[str, str]) -> None:
    """The working process begins at the first record of each topic, with its ledger or without."""
    before = await _positions(instance)
    await instance.supervisor.stop_one("notify work")
    connection = await asyncpg.connect(instance.ground.layout.dsn("postgres", "lagesbild"))
    try:
        await connection.execute("update notify.positions set next_offset = 0, last_record = null")
        if emptied:
            await connection.execute(
                "truncate notify.notices, notify.alerts, notify.deliveries, notify.attempts, notify.due"
            )
    finally:
        await connection.close()
    await instance.supervisor.start(instance.program("notify", "work", extra))

    async def caught_up() -> bool:
        now = await _positions(instance)
        return all(now[key] >= offset for key, offset in before.items())

    await eventually(caught_up, "everything is read again", within=400)

    async def settled() -> bool:
        rows = await instance.sql(
            "select 1 from due where what in ('route', 'send') and at <= now() limit 1", room="notify"
        )
        return not rows

    await eventually(settled, "nothing waits to be routed or sent", within=400)


async def _sent(instance: Instance, tenant: Tenant) -> int:
    rows: Any = await instance.sql(
        "select count(*) as n from deliveries where kommun = $1 and state = 'sent' and kind = 'report'",
        tenant.kommun, kommun=tenant.kommun, room="notify",
    )  # fmt: skip
    return int(rows[0]["n"])


async def test_a_full_replay_tells_nobody_also_without_the_ledger(
    instance: Instance, kommun: str, table: Table
) -> None:
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    await follower(tenant, min_severity=4)
    await tenant.load([r | {"severity": 4} for r in reports(SERIOUS, "replay")])
    await publish(instance, [now_case(kommun)])

    async def told() -> bool:
        return await _sent(instance, tenant) >= SERIOUS

    await eventually(told, "the follower is told of each")
    once, mails = await _sent(instance, tenant), instance.mails()
    await _replayed(instance, emptied=False, extra={})
    assert instance.mails() == mails
    # Gallring empties no ledger younger than the deadline: here the deadline is two seconds instead of a day.
    await _replayed(instance, emptied=True, extra={"LAGESBILD_ALERT_DEADLINE_HOURS": "0.0005"})

    async def judged() -> bool:
        """A notice that is to be gathered with others is routed a little later, and is new until then."""
        new = "select 1 from notices where kommun = $1 and kind = 'report' and state = 'new' limit 1"
        return not await instance.sql(new, kommun, kommun=kommun, room="notify")

    await eventually(judged, "every notice is judged", within=400)
    again = instance.mails()
    rows = await instance.sql(
        "select state, reason, count(*) as n from notices where kommun = $1 and kind = 'report' group by 1, 2",
        kommun, kommun=kommun, room="notify",
    )  # fmt: skip
    assert [(r["state"], r["reason"]) for r in rows] == [("expired", "past_deadline")]
    await instance.restart_with("notify", "work", {})
    table.add("every topic read again by the voice, with and without its ledger", sent=SERIOUS, counted=rows[0]["n"],
              lost=SERIOUS - once, doubled=len(again) - len(mails), began=began)  # fmt: skip
    assert again == mails
