"""SIGKILL from outside, in every room, under load and at every named point: the ledger against SQL and mail."""

import asyncio
import json
import time
from uuid import uuid4

import pytest

from schemas.envelope import Envelope, event_type
from schemas.topics import BY_NAME
from services.runtime.migrations import work_role
from services.runtime.publisher import Outgoing, Publisher
from tests.support import register_files
from tests.support.command import lagesbild
from tests.support.facts import NOON
from tests.support.instance import Instance, Tenant, eventually, follower, reports
from tests.support.tally import Table

LOAD = 1500
TARGETS = ("ingest serve", "ingest work", "geo work", "analysis work", "notify work")


async def _settled_mails(instance: Instance, tenant: Tenant, expected: int) -> list[str]:
    """Message-IDs of this municipality that the server has taken, when the ledger says that all are sent."""

    async def sent() -> bool:
        rows = await instance.sql(
            "select count(*) as n from deliveries where kommun = $1 and state = 'sent'",
            tenant.kommun,
            kommun=tenant.kommun,
            room="notify",
        )
        return bool(rows[0]["n"] >= expected)

    await eventually(sent, f"{expected} mails sent")
    rows = await instance.sql(
        "select message_id from deliveries where kommun = $1", tenant.kommun, kommun=tenant.kommun, room="notify"
    )
    own = {r["message_id"] for r in rows}
    return [m for m in instance.mails() if m in own]


@pytest.mark.core
async def test_killing_every_room_under_load_loses_and_doubles_nothing(
    instance: Instance, kommun: str, table: Table
) -> None:
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    await follower(tenant, min_severity=4)
    plan = reports(LOAD, "kill")
    serious = [r | {"severity": 4} if i % 50 == 0 else r for i, r in enumerate(plan)]

    async def killer() -> list[str]:
        done = []
        for target in (*TARGETS, *TARGETS):
            await asyncio.sleep(2.0)
            if target in instance.supervisor.pids():
                instance.kill(target)
                done.append(target)
        return done

    killed, _ = await asyncio.gather(killer(), tenant.load(serious, senders=6, pause=0.08))
    await table.tally(f"SIGKILL of every room, {len(killed)} times under load", tenant, LOAD, began)
    mails = await _settled_mails(instance, tenant, LOAD // 50)
    assert set(killed) == set(TARGETS)
    assert len(set(mails)) == LOAD // 50
    # A mail is doubled only where the kill fell between the server's acceptance and our commit: at most one a kill.
    assert len(mails) - len(set(mails)) <= killed.count("notify work")


CORE = (
    ("ingest", "serve", "ingest.before_commit"),
    ("ingest", "serve", "ingest.after_commit"),
    ("ingest", "work", "relay.before_publish"),
    ("ingest", "work", "relay.after_confirm"),
    ("geo", "work", "boundary.after_effect"),
    ("geo", "work", "boundary.after_confirm"),
    ("analysis", "work", "boundary.before_commit"),
    ("analysis", "work", "boundary.after_commit"),
    ("notify", "work", "notify.before_send"),
    ("notify", "work", "notify.after_send"),
)
MORE = (
    ("notify", "work", "routing.before_commit"),
    ("notify", "work", "routing.after_commit"),
    ("ingest", "work", "publisher.on_the_way"),
    ("geo", "work", "publisher.on_the_way"),
    ("geo", "work", "boundary.after_commit"),
    ("notify", "work", "boundary.before_commit"),
    ("notify", "work", "boundary.after_commit"),
)
POINTS = [pytest.param(*p, marks=pytest.mark.core) for p in CORE] + [pytest.param(*p) for p in MORE]


async def _kill_there(instance: Instance, room: str, process: str, point: str) -> tuple[str, str]:
    """Restart a process so that it stands still at a point, and kill it there in the background."""
    marker = instance.ground.layout.data / f"reached-{uuid4().hex}"
    await instance.restart_with(room, process, {"LAGESBILD_FAULTPOINT": point, "LAGESBILD_FAULTFILE": str(marker)})
    return f"{room} {process}", str(marker)


async def _when_reached(instance: Instance, name: str, marker: str) -> None:
    async def reached() -> bool:
        return (instance.ground.layout.data / marker).exists()

    await eventually(reached, f"{name} at its point")
    instance.kill(name)


@pytest.mark.parametrize(("room", "process", "point"), POINTS)
async def test_killing_at_a_named_point(
    instance: Instance, kommun: str, table: Table, room: str, process: str, point: str
) -> None:
    """The process is stopped at the point, killed from here, started again, and everything adds up."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    mailing = room == "notify"
    if mailing:
        await follower(tenant)
    name, marker = await _kill_there(instance, room, process, point)
    plan = reports(20, "point", severity=4)
    await asyncio.gather(_when_reached(instance, name, marker), tenant.load(plan, senders=4))
    await table.tally(f"SIGKILL at {point}, {name}", tenant, 20, began)
    if mailing:
        mails = await _settled_mails(instance, tenant, 20)
        assert len(set(mails)) == 20
        # The one window that SMTP leaves: accepted, not yet committed. There, and only there, the same mail comes
        # again, with the same Message-ID.
        assert len(mails) == (21 if point == "notify.after_send" else 20)
    await instance.restart_with(room, process, {})


@pytest.mark.parametrize("point", ["schedule.before_commit", "schedule.after_commit"])
async def test_killing_a_scheduled_run(instance: Instance, kommun: str, table: Table, point: str) -> None:
    """The week is looked at once: half a run leaves nothing, a whole one is not done again."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    await tenant.load(reports(20, "point"), senders=4)
    await table.tally("before the schedule", tenant, 20, began)
    name, marker = await _kill_there(instance, "analysis", "work", point)
    await _when_reached(instance, name, marker)

    async def done() -> bool:
        rows = await instance.sql(
            "select due_at, count(*) as times from scheduled_runs where kommun = $1 group by due_at, task",
            kommun, kommun=kommun,
        )  # fmt: skip
        return len(rows) >= 2 and all(r["times"] == 1 for r in rows)

    await eventually(done, "both tasks have run")
    (runs,) = await instance.sql("select count(*) as n from signal_runs where kommun = $1", kommun, kommun=kommun)
    assert runs["n"] == 1
    await instance.restart_with("analysis", "work", {})


@pytest.mark.parametrize("room", ["geo", "analysis", "notify"])
async def test_killing_during_a_dead_letter(instance: Instance, kommun: str, table: Table, room: str) -> None:
    """The bad record lies aside once under one id, the good ones around it are counted."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    name, marker = await _kill_there(instance, room, "work", "boundary.after_dead_letter")
    topic = BY_NAME["report-received" if room == "geo" else "report-located"]
    envelope = Envelope(str(uuid4()), "/attack", event_type(topic.name, 1), NOON, kommun, str(uuid4()))
    publisher = Publisher(instance.ground.kafka, max_request_size=topic.max_bytes, client_id="test")
    (bad,) = await publisher.send([Outgoing(topic.name, kommun.encode(), b"{", envelope.headers())])
    await publisher.stop()
    await asyncio.gather(_when_reached(instance, name, marker), tenant.load(reports(20, "letter"), senders=4))
    await table.tally(f"SIGKILL during a dead letter, {name}", tenant, 20, began)
    listed = await lagesbild(instance.ground, "dead-letters", "list", f"{room}.reports", "--json")
    assert [x["from"] for x in json.loads(listed.out)].count(f"{topic.name}/{bad.partition}/{bad.offset}") == 1
    await instance.restart_with(room, "work", {})


@pytest.mark.parametrize("point", ["replacing.before_commit", "replacing.after_commit"])
async def test_killing_while_reports_are_placed_anew(instance: Instance, kommun: str, table: Table, point: str) -> None:
    """Every report that names a street is placed once more and not twice, and counted once."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    plan = [r | {"place": {"text": f"Storgatan {i + 1}"}} for i, r in enumerate(reports(20, "anew"))]
    await tenant.load(plan, senders=4)
    await table.tally(f"reports without a register, before {point}", tenant, 20, began)
    url = instance.ground.database_url(work_role("geo"))
    await register_files.keep(url, kommun)
    name, marker = await _kill_there(instance, "geo", "work", point)
    anew = asyncio.create_task(lagesbild(instance.ground, "place-again", kommun, LAGESBILD_DATABASE_URL=url))
    await asyncio.gather(_when_reached(instance, name, marker), tenant.load(reports(20, "during"), senders=4))
    await anew
    await table.tally(f"SIGKILL at {point}, geo work", tenant, 40, began)
    rows = await instance.sql(
        "select count(*) as n, count(distinct report_id) as reports from placements", kommun=kommun, room="geo"
    )
    assert (rows[0]["n"], rows[0]["reports"]) == (60, 40)
    await instance.restart_with("geo", "work", {})


REBUILD = ("rebuild.before_commit", "rebuild.after_commit", "rebuild.before_switch", "rebuild.after_switch")


@pytest.mark.parametrize("point", REBUILD)
async def test_killing_a_rebuild(instance: Instance, kommun: str, table: Table, point: str) -> None:
    """Reports flow in while a rebuild is killed and started again; afterwards every view equals a fresh fold."""
    began = time.monotonic()
    tenant = await instance.tenant(kommun)
    url = instance.ground.database_url("lagesbild_analysis_work")
    marker = instance.ground.layout.data / f"reached-{uuid4().hex}"
    fault = {"LAGESBILD_FAULTPOINT": point, "LAGESBILD_FAULTFILE": str(marker), "LAGESBILD_DATABASE_URL": url}
    await tenant.load(reports(20, "before"), senders=4)
    rebuilding = asyncio.create_task(lagesbild(instance.ground, "rebuild", expect=-9, **fault))

    async def reached() -> bool:
        return marker.exists()

    await eventually(reached, point)
    flow = asyncio.create_task(tenant.load(reports(40, "during"), senders=4))
    await asyncio.sleep(0.5)
    await instance.kill_pid(int(marker.read_text()))
    await rebuilding
    await flow
    await lagesbild(instance.ground, "rebuild", LAGESBILD_DATABASE_URL=url)
    await table.tally(f"SIGKILL at {point}, rebuild", tenant, 60, began)
    await lagesbild(instance.ground, "check", "views", LAGESBILD_DATABASE_URL=url)
