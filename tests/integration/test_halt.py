"""A halt from end to end: the process ends with code 70, says why, and goes on after the operator has looked."""

import json

import asyncpg

from deploy.broker import accept
from services.runtime.migrations import OWNER_ROLE
from tests.support.instance import Instance, eventually, reports

CONSUMER = "notify.reports"


async def test_a_halted_consumer_ends_with_70_and_goes_on_once_the_broker_is_accepted(
    instance: Instance, kommun: str
) -> None:
    owner = instance.ground.dsn(OWNER_ROLE)
    tenant = await instance.tenant(kommun)
    connection = await asyncpg.connect(owner)
    await connection.execute("update notify.positions set cluster_id = 'another' where consumer = $1", CONSUMER)
    await connection.close()
    instance.kill("notify work")

    async def halted() -> bool:
        return any("notify work ended with code 70" in line for line in instance.said)

    await eventually(halted, "the supervisor's word of a halt with code 70")
    log = (instance.ground.layout.data / "logs" / "notify-work.log").read_text()
    halts = [json.loads(line) for line in log.splitlines() if '"event": "halt"' in line]
    assert "another cluster" in halts[-1]["reason"]
    await tenant.load(reports(3, "halt"))
    assert (await tenant.tally(3))["lost"] == 0, "the other rooms go on"
    await accept(owner, instance.ground.kafka, CONSUMER, "keep")

    async def caught_up() -> bool:
        rows = await instance.sql(
            "select sum(next_offset) as n from positions where consumer = $1", CONSUMER, room="notify"
        )
        others = await instance.sql("select sum(next_offset) as n from positions where consumer = 'analysis.reports'")
        return bool(rows[0]["n"] == others[0]["n"])

    await eventually(caught_up, "notify at the end of the log again")
