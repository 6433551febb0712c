"""The drill: yesterday's database beside today's Kafka, yesterday's Kafka beside today's database, a lost machine."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from deploy.local.layout import Layout, pick_port
from deploy.local.up import running
from services.analysis.domain.periods import Rule
from services.analysis.handlers.correcting import Correcting
from services.analysis.handlers.picturing import Picturing
from services.analysis.store import pictures
from services.analysis.store.pictures import Version
from services.analysis.store.signals import sealed
from services.analysis.views import SWEDEN
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from services.runtime.minting import EPOCH_SHIFT
from tests.support.command import lagesbild
from tests.support.ground import Ground, servers_of_ours
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, follower, reports, start_instance
from tests.support.tally import Table


@pytest.fixture
async def data() -> AsyncIterator[Path]:
    """A folder for an instance that is stopped and started again; only servers of our own can be restored."""
    if not await asyncio.to_thread(servers_of_ours):
        pytest.skip("these servers are not ours to restore")
    folder = Path(tempfile.mkdtemp(prefix="lagesbild-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _started(data: Path) -> AsyncIterator[Instance]:
    """Servers and rooms on what is in the folder."""
    layout = Layout.open(data, pick_port())
    async with running(layout, rooms=False) as supervisor:
        ground = Ground("deploy/local", layout.kafka, layout.dsn("postgres", "postgres"), layout, None, supervisor)
        async with start_instance(ground) as instance:
            yield instance
    (data / "instance.json").unlink()  # it names this process, which lives on


def _serious(count: int, prefix: str) -> list[dict[str, Any]]:
    """Reports with a text; every tenth is serious enough for a mail."""
    plain = reports(count, prefix, text="Trasig belysning vid gångvägen.")
    return [r | {"severity": 4} if i % 10 == 0 else r for i, r in enumerate(plain)]


def _mails(instance: Instance, *, of_picture: bool = False) -> list[str]:
    """Message-IDs of the mails about reports, or of those about a lägesbild, which go by day only."""
    found = [message_from_bytes(p.read_bytes(), policy=default) for p in sorted(instance.mail_folder.glob("*.eml"))]
    return [str(m["Message-ID"]).strip() for m in found if ("ägesbild" in str(m["Subject"])) is of_picture]


async def _mailed(instance: Instance, count: int) -> None:
    async def so_many() -> bool:
        return len(_mails(instance)) >= count

    await eventually(so_many, f"{count} mails")


async def _placed_anew(instance: Instance, tenant: Tenant, count: int) -> None:
    """Wait until so many facts of the municipality were placed after the restore."""

    async def done() -> bool:
        rows = await instance.sql(
            "select count(*) as n from facts where kommun = $1 and placement >= $2",
            tenant.kommun, 1 << EPOCH_SHIFT, kommun=tenant.kommun,
        )  # fmt: skip
        return bool(rows[0]["n"] >= count)

    await eventually(done, f"{count} facts placed anew")


async def _lost_texts(instance: Instance, tenant: Tenant) -> int:
    """How many reports the door says have lost their text."""
    lost = 0
    async with asking(instance.url) as http:
        for answer in tenant.ledger.values():
            found = await http.get(f"/v1/reports/{answer['report_id']}", headers=tenant.bearer)
            assert found.status_code == 200, found.text
            lost += found.json()["text_lost"]
    return lost


async def _broken_ones_are_refused(ground: Ground, backup: Path, data: Path) -> None:
    """What is no whole backup is refused before anything is touched."""
    missing = await lagesbild(ground, "restore", str(data / "mail"), "--data", str(data), expect=1)
    assert "is not a backup" in missing.err
    torn = data / "torn"
    await asyncio.to_thread(shutil.copytree, backup, torn)
    packed = torn / "database" / "base.tar.gz"
    packed.write_bytes(packed.read_bytes()[:50_000])
    refused = await lagesbild(ground, "restore", str(torn), "--data", str(data), expect=1)
    assert "pg_verifybackup" in refused.err
    assert not list((data / "postgres").glob("before-restore-*"))


def _paper(document: dict[str, Any], digest: str) -> bytes:
    return f"{digest} {document['number']}".encode()


async def _adopted(instance: Instance, kommun: str) -> Version:
    """The lägesbild of a period that holds the municipality's reports, adopted."""
    database = Database(instance.ground.database_url(work_role("analysis")), pool_size=2)
    try:
        picturing, now = Picturing(database), datetime.now(UTC)
        tomorrow = now + timedelta(days=1)
        rule = Rule(7, tomorrow.astimezone(SWEDEN).weekday())
        period = rule.period(rule.cut_offs(now, now + timedelta(days=2))[0])
        document = await picturing.written_from_facts(kommun, period)
        async with database.transaction((kommun,)) as connection:
            await pictures.add(connection, kommun, (period.number, 1, "draft"), document, now=now)
        seen = await picturing.newest(kommun, period.number)
        assert seen is not None
        adopted = await picturing.adopt(
            kommun, period.number, seen=(seen.version, 0), names={}, by="somebody", printed=_paper
        )
        assert adopted is not None
        return adopted
    finally:
        await database.close()


async def _still_adopted(instance: Instance, kommun: str, adopted: Version) -> list[dict[str, Any]]:
    """It shows the digits that were adopted, and its own paper; the corrections it tells of."""
    database = Database(instance.ground.database_url(serve_role("analysis")), pool_size=2)
    try:
        found = await Picturing(database).newest(kommun, adopted.number)
        assert found == adopted
        assert sealed(found.document)[1] == adopted.hash
        async with database.transaction((kommun,)) as connection:
            paper = await pictures.pdf(connection, kommun, found.number, found.version)
        assert paper == _paper(adopted.document, adopted.hash)
        return await Correcting(database).counts(kommun, found)
    finally:
        await database.close()


@pytest.mark.core
async def test_yesterdays_database_beside_todays_kafka(data: Path, table: Table) -> None:
    began = time.monotonic()
    backup = data / "backups" / "one"
    later = _serious(40, "after")
    async with _started(data) as instance:
        tenant = await instance.tenant("0682")  # whose areas the reports lie in
        await follower(tenant, min_severity=4)
        before = _serious(60, "before")
        await tenant.load(before)
        await tenant.tally(60)
        await _mailed(instance, 6)
        adopted = await _adopted(instance, tenant.kommun)
        assert adopted.document["totals"]["now"] == 60
        said = await lagesbild(instance.ground, "backup", "--data", str(data), "--to", str(backup), "--json")
        assert json.loads(said.out)["bytes"] > 100_000
        await tenant.load(later)
        await tenant.load([r | {"source_version": 2, "count": 3} for r in before[:10]])
        await tenant.tally(100)
        await _mailed(instance, 10)
        mails = sorted(_mails(instance))
        taken = await lagesbild(instance.ground, "backup", "--data", str(data), "--to", str(backup), expect=1)
        assert "is there already" in taken.err
        running_still = await lagesbild(instance.ground, "restore", str(backup), "--data", str(data), expect=1)
        assert "already runs" in running_still.err
        pictures_told = _mails(instance, of_picture=True)
    await _broken_ones_are_refused(instance.ground, backup, data)
    done = json.loads((await lagesbild(instance.ground, "restore", str(backup), "--data", str(data), "--json")).out)
    assert done["taken_back"] == {"read": 110, "revisions": 50, "reports": 50}
    assert done["epochs"] == {"ingest": 1, "geo": 1, "analysis": 1}
    assert done["republished"] is None
    async with _started(data) as again:
        tenant.instance = again
        await _placed_anew(again, tenant, 40)
        await tenant.tally(100)
        assert await _lost_texts(again, tenant) == 50
        # A sender that is not sure sends again, in a correction's stead: it counts once, and the text is back.
        await tenant.load(later)
        await tenant.load([r | {"source_version": 2, "count": 3} for r in before[:10]])
        assert await _lost_texts(again, tenant) == 0
        fresh = _serious(10, "fresh")
        await tenant.load(fresh)
        await table.tally("yesterday's database beside today's Kafka", tenant, 110, began)
        await _mailed(again, 11)
        told = _mails(again)
        assert len(told) == len(set(told)) == 11, "nobody is told again of what was there before the restore"
        assert set(mails) < set(told)
        assert _mails(again, of_picture=True) == pictures_told, "nor of a lägesbild that was adopted before"
        work = again.ground.database_url("lagesbild_analysis_work")
        await lagesbild(again.ground, "check", "views", LAGESBILD_DATABASE_URL=work)
        corrections = await _still_adopted(again, tenant.kommun, adopted)
        assert {(c["adopted"], c["today"]) for c in corrections if not c["area"] and not c["kind"]} == {(60, 110)}


async def test_yesterdays_kafka_beside_todays_database(data: Path, kommun: str, table: Table) -> None:
    """The same as a broker whose newest minutes are cut off: the rooms halt, the log is accepted and filled again."""
    began = time.monotonic()
    log, copy = data / "kafka" / "log", data / "kafka" / "yesterday"
    async with _started(data) as instance:
        tenant = await instance.tenant(kommun)
        await follower(tenant, min_severity=4)
        await tenant.load(_serious(60, "before"))
        await tenant.tally(60)
        await _mailed(instance, 6)
    shutil.copytree(log, copy)
    async with _started(data) as instance:
        tenant.instance = instance
        await tenant.load(_serious(40, "after"))
        await tenant.tally(100)
        await _mailed(instance, 10)
        mails = sorted(_mails(instance))
    shutil.rmtree(log)
    copy.rename(log)
    async with _started(data) as again:
        tenant.instance = again
        assert any("outside the log" in line for line in again.said), "up goes on and says who halts, and why"
        await lagesbild(again.ground, "accept-broker", "all", "--from", "beginning")
        door = again.ground.database_url("lagesbild_ingest_serve")
        await lagesbild(again.ground, "republish", LAGESBILD_DATABASE_URL=door)
        await tenant.load(_serious(10, "fresh"))
        await table.tally("yesterday's Kafka beside today's database", tenant, 110, began)
        await _mailed(again, 11)
        told = _mails(again)
        assert len(told) == len(set(told)) == 11
        assert set(mails) < set(told)


async def test_a_new_machine_from_a_backup_alone(data: Path, kommun: str, table: Table) -> None:
    began = time.monotonic()
    backup, machine = data / "backups" / "one", data / "new"
    async with _started(data) as instance:
        tenant = await instance.tenant(kommun)
        await tenant.load(_serious(50, "before"))
        await tenant.tally(50)
        await lagesbild(instance.ground, "backup", "--data", str(data), "--to", str(backup))
    ground = instance.ground
    done = json.loads((await lagesbild(ground, "restore", str(backup), "--data", str(machine), "--json")).out)
    assert done["republished"] == 50
    async with _started(machine) as again:
        tenant.instance = again
        await tenant.load(_serious(10, "fresh"))
        await table.tally("a new machine from a backup alone", tenant, 60, began)
