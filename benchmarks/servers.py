"""What the benchmarks run on: a broker and a database of their own, filled topics, rooms as processes, CPU."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import servers
from deploy.local.layout import Layout, pick_port
from deploy.local.supervisor import Supervisor
from deploy.local.up import running
from services.runtime.kafka_access import access
from services.runtime.publisher import Outgoing, Publisher

MAX_BYTES = 1_048_576


@dataclass
class Ground:
    """One broker and one database, and the processes whose CPU counts."""

    layout: Layout
    supervisor: Supervisor

    def cpu(self, name: str) -> float:
        """CPU seconds that a server and all its children have used until now."""
        return _tree_seconds(self.supervisor.pids()[name])

    async def sql(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Rows as the administrator, whom no policy binds."""
        connection = await asyncpg.connect(self.layout.dsn("postgres", "lagesbild"))
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()


def _tree_seconds(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                used = child.cpu_times()
                total += used.user + used.system
    return total


@asynccontextmanager
async def start() -> AsyncIterator[Ground]:
    """Servers in a folder of their own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lagesbild-bench-"))
    try:
        layout = Layout.open(folder, pick_port(), passwords=False)  # the alternatives know no passwords
        async with running(layout, rooms=False) as supervisor:
            yield Ground(layout, supervisor)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def make_topic(ground: Ground, name: str, partitions: int = 12) -> None:
    """A topic for an alternative to read or write."""
    admin = AIOKafkaAdminClient(**access(ground.layout.kafka).arguments())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
        while name not in await admin.list_topics():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
    finally:
        await admin.close()


async def fill(ground: Ground, messages: Iterable[Outgoing], topics: Sequence[str]) -> int:
    """The same messages into each of the topics; returns how many."""
    publisher = Publisher(ground.layout.kafka, max_request_size=MAX_BYTES, client_id="bench")
    count = 0
    pending: list[Outgoing] = []

    async def send() -> None:
        for topic in topics:
            await publisher.send([Outgoing(topic, m.key, m.value, m.headers) for m in pending])
        pending.clear()

    for outgoing in messages:
        count += 1
        pending.append(outgoing)
        if len(pending) == 5000:
            await send()
    await send()
    await publisher.stop()
    return count


@dataclass
class Room:
    """A working process of a room while it is measured."""

    name: str
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """CPU seconds used until now."""
        return _tree_seconds(self.process.pid)

    def memory(self) -> int:
        """Resident bytes now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


async def _answers(http: httpx.AsyncClient, url: str) -> None:
    for _ in range(300):
        with suppress(httpx.HTTPError):
            if (await http.get(url)).is_success:
                return
        await asyncio.sleep(0.2)
    raise RuntimeError(f"{url} is not ready")


@asynccontextmanager
async def room(
    ground: Ground, *which: tuple[str, str], ready: bool = False, extra: Mapping[str, str] | None = None
) -> AsyncIterator[list[Room]]:
    """These processes of rooms, just started, or ``ready``; ``extra``: more of their environment."""
    started = []
    log = (ground.layout.data / "logs" / "bench.log").open("ab")
    try:
        for name, process in which:
            quiet = {"LAGESBILD_LOG_LEVEL": "WARNING", "LAGESBILD_REQUESTS_PER_MINUTE": "1000000"}
            quiet |= {
                f"LAGESBILD_{what}": "100000000" for what in ("LINES_PER_MINUTE", "LINES_PER_DAY", "REQUESTS_PER_DAY")
            }
            env = os.environ | servers.room_environment(ground.layout, name, process) | quiet | dict(extra or {})
            argv = [sys.executable, "-m", "services.cli", "room", name, process]
            started.append(Room(name, subprocess.Popen(argv, env=env, stdout=log, stderr=log)))  # noqa: ASYNC220
        async with httpx.AsyncClient(trust_env=False) as http:
            for name, process in which if ready else ():
                await _answers(http, ground.layout.url(f"{name}_{process}") + "/readyz")
        yield started
    finally:
        for one in started:
            one.process.terminate()
        for one in started:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(30)
            one.process.kill()
        log.close()


async def positions(ground: Ground, consumer: str) -> int:
    """The sum of a consumer's positions, as committed."""
    found = await ground.sql(
        f"select coalesce(sum(next_offset), 0)::bigint as n from {consumer.partition('.')[0]}.positions "  # noqa: S608
        "where consumer = $1",
        consumer,
    )
    return int(found[0]["n"])


@dataclass(frozen=True, slots=True)
class Timed:
    """How long it took, what it cost: seconds of wall clock and of CPU by part."""

    count: int
    seconds: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.count / self.seconds

    def micros(self, *parts: str) -> float:
        """CPU microseconds per event of these parts, of all when none is named."""
        return sum(v for k, v in self.cpu.items() if not parts or k in parts) / self.count * 1e6


async def until(ground: Ground, rooms: list[Room], consumers: Sequence[str], goals: Sequence[int]) -> Timed:
    """From the first committed batch of the first consumer until every consumer has committed its goal."""
    connection = await asyncpg.connect(ground.layout.dsn("postgres", "lagesbild"))

    async def now() -> list[int]:
        return [
            int(
                await connection.fetchval(
                    f"select coalesce(sum(next_offset), 0) from {c.partition('.')[0]}.positions where consumer = $1",  # noqa: S608
                    c,
                )
            )
            for c in consumers
        ]

    def used() -> dict[str, float]:
        return {r.name: r.cpu() for r in rooms} | {n: ground.cpu(n) for n in ("postgres", "kafka")}

    try:
        began = await now()
        first = last = (time.monotonic(), used(), began)
        while True:
            await asyncio.sleep(0.05)
            at = await now()
            if at[0] == began[0]:
                first = (time.monotonic(), used(), at)
            last = (time.monotonic(), used(), at)
            if all(a >= g for a, g in zip(at, goals, strict=True)):
                break
            if any(r.process.poll() is not None for r in rooms):
                log = (ground.layout.data / "logs" / "bench.log").read_text()
                raise RuntimeError(f"a room has ended: {log[-3000:]}")
    finally:
        await connection.close()
    spent = {name: last[1][name] - first[1][name] for name in last[1]}
    return Timed(goals[-1] - first[2][-1], last[0] - first[0], spent)
