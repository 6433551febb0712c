"""The rooms as real processes on the ground, and what an outside observer needs: a sender with a ledger, SQL, mail."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local import servers
from deploy.local.layout import pick_port
from deploy.local.supervisor import Program, Supervisor
from deploy.local.up import PROCESSES
from services.ingest.handlers.keys import SCOPES, Keys
from services.ingest.handlers.people import People
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from tests.support.ground import Ground
from tests.support.http import asking

TEST_SETTINGS = {
    "LAGESBILD_SESSION_TIMEOUT_MS": "6000",
    "LAGESBILD_HEARTBEAT_INTERVAL_MS": "1000",
    "LAGESBILD_LEASE_SECONDS": "3",
    "LAGESBILD_POOL_SIZE": "3",
    "LAGESBILD_REQUESTS_PER_MINUTE": "100000",
    "LAGESBILD_LOGINS_PER_MINUTE": "1000",
    "LAGESBILD_MESSAGES_PER_HOUR": "100000",
    "LAGESBILD_MOST_IN_ONE": "1",
    "LAGESBILD_ROSTER_SECONDS": "3",
    "LAGESBILD_SENDERS": "1",  # so that a kill can double one message and no more
}


@dataclass
class Instance:
    ground: Ground
    supervisor: Supervisor
    url: str
    mail_folder: Path
    env: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """What the supervisor has told the operator."""

    def program(self, room: str, process: str, extra: Mapping[str, str] | None = None, suffix: str = "") -> Program:
        made = servers.room(self.ground.layout, room, process)
        role = serve_role(room) if process == "serve" else work_role(room)
        env = dict(made.env) | {
            "LAGESBILD_DATABASE_URL": self.ground.database_url(role),
            "LAGESBILD_KAFKA": self.ground.kafka_as(room),
        }
        env |= TEST_SETTINGS | self.env | dict(extra or {})
        # A replica has a port of its own: asking the first one's would call it ready before it listens.
        ready = servers.http_ready(f"http://127.0.0.1:{env['LAGESBILD_PORT']}/readyz")
        return replace(made, name=made.name + suffix, env=env, ready=ready)

    def pid(self, name: str) -> int:
        return self.supervisor.pids()[name]

    def kill(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGKILL)

    def spare_port(self) -> int:
        """A port for one more process of a room."""
        return pick_port()

    def freeze(self, name: str, seconds: float) -> None:
        """Stop a process for a while, as a machine that is overloaded or asleep; it goes on by itself."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(seconds, os.kill, pid, signal.SIGCONT)

    async def kill_pid(self, pid: int) -> None:
        """Kill a process that the supervisor does not keep, such as a command."""
        os.kill(pid, signal.SIGKILL)

    async def restart_with(self, room: str, process: str, extra: Mapping[str, str]) -> None:
        """Replace a process by one with another environment."""
        await self.supervisor.stop_one(f"{room} {process}")
        await self.supervisor.start(self.program(room, process, extra))

    async def tenant(self, kommun: str, name: str = "Testkommun") -> "Tenant":
        database = Database(self.ground.database_url(serve_role("ingest")), pool_size=1)
        try:
            people = People(database)
            await people.create_municipality(kommun, name, invented=True)
            await people.put_free_text(kommun, "everybody")
            client, key = await Keys(database).create(
                kommun,
                system=f"test-{uuid4()}",
                organisation="Testbolaget",
                source="fastighetsbolag",
                scopes=list(SCOPES),
            )
        finally:
            await database.close()
        await self.tried(kommun)
        async with asking(self.url) as http:
            answer = await http.post("/v1/token", headers={"Authorization": f"Bearer {key}"})
        return Tenant(self, kommun, str(client), key, answer.json()["access_token"])

    async def tried(self, kommun: str) -> None:
        """Early in a month every way out is tried by a message, which tests that count messages must not meet."""
        done = "insert into scheduled_runs values ('proving', $1, now(), now())"
        await self.sql(done, kommun, kommun=kommun, room="notify")

    async def sql(self, query: str, *values: Any, kommun: str | None = None, room: str = "analysis") -> list[Any]:
        """Rows as the room's working role, opened for one municipality: what SQL itself says."""
        connection = await asyncpg.connect(self.ground.dsn(work_role(room)))
        try:
            async with connection.transaction():
                if kommun is not None:
                    await connection.execute("select set_config('app.kommuner', $1, true)", kommun)
                return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    def mails(self) -> list[str]:
        """Message-IDs of every mail that the SMTP server has taken, repeats included."""
        found = []
        for path in sorted(self.mail_folder.glob("*.eml")):
            line = next(
                (x for x in path.read_text("utf-8", "replace").splitlines() if x.lower().startswith("message-id:")), ""
            )
            found.append(line.partition(":")[2].strip())
        return found


@dataclass
class Tenant:
    """One municipality's sender. ``ledger`` holds what was answered with 2xx: sender's id → answer."""

    instance: Instance
    kommun: str
    client_id: str
    key: str
    token: str
    ledger: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def send(self, http: httpx.AsyncClient, report: dict[str, Any], give_up: float = 60.0) -> dict[str, Any]:
        """Send until there is an answer, as a phone would: the same report again after every failure."""
        deadline = time.monotonic() + give_up
        while True:
            try:
                answer = await http.post("/v1/reports", json=report, headers=self.headers)
                if answer.is_success:
                    self.ledger[report["id"]] = answer.json()
                    return dict(answer.json())
                if answer.status_code < 500 and answer.status_code != 409:
                    raise AssertionError(f"{answer.status_code} {answer.text}")
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise AssertionError("no answer from ingest")
            await asyncio.sleep(0.1)

    async def load(self, reports: list[dict[str, Any]], *, senders: int = 8, pause: float = 0.0) -> None:
        """Send all, several at a time."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for report in reports:
            queue.put_nowait(report)

        async def one(http: httpx.AsyncClient) -> None:
            while not queue.empty():
                await self.send(http, queue.get_nowait())
                await asyncio.sleep(pause)

        async with asking(self.instance.url, timeout=10) as http:
            await asyncio.gather(*(one(http) for _ in range(senders)))

    async def tally(self, expected: int, patience: float = 100.0) -> dict[str, int]:
        """Wait until every fact is there and nothing moves, then count what SQL has."""

        async def arrived() -> bool:
            rows = await self.instance.sql(
                "select count(*) as n from facts where kommun = $1", self.kommun, kommun=self.kommun
            )
            return bool(rows[0]["n"] >= expected)

        await eventually(arrived, f"{expected} facts of {self.kommun}", within=patience)
        facts = await self.instance.sql(
            "select report_id from facts where kommun = $1", self.kommun, kommun=self.kommun
        )
        cube = await self.instance.sql(
            "select layer, sum(reports / 1000000 * share)::bigint as reports from cube "
            "join area_sets using (kommun, area_set) join view_state s using (generation) "
            "where kommun = $1 and s.name = 'cube' group by layer",
            self.kommun,
            kommun=self.kommun,
        )
        ids = {str(r["report_id"]) for r in facts}
        sent = {answer["report_id"] for answer in self.ledger.values()}
        counted = max((r["reports"] for r in cube), default=0) // 1_000_000
        assert len({r["reports"] for r in cube}) <= 1, f"layers differ: {cube}"
        return {
            "sent": len(sent),
            "facts": len(ids),
            "counted": counted,
            "lost": len(sent - ids),
            "unknown": len(ids - sent),
            "doubled": max(0, counted - len(ids)),
        }


async def follower(tenant: Tenant, min_severity: int = 4) -> None:
    """Somebody who wants mail about reports of this municipality; about the gravest also at night."""
    layout = tenant.instance.ground.layout
    person = {
        "name": "Test Testsson",
        "email": f"{uuid4().hex}@exempel.invalid",
        "roles": ["est_medlem"],
        "organisation": "Test",
    }
    async with asking() as http:
        created = await http.post(f"{tenant.instance.url}/v1/people", json=person, headers=tenant.headers)
        assert created.status_code == 201, created.text
        body = {"min_severity": min_severity, "person_id": created.json()["person_id"]}
        answer = await http.post(f"{layout.url('notify_serve')}/v1/subscriptions", json=body, headers=tenant.bearer)
        assert answer.status_code == 201, answer.text


def reports(count: int, prefix: str = "r", **changes: Any) -> list[dict[str, Any]]:
    """Plain reports over Nässjö, a few metres apart, today."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return [
        {
            "id": f"{prefix}-{i}",
            "source_version": 1,
            "event_type": ("A1", "B1", "C4", "E1")[i % 4],
            "time_from": stamp,
            "place": {"coordinates": {"x": 14.60 + (i % 97) * 0.002, "y": 57.60 + (i % 31) * 0.003, "accuracy_m": 10}},
        }
        | changes
        for i in range(count)
    ]


async def eventually(check: Callable[[], Awaitable[bool]], what: str, *, within: float = 100.0) -> None:
    """Poll until true; AssertionError with ``what`` after ``within`` seconds.

    Say how many where a time is promised. Elsewhere a slow machine is no fault, and what never comes is found all the
    same.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if await check():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not within {within:.0f} s: {what}")


@asynccontextmanager
async def start_instance(ground: Ground, *, gateway: bool = False) -> AsyncIterator[Instance]:
    """All eight processes and the mail sink."""
    lines: list[str] = []
    supervisor = Supervisor(lines.append)
    layout = ground.layout
    instance = Instance(ground, supervisor, layout.url("ingest_serve"), layout.data / "mail", said=lines)
    try:
        await supervisor.start(
            servers.mailbox(layout),
            *([servers.gateway(layout)] if gateway else []),
            *(instance.program(room, process) for room, process in PROCESSES),
        )
        yield instance
    finally:
        await supervisor.stop()
        (layout.data / "restarts.json").write_text(json.dumps(lines))
