"""``lagesbild up``: one instance from nothing to ready, kept alive until told to stop."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from deploy.database.roles import prepare, room_roles
from deploy.local import servers
from deploy.local.kafka_jars import ensure_jars
from deploy.local.layout import Layout
from deploy.local.supervisor import Program, Supervisor
from deploy.topics import ensure_topics
from services.runtime.migrations import OWNER_ROLE, ROOMS, STATUS_ROLE, upgrade

Step = Callable[[str], None]
USUAL_PORT = 8080
PROCESSES = tuple((room, process) for room in ROOMS for process in ("serve", "work"))


RESTORING = "restoring"
"""A file that is there while a restore goes on: what it left half done must not be used."""


class HalfRestored(Exception):
    """The instance's data is neither what it was nor what it is to be."""


class AlreadyRunning(Exception):
    """Another process keeps this data directory's instance."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What other commands need to know about a local instance: written at its start as ``instance.json``."""

    pid: int
    started: float
    public_url: str
    kafka: str
    owner_url: str
    status_url: str
    door_url: str
    urls: dict[str, str]
    role_urls: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether the process that keeps it is alive."""
        try:
            return bool(psutil.Process(self.pid).create_time() == self.started)
        except psutil.Error:
            return False


def read_instance(data: Path) -> Instance | None:
    """The instance last started in this directory, running or not."""
    try:
        return Instance(**json.loads((data / "instance.json").read_text()))
    except FileNotFoundError:
        return None


def port_of(data: Path) -> int:
    """The port of the address that the instance of this directory had, or the usual one."""
    kept = read_instance(data)
    return (urlsplit(kept.public_url).port if kept is not None else None) or USUAL_PORT


def refuse_if_running(data: Path) -> None:
    """AlreadyRunning when another process keeps this directory's instance; ask before anything is written there."""
    kept = read_instance(data)
    if kept is not None and kept.pid != os.getpid() and kept.runs:
        raise AlreadyRunning(f"process {kept.pid} already runs the instance in {data}; stop it with 'lagesbild down'")


def describe(layout: Layout) -> Instance:
    """The instance of a layout, kept by this process."""
    urls = {f"{room} {process}": layout.url(f"{room}_{process}") for room, process in PROCESSES}
    return Instance(
        os.getpid(),
        psutil.Process().create_time(),
        layout.public_url,
        layout.kafka,
        layout.database_url(OWNER_ROLE),
        layout.database_url(STATUS_ROLE),
        layout.database_url("lagesbild_ingest_serve"),
        urls,
        {role: layout.database_url(role) for role in room_roles()},
    )


@asynccontextmanager
async def running(
    layout: Layout, *, step: Step = lambda _text: None, tell: Step = print, rooms: bool = True
) -> AsyncIterator[Supervisor]:
    """The instance, ready to use inside the block and stopped after it. ``rooms=False``: only what it stands on.

    AlreadyRunning, HalfRestored.
    """
    refuse_if_running(layout.data)
    if rooms and (layout.data / RESTORING).exists():
        raise HalfRestored(f"a restore of {layout.data} was broken off; run 'lagesbild restore' once more")
    supervisor = Supervisor(tell)
    try:
        step("Kafka: fetching what is missing")
        await asyncio.to_thread(ensure_jars)
        step("Kafka and PostgreSQL")
        layers = await servers.prepare_layers() if rooms else None
        ground = await asyncio.gather(
            asyncio.to_thread(servers.kafka, layout), asyncio.to_thread(servers.postgres, layout)
        )
        await supervisor.start(ground[1])
        step("Roles, migrations and topics")
        await asyncio.gather(_database(layout), _topics(layout, supervisor, ground[0]))
        _keep_to_ourselves(layout.data / "instance.json", json.dumps(asdict(describe(layout)), indent=1))
        if rooms:
            if layers is not None:
                await layers.wait()
            step("Rooms and gateway")
            await supervisor.start(
                servers.mailbox(layout),
                servers.gateway(layout),
                *(servers.room(layout, room, process) for room, process in PROCESSES),
            )
        yield supervisor
    finally:
        step("Stopping")
        await supervisor.stop()


def _keep_to_ourselves(path: Path, text: str) -> None:
    """Write a file that holds passwords: readable by the owner only, from its first moment."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


async def _database(layout: Layout) -> None:
    await prepare(layout.dsn("postgres", "postgres"), layout.database_passwords)
    await asyncio.to_thread(upgrade, layout.database_url(OWNER_ROLE))


async def _topics(layout: Layout, supervisor: Supervisor, kafka: Program) -> None:
    await supervisor.start(kafka)
    await ensure_topics(layout.kafka)


async def until_told() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def stop(data: Path, timeout: float = 60.0) -> bool:
    """Stop the instance of this directory and wait until it is gone; False when none runs."""
    instance = read_instance(data)
    if instance is None or not instance.runs:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(instance.pid)
        process.terminate()
        process.wait(timeout)
    return True
