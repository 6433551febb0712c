"""One command starts everything and stops it clean; with Kafka silent reports are still accepted and pages readable."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deploy.local.layout import pick_port
from tests.support.http import asking
from tests.support.instance import eventually, reports

COMMAND = [sys.executable, "-m", "services.cli"]
ENV = os.environ | {"LAGESBILD_SESSION_TIMEOUT_MS": "6000", "LAGESBILD_HEARTBEAT_INTERVAL_MS": "1000"}


class Running:
    """``lagesbild up`` as a stranger runs it."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path, port: int) -> None:
        self.process, self.data, self.port = process, data, port
        self.url = f"http://127.0.0.1:{port}"

    def children(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def child(self, name: str) -> psutil.Process:
        return next(c for c in self.children() if name in " ".join(c.cmdline()))


@asynccontextmanager
async def up(data: Path, port: int, command: str = "up") -> AsyncIterator[Running]:
    started = time.monotonic()
    log = (data.parent / "up.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, command, "--data", str(data), "--port", str(port),
        stdout=subprocess.PIPE, stderr=log, env=ENV,
    )  # fmt: skip
    log.close()
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 300)
        assert line.decode().strip() == f"ready http://127.0.0.1:{port}", (data.parent / "up.log").read_text()[-2000:]
        print(f"\nready after {time.monotonic() - started:.1f} s")
        yield Running(process, data, port)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 60)


async def cli(*arguments: str, expect: int = 0, patience: float = 60) -> str:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV
    )
    out, err = await asyncio.wait_for(process.communicate(), patience)
    assert process.returncode == expect, err.decode()
    return out.decode()


async def status(data: Path, expect: int = 0) -> dict[str, Any]:
    return dict(json.loads(await cli("status", "--json", "--data", str(data), expect=expect)))


async def total(http: httpx.AsyncClient, headers: dict[str, str]) -> int:
    token = (await http.post("/v1/token", headers=headers)).json()["access_token"]
    return int((await http.get("/v1/counts", headers={"Authorization": f"Bearer {token}"})).json()["total"])


def free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("up") / "data"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def port() -> int:
    return pick_port()


async def test_up_down_and_up_again_with_everything_still_there(data: Path, port: int) -> None:
    async with up(data, port) as running, asking(running.url) as http:
        where = ("--data", str(data))
        assert json.loads(await cli("municipality", "create", "0682", *where, "--json"))["name"] == "Nässjö"
        made = json.loads(
            await cli("key", "create", "0682", *where, *"--system t --organisation Bolag --json".split(),
                      *"--scope reports:write --scope counts:read".split())
        )  # fmt: skip
        headers = {"Authorization": f"Bearer {made['key']}"}
        sent = reports(5)
        for report in sent:
            assert (await http.post("/v1/reports", json=report, headers=headers)).status_code == 201

        async def counted() -> bool:
            return await total(http, headers) == 5

        await eventually(counted, "five reports counted")
        found = await status(data)
        assert set(found) >= {"rooms", "consumers", "dead_letters", "outbox", "views"}
        assert {(r["room"], r["process"], r["ready"]) for r in found["rooms"]} == {
            (room, process, True) for room in ("ingest", "geo", "analysis", "notify") for process in ("serve", "work")
        }
        assert all(set(c) == {"consumer", "topic", "partition", "position", "end", "lag"} for c in found["consumers"])
        assert sum(c["position"] for c in found["consumers"] if c["consumer"] == "analysis.reports") == 5
        assert all(c["lag"] == 0 for c in found["consumers"])
        assert found["views"]["analysis.facts"] == 5
        assert found["outbox"] == dict.fromkeys(("ingest", "geo", "analysis", "notify"), 0)
        await cli("up", "--data", str(data), "--port", str(pick_port()), expect=1)  # the folder is taken
        await _kafka_falls_silent(running, http, headers)
        await _the_gateway_dies(running)
        children = running.children()
        ports = json.loads((data / "ports.json").read_text())
        assert "Stopped" in await _down(data)
        await asyncio.wait_for(running.process.wait(), 10)
        assert running.process.returncode == 0
    assert [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE] == []
    assert [name for name, number in ports.items() if not free(number)] == []
    assert free(port)
    async with up(data, port) as running, asking(running.url) as http:
        assert await total(http, headers) == 12
        again = await http.post("/v1/reports", json=sent[0], headers=headers)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true"), "known over a restart"
        assert json.loads(await cli("restored", "--data", str(data), "--json")) == {
            "ingest": 1,
            "geo": 1,
            "analysis": 1,
        }
        after = reports(1, "after-restore")[0]
        made = await http.post("/v1/reports", json=after, headers=headers)
        assert made.json()["revision"] == 2**32 + 1, "above everything that was minted before the restore"

        async def counted_again() -> bool:
            return await total(http, headers) == 13

        await eventually(counted_again, "a report of the new epoch counted")


async def _down(data: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "down", "--data", str(data), stderr=subprocess.PIPE, env=ENV
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    return err.decode()


async def _kafka_falls_silent(running: Running, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """SIGSTOP: the port is open and nobody answers, the worst way to be away."""
    kafka = running.child("kafka.Kafka")
    kafka.suspend()
    try:
        for report in reports(7, "silent"):
            assert (await http.post("/v1/reports", json=report, headers=headers)).status_code == 201
        assert await total(http, headers) == 5
        assert (await http.get("/logga-in")).status_code == 200
        found = await status(running.data, expect=1)
        assert any("Kafka" in line for line in found["trouble"])
        assert found["outbox"] == {"ingest": 7, "geo": 0, "analysis": 0, "notify": 0}
        assert all(c["lag"] is None for c in found["consumers"])
        assert found["views"]["ingest.reports"] == 12
    finally:
        kafka.resume()

    async def counted() -> bool:
        return await total(http, headers) == 12

    await eventually(counted, "twelve reports counted after Kafka came back")


async def _the_gateway_dies(running: Running) -> None:
    """What dies is started again, loudly."""
    running.child("caddy run").kill()

    async def back() -> bool:
        try:
            async with asking(running.url) as http:
                return (await http.get("/healthz")).is_success
        except httpx.HTTPError:
            return False

    await asyncio.sleep(0.2)
    await eventually(back, "the gateway again")
    said = (running.data.parent / "up.log").read_text()
    assert re.search(r"gateway ended with code -9; starting it again in \d+ s", said)


async def test_a_supervisor_that_is_killed_leaves_no_orphans(data: Path, port: int) -> None:
    async with up(data, port) as running:
        children = running.children()
        running.process.kill()
        await running.process.wait()

    async def gone() -> bool:
        return not [c for c in children if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]

    await eventually(gone, "every child stopped")


async def test_a_taken_port_gets_a_sentence(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "up", "--data", str(data), "--port", str(number), stderr=subprocess.PIPE, env=ENV
        )
        _, err = await process.communicate()
    assert process.returncode == 1
    assert f"Port {number} is taken" in err.decode()
