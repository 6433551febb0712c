"""Two instances on one machine keep to themselves; two replicas of every room on one broker share the work."""

import asyncio
import re
from pathlib import Path
from typing import Any

from deploy.local.layout import pick_port
from deploy.local.up import PROCESSES
from tests.integration.test_operation import cli, total, up
from tests.support.http import asking
from tests.support.instance import Instance, eventually, reports


async def _town(data: Path, port: int, kommun: str) -> dict[str, str]:
    await cli("municipality", "create", kommun, "--data", str(data))
    key = await cli(
        "key", "create", kommun, "--system", "Prov", "--organisation", "Prov", "--scope", "reports:write",
        "--scope", "counts:read", "--json", "--data", str(data),
    )  # fmt: skip
    return {"Authorization": f"Bearer {re.search(r'lb_[A-Za-z0-9_-]+', key).group()}"}  # type: ignore[union-attr]


async def test_two_instances_on_one_machine(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    ports = [pick_port()]
    ports.append(pick_port(ports))
    async with up(first, ports[0]), up(second, ports[1]):
        counted = []
        for data, port, kommun, count in ((first, ports[0], "0682", 3), (second, ports[1], "0680", 5)):
            headers = await _town(data, port, kommun)
            async with asking(f"http://127.0.0.1:{port}") as http:
                for report in reports(count):
                    assert (await http.post("/v1/reports", json=report, headers=headers)).status_code == 201

                async def all_there(http: Any = http, headers: Any = headers, count: int = count) -> bool:
                    return await total(http, headers) == count

                await eventually(all_there, f"{count} reports in {data.name}")
                counted.append((data, port, headers, count))
        async with asking(f"http://127.0.0.1:{ports[1]}") as http:
            theirs = counted[0][2]
            assert (await http.post("/v1/reports", json=reports(1)[0], headers=theirs)).status_code == 401


async def test_two_replicas_of_every_room_share_the_work(instance: Instance, kommun: str) -> None:
    programs = [
        instance.program(room, process, {"LAGESBILD_PORT": str(instance.spare_port())}, suffix=" two")
        for room, process in PROCESSES
    ]
    ports = {p.name: p.env["LAGESBILD_PORT"] for p in programs}
    await instance.supervisor.start(*programs)
    try:
        tenants = [await instance.tenant(kommun), *[await instance.tenant(f"{7000 + i}") for i in range(11)]]
        door = f"http://127.0.0.1:{ports['ingest serve two']}"
        await asyncio.gather(*(t.load(reports(50, "pair"), senders=2) for t in tenants[:6]))
        instance.url, own = door, instance.url
        await asyncio.gather(*(t.load(reports(50, "pair"), senders=2) for t in tenants[6:]))
        instance.url = own
        more = 0

        async def take_part() -> bool:
            """Whether every second replica has applied something; more reports for those that were slow to join."""
            nonlocal more
            for room in ("geo", "analysis", "notify"):
                async with asking() as http:
                    metrics = (await http.get(f"http://127.0.0.1:{ports[f'{room} work two']}/metrics")).text
                applied = re.search(rf'est_records_total{{consumer="{room}.reports",outcome="applied"}} (\d+)', metrics)
                if applied is None or int(applied.group(1)) == 0:
                    more += 1
                    await asyncio.gather(*(t.load(reports(1, f"more{more}"), senders=1) for t in tenants))
                    return False
            return True

        await eventually(take_part, "the second of every room takes its part")
        for tenant in tenants:
            tally = await tenant.tally(50 + more)
            assert (tally["sent"], tally["counted"], tally["lost"], tally["doubled"]) == (50 + more, 50 + more, 0, 0)
    finally:
        for program in programs:
            await instance.supervisor.stop_one(program.name)
