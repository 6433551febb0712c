"""Two municipalities that try to read each other: by API, by a forgotten filter, by a crooked record."""

import asyncio
import json
from itertools import count
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import text

from schemas.envelope import Envelope, event_type
from schemas.topics import REPORT_LOCATED, REPORT_RECEIVED
from services.runtime.database import Database
from services.runtime.kafka_access import access
from services.runtime.migrations import OWNER_ROLE, ROOMS, STATUS_ROLE, serve_role, work_role
from tests.support.facts import NOON, located, received
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports

_numbers = count(600)
"""Codes of this module's own (7600, 8600 and on): tests that share one would count each other's reports."""


@pytest.fixture
async def pair(instance: Instance) -> tuple[Tenant, Tenant]:
    number = next(_numbers)
    codes = [f"7{number:03d}", f"8{number:03d}"]
    first, second = [await instance.tenant(code) for code in codes]
    await first.load(reports(3, "own"))
    await second.load(reports(2, "own"))
    await first.tally(3)
    await second.tally(2)
    return first, second


async def test_nobody_reads_another_by_api(instance: Instance, pair: tuple[Tenant, Tenant]) -> None:
    first, second = pair
    theirs = second.ledger["own-0"]["report_id"]
    async with asking(instance.ground.layout.public_url) as http:
        for path in (f"/v1/reports/{theirs}", f"/v1/facts/{theirs}", f"/v1/placements/{theirs}"):
            assert (await http.get(path, headers=first.bearer)).status_code == 404, path
            assert (await http.get(path, headers=second.bearer)).status_code == 200, path
        assert (await http.delete(f"/v1/reports/{theirs}", headers=first.headers)).status_code == 404
        assert (await http.get("/v1/counts", headers=first.bearer)).json()["total"] == 3
        forged = await http.get("/v1/counts", params={"kommun": second.kommun}, headers=first.bearer)
        assert forged.json()["total"] == 3


async def test_the_same_sender_s_id_in_two_municipalities_is_two_reports(pair: tuple[Tenant, Tenant]) -> None:
    first, second = pair
    assert first.ledger["own-0"]["report_id"] != second.ledger["own-0"]["report_id"]


async def test_nothing_is_readable_without_a_token_or_key(instance: Instance) -> None:
    things = f"""/v1/counts /v1/counts.csv /v1/counts.xlsx /v1/counts.geojson /v1/exposure /v1/exposure.csv
        /v1/exposure.xlsx /v1/lateness /v1/lateness.csv /v1/lateness.xlsx /v1/cases /v1/cases/{uuid4()}
        /v1/pictures /v1/pictures/2026:01 /v1/pictures/2026:01/map.geojson /v1/hotspots.geojson
        /v1/reports/{uuid4()}/text /v1/context /v1/layers /v1/layers/regso/areas
        /v1/locate?lon=14&lat=57 /v1/geocode?text=a /v1/suggest?q=a /v1/names
        /v1/reverse?lon=14&lat=57 /v1/map
        /v1/tiles/ground/9/276/154 /v1/basemap/9/276/154 /v1/event-types
        /v1/subscriptions /v1/deliveries /v1/facts/{uuid4()}
        /v1/placements/{uuid4()} /v1/reports/{uuid4()} /v1/directory /v1/directory/names"""
    async with asking(instance.ground.layout.public_url) as http:
        for path in things.split():
            for headers in ({}, {"Authorization": "Bearer lb_wrong"}, {"Authorization": "Bearer a.b.c"}):
                answer = await http.get(path, headers=headers)
                assert answer.status_code == 401, path
                assert answer.headers["content-type"] == "application/problem+json"
        pages = """/oversikt /omraden /omraden/regso/0682R007 /typer/A /tathet /rapporter /lagesbilder /signaler
            /omvarld /utskick /rapportera /mina-rapporter"""
        for page in pages.split():
            assert (await http.get(page)).status_code == 303, page
        for hidden in ("/metrics", "/readyz"):
            assert (await http.get(hidden)).status_code == 404, hidden


TABLES = {
    "ingest": (
        "organisations",
        "clients",
        "people",
        "event_types",
        "reports",
        "submissions",
        "revisions",
        "texts",
        "batches",
        "batch_pieces",
    ),
    "geo": ("placements", "registers", "replacings", "layer_versions", "decisions", "popular_names", "default_points"),
    "analysis": (
        "facts",
        "fact_history",
        "cube",
        "rhythm",
        "cells",
        "states",
        "sources",
        "lateness",
        "activity",
        "area_sets",
        "signal_runs",
        "cases",
        "night_runs",
        "picture_rules",
        "pictures",
        "assessments",
        "kept_selections",
    ),
    "notify": (
        "subscriptions",
        "deliveries",
        "notices",
        "alerts",
        "attempts",
        "people",
        "preferences",
        "plans",
        "destinations",
        "channel_health",
        "silences",
        "answers",
        "rotas",
        "shifts",
        "devices",
        "numbers",
        "rule_versions",
    ),
}


@pytest.mark.parametrize("room", ROOMS)
async def test_a_forgotten_filter_crosses_nothing(instance: Instance, pair: tuple[Tenant, Tenant], room: str) -> None:
    """Statements without any ``where``, interleaved on one pooled connection: each sees its own list only."""
    first, second = pair
    database = Database(instance.ground.database_url(serve_role(room)), pool_size=1)
    try:
        for table in TABLES[room]:
            query = text(f"select distinct kommun from {table}")
            for kommuner in ((first.kommun,), (), (second.kommun,), (), (first.kommun, second.kommun)):
                async with database.transaction(kommuner) as connection:
                    seen = {r.kommun for r in await connection.execute(query)}
                assert seen <= set(kommuner), table
    finally:
        await database.close()


async def test_writing_into_another_municipality_is_refused(instance: Instance, pair: tuple[Tenant, Tenant]) -> None:
    first, second = pair
    connection = await asyncpg.connect(instance.ground.dsn(work_role("analysis")))
    insert = "insert into cube values ($1, '2026-01-01', 1, 'A1', 'tips', 1, 1, 1)"
    try:
        for target in (second.kommun, "0000"):
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("select set_config('app.kommuner', $1, true)", first.kommun)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(insert, target)
            await transaction.rollback()
    finally:
        await connection.close()


async def test_roles_reach_their_own_room_and_no_more(instance: Instance) -> None:
    ground = instance.ground

    async def refused(role: str, statement: str) -> None:
        connection = await asyncpg.connect(ground.dsn(role))
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        finally:
            await connection.close()

    for room in ROOMS:
        other = ROOMS[(ROOMS.index(room) + 1) % len(ROOMS)]
        for role in (serve_role(room), work_role(room)):
            await refused(role, f"select * from {other}.positions")
            await refused(role, f"create table {room}.x (i int)")
        await refused(serve_role(room), f"select * from {room}.positions")
        await refused(serve_role(room), f"delete from {room}.dead_letters")
    await refused(serve_role("ingest"), "select * from ingest.outbox")
    await refused(serve_role("ingest"), "select * from ingest.credentials")
    await refused(serve_role("ingest"), "select * from ingest.login_index")
    await refused(serve_role("notify"), "select * from notify.due")
    await refused(serve_role("notify"), "select * from notify.turns")
    await refused(STATUS_ROLE, "select event from analysis.facts")
    connection = await asyncpg.connect(ground.dsn(OWNER_ROLE))
    try:
        rows = await connection.fetch(
            "select 1 from pg_roles where rolname like 'lagesbild%' and (rolsuper or rolbypassrls or rolcreaterole)"
        )
        unforced = await connection.fetch(
            """select n.nspname || '.' || c.relname as name from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'kommun' and not a.attisdropped
            where n.nspname = any($1) and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)""",
            list(ROOMS),
        )
    finally:
        await connection.close()
    assert rows == []
    # Looked up by exact value before a municipality is known, or public: outside the policies on purpose.
    allowed = {
        "ingest.municipalities",
        "ingest.credentials",
        "ingest.login_index",
        "ingest.device_sessions",
        "ingest.passkeys",
        "ingest.identity_providers",
        "ingest.invitations",
        *(f"{room}.read_log_heads" for room in ROOMS),
        "notify.due",
        "notify.owners",
        "analysis.owners",
        "geo.replacing_queue",
        "ingest.batch_queue",
    }
    assert {r["name"] for r in unforced} == allowed


async def test_records_that_disagree_with_themselves_cross_nothing(
    instance: Instance, pair: tuple[Tenant, Tenant]
) -> None:
    """Key, header and body name different municipalities: dead letters in geo, analysis and notify, no row anywhere."""
    first, second = pair

    def headers(topic: str, owner: str) -> list[tuple[str, bytes]]:
        return Envelope(str(uuid4()), "/attack", event_type(topic, 1), NOON, owner, str(uuid4())).headers()

    body = received(900, kommun=second.kommun).model_dump_json().encode()
    inner = located(901).model_dump(mode="json")
    inner["kommun"], inner["report"]["kommun"] = first.kommun, second.kommun
    attacks = [
        (REPORT_RECEIVED.name, first.kommun, headers("report-received", second.kommun), body),
        (REPORT_RECEIVED.name, second.kommun, headers("report-received", first.kommun), body),
        (REPORT_RECEIVED.name, first.kommun, headers("report-received", first.kommun), body),
        (REPORT_LOCATED.name, first.kommun, headers("report-located", first.kommun), json.dumps(inner).encode()),
    ]
    before = {room: (await instance.sql("select count(*) as n from dead_letters", room=room))[0]["n"] for room in ROOMS}
    producer = AIOKafkaProducer(**access(instance.ground.kafka).arguments())
    await producer.start()
    for topic, key, head, value in attacks:
        await producer.send_and_wait(topic, value, key=key.encode(), headers=head)
    await producer.stop()

    async def aside() -> bool:
        now = {
            room: (await instance.sql("select count(*) as n from dead_letters", room=room))[0]["n"] for room in ROOMS
        }
        return {r: now[r] - before[r] for r in ROOMS} == {"ingest": 0, "geo": 3, "analysis": 1, "notify": 1}

    await eventually(aside, "five dead letters")
    await asyncio.sleep(0.5)
    for tenant, expected in ((first, 3), (second, 2)):
        for table in ("facts", "facts_versions"):
            rows = await instance.sql(f"select count(*) as n from {table}", kommun=tenant.kommun)
            assert rows[0]["n"] == expected
