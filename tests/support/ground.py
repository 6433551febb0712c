"""Real servers for tests: those named by the environment, else containers, else the ones of deploy/local.

Order (never skipped silently): KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL (a role that may create roles); testcontainers
where a Docker engine answers; otherwise Apache Kafka and PostgreSQL from packages.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from deploy.database.roles import DATABASE, prepare, room_roles
from deploy.local.layout import Layout, pick_port
from deploy.local.supervisor import Supervisor
from deploy.local.up import running
from deploy.topics import ensure_topics
from services.runtime.migrations import OWNER_ROLE, STATUS_ROLE, upgrade

PASSWORD = "only-for-tests"


@dataclass(frozen=True)
class Ground:
    """A broker and a database with topics, roles and schemas in place."""

    kind: str
    kafka: str
    admin_dsn: str
    layout: Layout
    password: str | None = None
    supervisor: Supervisor | None = None

    def kafka_as(self, room: str) -> str:
        """The broker as a room reaches it; servers that are not ours know one user only."""
        return self.layout.kafka_as(room) if self.supervisor is not None else self.kafka

    def dsn(self, role: str) -> str:
        if self.supervisor is not None:
            return self.layout.dsn(role)
        url = make_url(self.admin_dsn).set(username=role, password=self.password, database=DATABASE)
        return url.render_as_string(hide_password=False)

    def database_url(self, role: str) -> str:
        return self.dsn(role).replace("postgresql://", "postgresql+asyncpg://", 1)


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode == 0


def servers_of_ours() -> bool:
    """Whether the ground will be servers that a test may stop, restore and delete the data of."""
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and os.environ.get("DATABASE_URL")
    return not named and not _docker_answers()


async def _prepared(ground: Ground) -> Ground:
    roles = (OWNER_ROLE, STATUS_ROLE, *room_roles())
    await prepare(ground.admin_dsn, dict.fromkeys(roles, PASSWORD) if ground.password else None)
    await ensure_topics(ground.kafka)
    await asyncio.to_thread(upgrade, ground.database_url(OWNER_ROLE))
    return ground


@asynccontextmanager
async def start_ground() -> AsyncIterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="lagesbild-test-"))
    layout = Layout.open(folder, pick_port())
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        kafka, database = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("DATABASE_URL")
        if kafka and database:
            yield await _prepared(Ground("environment", kafka, database, layout, PASSWORD))
        elif await asyncio.to_thread(_docker_answers):
            from testcontainers.kafka import KafkaContainer
            from testcontainers.postgres import PostgresContainer

            broker = stack.enter_context(KafkaContainer("apache/kafka:4.3.1").with_kraft())
            server = stack.enter_context(PostgresContainer("postgres:18", driver=None))
            address = server.get_connection_url()
            yield await _prepared(Ground("testcontainers", broker.get_bootstrap_server(), address, layout, PASSWORD))
        else:
            supervisor = await stack.enter_async_context(running(layout, rooms=False))
            yield Ground("deploy/local", layout.kafka, layout.dsn("postgres", "postgres"), layout, None, supervisor)
