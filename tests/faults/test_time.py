"""Clocks that jump, a consumer slower than Kafka's patience, and consumers that come and go for minutes."""

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.instance import Instance, reports
from tests.support.tally import Table


def _faketime() -> str | None:
    """The library that shifts a process' clock; fetched on a fresh Debian machine as the browser is."""
    found = next(Path("/usr/lib").rglob("libfaketime.so.1"), None)
    if found is None and shutil.which("apt-get") and sys.platform == "linux":
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "faketime"]):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = next(Path("/usr/lib").rglob("libfaketime.so.1"), None)
    return None if found is None else str(found)


async def test_clocks_jump(instance: Instance, kommun: str, table: Table) -> None:
    """The door's clock falls back two hours, geo's leaps ahead a day, while reports and corrections flow."""
    library = _faketime()
    if library is None:
        pytest.skip("faketime is missing; on Debian: apt-get install faketime")
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


async def test_a_consumer_slower_than_the_poll_interval(instance: Instance, kommun: str, table: Table) -> None:
    """Thrown out of its group in mid-batch: another takes over, the late one loses the comparison."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    slow = {"LAGESBILD_MAX_POLL_INTERVAL_MS": "7000"}
    await instance.restart_with("analysis", "work", slow)
    second = instance.program("analysis", "work", slow | {"LAGESBILD_PORT": str(instance.spare_port())}, suffix=" two")
    await instance.supervisor.start(second)
    load = asyncio.create_task(tenant.load(reports(300, "slow"), senders=4, pause=0.1))
    await asyncio.sleep(2)
    instance.freeze("analysis work", 10)
    await asyncio.sleep(12)
    await load
    await table.tally("consumer slower than max.poll.interval", tenant, 300, began)
    await instance.supervisor.stop_one(second.name)
    await instance.restart_with("analysis", "work", {})


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
