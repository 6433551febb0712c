"""Clocks that jump, a consumer slower than Kafka's patience, and consumers that come and go for minutes."""

import asyncio
import time
from pathlib import Path

import pytest

from services.runtime.faultpoints import WAIT_SECONDS
from tests.support.instance import Instance, eventually, reports
from tests.support.system_packages import faketime, sentence
from tests.support.tally import Table


async def test_clocks_jump(instance: Instance, kommun: str, table: Table) -> None:
    """The door's clock falls back two hours, geo's leaps ahead a day, while reports and corrections flow."""
    library = faketime()
    if library is None:
        pytest.skip(sentence())
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    await tenant.load(reports(60, "t"), senders=4)

    def clock(shift: str) -> dict[str, str]:
        return {"LD_PRELOAD": library, "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    await instance.restart_with("ingest", "serve", clock("-2h"))
    await instance.restart_with("geo", "work", clock("+1d"))
    corrected = [r | {"source_version": 2, "count": 5} for r in reports(60, "t")]
    await tenant.load([*corrected, *reports(60, "u")], senders=4)
    await instance.restart_with("ingest", "serve", {})
    await instance.restart_with("geo", "work", {})
    await tenant.load(reports(60, "v"), senders=4)
    await table.tally("clocks jump, -2 h and +1 day", tenant, 180, began)
    rows = await instance.sql(
        "select sum(seen / 1000000)::bigint as n from cube join view_state s using (generation) "
        "where s.name = 'cube' and kommun = $1",
        kommun,
        kommun=kommun,
    )
    assert rows[0]["n"] == 60 * 5 + 120, "the corrections won, whatever the clocks said"


async def test_a_consumer_slower_than_the_poll_interval(
    instance: Instance, kommun: str, table: Table, tmp_path: Path
) -> None:
    """Its heart goes on beating, its batch takes longer than Kafka waits: another takes over, the late one loses."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    marker = tmp_path / "reached"
    slow = {
        "LAGESBILD_MAX_POLL_INTERVAL_MS": "7000",
        "LAGESBILD_FAULTPOINT": "boundary.after_effect",
        "LAGESBILD_FAULTFILE": str(marker),
    }
    await instance.restart_with("geo", "work", slow)
    load = asyncio.create_task(tenant.load(reports(300, "slow"), senders=4, pause=0.1))

    async def stuck() -> bool:
        return marker.exists()

    await eventually(stuck, "geo stands still between its effect and its publishing")
    seen = len((instance.ground.layout.data / "logs" / "geo-work.log").read_text("utf-8", "replace"))
    second = instance.program("geo", "work", {"LAGESBILD_PORT": str(instance.spare_port())}, suffix=" two")
    await instance.supervisor.start(second)
    await load
    await table.tally("consumer slower than max.poll.interval", tenant, 300, began)
    assert time.monotonic() - began < WAIT_SECONDS, "the second one did not wait for the first"

    async def lost() -> bool:
        log = (instance.ground.layout.data / "logs" / "geo-work.log").read_text("utf-8", "replace")
        return "position conflict" in log[seen:]

    await eventually(lost, "the late batch is rolled back")
    assert (await tenant.tally(300))["doubled"] == 0
    await instance.supervisor.stop_one(second.name)
    await instance.restart_with("geo", "work", {})


async def test_a_consumer_is_frozen_and_wakes(instance: Instance, kommun: str, table: Table) -> None:
    """Longer than its session lasts, as a machine that sleeps: another takes over meanwhile."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    second = instance.program("analysis", "work", {"LAGESBILD_PORT": str(instance.spare_port())}, suffix=" two")
    await instance.supervisor.start(second)
    load = asyncio.create_task(tenant.load(reports(300, "frozen"), senders=4, pause=0.1))
    await asyncio.sleep(2)
    instance.freeze("analysis work", 10)
    await asyncio.sleep(12)
    await load
    await table.tally("consumer frozen for 10 s", tenant, 300, began)
    await instance.supervisor.stop_one(second.name)


async def test_three_consumers_join_and_leave_for_five_minutes(instance: Instance, kommun: str, table: Table) -> None:
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    stop = asyncio.Event()

    async def come_and_go(number: int) -> int:
        rounds = 0
        while not stop.is_set():
            for room in ("geo", "analysis"):
                port = {"LAGESBILD_PORT": str(instance.spare_port())}
                program = instance.program(room, "work", port, suffix=f" guest {number} {rounds}")
                await instance.supervisor.start(program)
                await asyncio.sleep(3 + 2 * number)
                await instance.supervisor.stop_one(program.name)
            rounds += 1
        return rounds

    guests = [asyncio.create_task(come_and_go(n)) for n in range(3)]
    sent = 0
    while time.monotonic() - began < 300:
        await tenant.load(reports(150, f"m{sent}"), senders=4, pause=0.1)
        sent += 150
    stop.set()
    assert min(await asyncio.gather(*guests)) > 3
    await table.tally("three consumers come and go for 5 min", tenant, sent, began, patience=240)
