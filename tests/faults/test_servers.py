"""The servers themselves die, hang or fill up under load; nothing that was answered is lost or counted twice."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local.layout import Layout, pick_port
from deploy.local.up import running
from tests.support.ground import Ground, servers_of_ours
from tests.support.instance import Instance, Tenant, reports, start_instance
from tests.support.tally import Table
from tests.support.wire import Wire

LOAD = 400


@dataclass(frozen=True)
class WiredGround(Ground):
    """A ground that the rooms reach through a wire to each server."""

    sockets: str = ""

    def kafka_as(self, room: str) -> str:
        near, far = (f":{self.layout.ports[name]}" for name in ("kafka_advertised", "kafka"))
        return super().kafka_as(room).replace(far, near)

    def dsn(self, role: str) -> str:
        return super().dsn(role).partition("?")[0] + f"?host={self.sockets}"


class Wired(NamedTuple):
    """An instance, and the wires to its servers by their names."""

    instance: Instance
    wires: dict[str, Wire]


@pytest.fixture(scope="module")
async def wired() -> AsyncIterator[Wired]:
    """An instance whose servers and network these tests may harm."""
    if not await asyncio.to_thread(servers_of_ours):
        pytest.skip("these servers are not ours to kill")
    folder = Path(tempfile.mkdtemp(prefix="lagesbild-test-"))
    sockets = folder / "wire"
    sockets.mkdir()
    layout = Layout.open(folder / "data", pick_port())
    layout.ports["kafka_advertised"] = pick_port(layout.ports.values())
    name = ".s.PGSQL.5432"
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        wires = {
            "kafka": Wire(layout.ports["kafka_advertised"], layout.ports["kafka"]),
            "postgres": Wire(sockets / name, layout.socket_dir / name),
        }
        for wire in wires.values():
            await stack.enter_async_context(wire)
        supervisor = await stack.enter_async_context(running(layout, rooms=False))
        dsn = layout.dsn("postgres", "postgres")
        ground = WiredGround("wired", layout.kafka, dsn, layout, None, supervisor, sockets=str(sockets))
        yield Wired(await stack.enter_async_context(start_instance(ground)), wires)


@pytest.fixture
def standing(wired: Wired) -> Instance:
    """The instance alone."""
    return wired.instance


def _pid(instance: Instance, server: str) -> int:
    assert instance.ground.supervisor is not None
    return instance.ground.supervisor.pids()[server]


async def _struck(
    instance: Instance, kommun: str, table: Table, name: str, strike: Callable[[], Awaitable[None]]
) -> None:
    """Load for about fifteen seconds; the fault strikes after three."""
    began = time.monotonic()
    tenant: Tenant = await instance.tenant(kommun)

    async def later() -> None:
        await asyncio.sleep(3)
        await strike()

    await asyncio.gather(later(), tenant.load(reports(LOAD, "s"), senders=4, pause=0.1))
    await table.tally(name, tenant, LOAD, began, patience=180)


SIGNALS = {
    ("kafka",): (signal.SIGTERM, signal.SIGKILL),
    ("postgres",): (signal.SIGINT, signal.SIGKILL),
    ("kafka", "postgres"): (signal.SIGKILL,),
}
STRIKES = [
    pytest.param(
        servers,
        number,
        id=f"{'-and-'.join(servers)}-{number.name}",
        marks=[pytest.mark.core] if (servers, number) == (("kafka",), signal.SIGKILL) else [],
    )
    for servers, numbers in SIGNALS.items()
    for number in numbers
]


@pytest.mark.parametrize(("servers", "number"), STRIKES)
async def test_a_server_dies_and_is_started_again(
    standing: Instance, kommun: str, table: Table, servers: tuple[str, ...], number: signal.Signals
) -> None:
    async def strike() -> None:
        for server in servers:
            os.kill(_pid(standing, server), number)

    await _struck(standing, kommun, table, f"{number.name} of {' and '.join(servers)} under load", strike)


@pytest.mark.parametrize("servers", [("kafka",), ("postgres",), ("kafka", "postgres")], ids="-and-".join)
async def test_twenty_seconds_of_no_network(wired: Wired, kommun: str, table: Table, servers: tuple[str, ...]) -> None:
    async def strike() -> None:
        await asyncio.gather(*(wired.wires[server].cut(20.0) for server in servers))

    await _struck(wired.instance, kommun, table, f"20 s of no network to {' and '.join(servers)}", strike)


@asynccontextmanager
async def _small_disk(server: str, megabytes: int) -> AsyncIterator[Ground]:
    """A ground whose one server lives on a disk of its own, which the test may fill."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root")
    folder = Path(shutil.os.path.realpath(f"/tmp/lagesbild-disk-{os.getpid()}-{server}"))  # type: ignore[attr-defined]  # noqa: S108
    mounted = folder / server
    mounted.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(mounted)]
    if subprocess.run(command, check=False).returncode:  # noqa: ASYNC221 - done in a moment
        pytest.skip("this machine lets nobody mount a disk")
    try:
        layout = Layout.open(folder, pick_port())
        async with running(layout, rooms=False) as supervisor:
            yield Ground("small disk", layout.kafka, layout.dsn("postgres", "postgres"), layout, None, supervisor)
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=False)  # noqa: ASYNC221 - done in a moment
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("server", "megabytes"), [("kafka", 400), ("postgres", 1500)])
async def test_a_disk_fills_up_and_is_emptied(kommun: str, table: Table, server: str, megabytes: int) -> None:
    async with _small_disk(server, megabytes) as ground, start_instance(ground) as instance:
        filler = ground.layout.data / server / "filler"

        async def strike() -> None:
            with suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(b"x" * 65_536)
                    file.flush()
            await asyncio.sleep(12)
            filler.unlink()

        await _struck(instance, kommun, table, f"disk full at {server} for 12 s", strike)
        log = (ground.layout.data / "logs" / f"{server}.log").read_text("utf-8", "replace")
        assert "No space left on device" in log, "the disk was never full"
