"""The read log on real servers: every read is noted before it happens, and what is done to the log is found."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.notify.gateways.rooms import Directory
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.migrations import OWNER_ROLE, serve_role
from services.runtime.tokens import Principal, subject_digest
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, reports

ROOMS = ("ingest", "geo", "analysis", "notify")


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def database(instance: Instance) -> AsyncIterator[Database]:
    made = Database(instance.ground.database_url(serve_role("geo")), pool_size=4)
    yield made
    await made.close()


async def person(instance: Instance, kommun: str, role: str) -> tuple[UUID, dict[str, str], str]:
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        found, _ = await Appointing(door).register(
            kommun, name=f"Vera Prov{uuid4().hex[:6]}", email=f"{uuid4().hex}@exempel.invalid", roles=[role],
            organisation="Prov",
        )  # fmt: skip
        people = People(door)
        session = await people.begin_session(kommun, found, 1)
        principal = await people.by_session(session)
        assert principal is not None
        return found, {"Authorization": f"Bearer {await people.token(principal)}"}, session
    finally:
        await door.close()


async def test_reads_of_every_room_are_noted_and_shown_to_the_officer(instance: Instance, tenant: Tenant) -> None:
    layout, kommun = instance.ground.layout, tenant.kommun
    await tenant.load(reports(1, "read"))
    await tenant.tally(1)
    report = next(iter(tenant.ledger.values()))["report_id"]
    analyst, reading, _ = await person(instance, kommun, "analytiker")
    _, officer, session = await person(instance, kommun, "registrator")
    async with asking() as http:
        for room, path in (
            ("ingest_serve", f"/v1/reports/{report}"),
            ("geo_serve", "/ogc/collections/reports/items?limit=1"),
            ("geo_serve", "/ogc/collections/reports/export?f=csv"),
            ("analysis_serve", "/v1/counts.csv"),
        ):
            assert (await http.get(layout.url(room) + path, headers=reading)).status_code == 200, path
            assert (await http.get(layout.url(room) + "/v1/reads", headers=reading)).status_code == 403
        # A sender asks for its own: that is no read of somebody else's.
        assert (await http.get(f"{instance.url}/v1/reports/{report}", headers=tenant.headers)).status_code == 200
        found: dict[str, Any] = {}
        for room in ROOMS:
            answer = await http.get(layout.url(f"{room}_serve") + "/v1/reads", headers=officer)
            assert answer.status_code == 200, answer.text
            assert answer.json()["broken_at"] is None
            found[room] = [e for e in answer.json()["entries"] if e["reader"] == subject_digest(kommun, str(analyst))]
        by_system = await http.get(layout.url("analysis_serve") + "/v1/counts.csv", headers=tenant.bearer)
        assert by_system.status_code == 200
        page = await http.get(f"{instance.url}/laslogg", headers={"Cookie": f"lb_device={session}"})
        theirs = await http.get(
            f"{instance.url}/laslogg", params={"vem": tenant.client_id}, headers={"Cookie": f"lb_device={session}"}
        )
    assert [(e["what"], e["object"], e["purpose"]) for e in found["ingest"]] == [("report", report, "follow_up")]
    assert [e["purpose"] for e in found["geo"]] == ["export", "gis"]
    assert [e["what"] for e in found["analysis"]] == ["counts"]
    assert page.status_code == 200
    for said in (report, "uppföljning", "karta och GIS", "Loggen för utskicken är hel", "Vera Prov"):
        assert said in page.text, said
    readers = re.findall(r'<th scope="row">([^<]+)</th>', theirs.text)
    assert len(readers) == 1, "what a system read can be asked for alone"
    assert readers[0].startswith("test-"), "and says which system it was"


async def test_many_at_once_make_one_chain(database: Database, kommun: str) -> None:
    reader = Principal(str(uuid4()), "person", kommun, roles=frozenset({"analytiker"}))
    await asyncio.gather(*(read_log.note(database, reader, "report", str(i), "gis") for i in range(60)))
    async with database.transaction((kommun,)) as connection:
        rows = list(await connection.execute(read_log._AFTER, {"kommun": kommun, "after": 0, "limit": 100}))
    assert [r.number for r in rows] == list(range(1, 61))
    assert await read_log.broken_at(database, kommun) is None


@pytest.mark.parametrize(
    ("damage", "at"),
    [
        ("update geo.read_log set object = 'annat' where kommun = $1 and number = 3", 3),
        ("update geo.read_log set reader = 'någon' where kommun = $1 and number = 5", 5),
        ("delete from geo.read_log where kommun = $1 and number = 2", 2),
        ("delete from geo.read_log where kommun = $1 and number = 5", 5),
        ("update geo.read_log_heads set number = 4 where kommun = $1", 5),
    ],
)
async def test_what_was_done_to_the_log_is_found(
    instance: Instance, database: Database, kommun: str, damage: str, at: int
) -> None:
    reader = Principal(str(uuid4()), "person", kommun, roles=frozenset({"analytiker"}))
    for i in range(5):
        await read_log.note(database, reader, "report", str(i), "gis")
    serving = await asyncpg.connect(instance.ground.dsn(serve_role("geo")))
    owner = await asyncpg.connect(instance.ground.dsn(OWNER_ROLE))
    try:
        if "heads" not in damage:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await serving.execute(damage, kommun)
        await owner.execute("alter table geo.read_log no force row level security")
        await owner.execute(damage, kommun)
    finally:
        await owner.execute("alter table geo.read_log force row level security")
        await owner.close()
        await serving.close()
    assert await read_log.broken_at(database, kommun) == at


async def test_nothing_is_read_when_it_cannot_be_noted(instance: Instance, tenant: Tenant) -> None:
    """The log's table out of reach stands for every reason why a note fails."""
    _, reading, _ = await person(instance, tenant.kommun, "analytiker")
    owner = await asyncpg.connect(instance.ground.dsn(OWNER_ROLE))
    url = instance.ground.layout.url("geo_serve") + "/ogc/collections/reports/items?limit=1"
    try:
        await owner.execute(f"revoke insert on geo.read_log from {serve_role('geo')}")
        async with asking() as http:
            assert (await http.get(url, headers=reading)).status_code == 500
    finally:
        await owner.execute(f"grant insert on geo.read_log to {serve_role('geo')}")
        await owner.close()
    async with asking() as http:
        assert (await http.get(url, headers=reading)).status_code == 200


async def test_addresses_asked_for_together_are_noted_one_by_one(instance: Instance, tenant: Tenant) -> None:
    layout, kommun = instance.ground.layout, tenant.kommun
    members = [(await person(instance, kommun, "est_medlem"))[0] for _ in range(3)]
    reporter, stranger = (await person(instance, kommun, "rapportor"))[0], uuid4()
    _, officer, _ = await person(instance, kommun, "registrator")
    directory = Directory(layout.url("ingest_serve"), layout.secrets["notify"])
    try:
        asked = [*members, reporter, stranger]
        assert set(await directory.emails(kommun, asked)) == set(members)
        assert set(await directory.emails(kommun, [reporter], feedback=True)) == {reporter}
        other = await instance.tenant(str(int(kommun) + 1) if kommun != "9999" else "1000")
        assert await directory.emails(other.kommun, members) == {}
    finally:
        await directory.close()
    async with asking() as http:
        answer = (await http.get(layout.url("ingest_serve") + "/v1/reads", headers=officer)).json()
        door = layout.url("ingest_serve") + "/v1/directory/addresses"
        refused = await http.post(door, headers=officer, json={"people": []})
    read = [e["object"] for e in answer["entries"] if e["purpose"] == "delivery"]
    assert sorted(read) == sorted(subject_digest(kommun, str(p)) for p in (*asked, reporter))
    assert answer["broken_at"] is None
    assert refused.status_code == 403, "people have no way to the addresses"
