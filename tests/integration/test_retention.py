"""Gallring in all rooms: by decision only, texts and photos gone, reports anonymised and counted where they were."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from services.geo.handlers.replacing import ask
from services.ingest.gateways.objects import Objects
from services.ingest.handlers import appointments
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.ingest.handlers.photos import Photos
from services.ingest.handlers.republishing import republish
from services.ingest.handlers.retaining import Retaining
from services.ingest.settings import IngestSettings
from services.ingest.store.retention import Rule
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from tests.integration.test_people import traces
from tests.integration.test_photos import client, hand_in, lying, person, photo_id
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, follower, reports
from tests.unit.ingest.test_pictures import photo

LATER = datetime.now(UTC) + timedelta(days=800)
LON, LAT = 14.696812, 57.653377


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def working(instance: Instance) -> AsyncIterator[Database]:
    """The door's database as its working process sees it, which is who does this."""
    made = Database(instance.ground.database_url(work_role("ingest")), pool_size=2)
    yield made
    await made.close()


@pytest.fixture
async def serving(instance: Instance) -> AsyncIterator[Database]:
    made = Database(instance.ground.database_url(serve_role("ingest")), pool_size=2)
    yield made
    await made.close()


def retaining(instance: Instance, database: Database) -> Retaining:
    values = {"database_url": "x", "photos": str(instance.ground.layout.data / "photos")}
    return Retaining(database, Photos(database, Objects(IngestSettings.model_validate(values))))


async def numbers(instance: Instance, kommun: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the views that a report is in."""
    found = {}
    for view in ("cube", "rhythm", "cells", "sources", "lateness"):
        rows = await instance.sql(
            f"select t.* from {view} t join view_state s using (generation) where kommun = $1 and s.name = $2",
            kommun, view, kommun=kommun,
        )  # fmt: skip
        found[view] = sorted((tuple(r.values()) for r in rows), key=repr)
    return found


async def events(instance: Instance, kommun: str, ids: list[UUID]) -> list[dict[str, Any]]:
    query = "select event from facts where kommun = $1 and report_id = any($2)"
    return [json.loads(r["event"]) for r in await instance.sql(query, kommun, ids, kommun=kommun)]


async def anonymised(instance: Instance, kommun: str, ids: list[UUID]) -> None:
    async def done() -> bool:
        found = await events(instance, kommun, ids)
        return len(found) == len(ids) and all(e["report"]["anonymised"] for e in found)

    await eventually(done, f"{len(ids)} anonymised facts")


async def decide(serving: Database, instance: Instance, kommun: str, *classes: str) -> None:
    for data_class in classes:
        rule = Rule(data_class, 24, "KS § 45", date(2026, 11, 2))
        await retaining(instance, serving).decide(kommun, rule, data_class)


async def test_reports_are_anonymised_in_every_room_and_count_where_they_counted(
    instance: Instance, tenant: Tenant, serving: Database, working: Database
) -> None:
    kommun = tenant.kommun
    await follower(tenant, min_severity=1)  # whom the ledger of messages tells about all of them
    point = {"coordinates": {"x": LON, "y": LAT, "accuracy_m": 5}}
    await tenant.load(reports(6, "gone", place=point, text="Klotter vid entrén till porten"))
    await tenant.load([r | {"source_version": 2, "count": 3} for r in reports(2, "gone", place=point)])
    await tenant.load(
        reports(2, "goes-on", place={"coordinates": {"x": 14.69, "y": LAT}}, event_type="E1", ongoing=True)
    )
    reporter = client(instance, await person(serving, kommun, "rapportor"))
    await hand_in(reporter, "mine", photo(), lon=str(LON), lat=str(LAT), text="Bakom containern", address="")
    await photo_id(reporter)
    await tenant.tally(9)
    rows = await instance.sql("select report_id, event from facts where kommun = $1", kommun, kommun=kommun)
    tokens = [t for r in rows if (t := json.loads(r["event"])["report"].get("reporter_token"))]
    ids = [r["report_id"] for r in rows if not json.loads(r["event"])["report"]["ongoing"]]
    assert len(tokens) == 1
    assert len(ids) == 7
    before = await numbers(instance, kommun)

    job = retaining(instance, working)
    assert await job.tidy(kommun, LATER) == {}, "no decision, no deletion"
    await decide(serving, instance, kommun, "report")
    assert await job.tidy(kommun) == {"report": 0}, "not yet"
    assert await job.tidy(kommun, LATER) == {"report": 7}
    assert await job.tidy(kommun, LATER) == {"report": 0}, "once"
    await anonymised(instance, kommun, ids)

    assert await numbers(instance, kommun) == before
    assert set(lying(instance, kommun).values()) == {0}
    assert "/v1/photos/" not in (await reporter.get("/mina-rapporter")).text
    goes_on = [i for r in rows if (i := r["report_id"]) not in ids]
    for table, room in (("fact_history", "analysis"), ("decisions", "geo")):
        query = f"select 1 from {table} where kommun = $1 and report_id = any($2)"
        assert await instance.sql(query, kommun, ids, kommun=kommun, room=room) == [], table
    for table, room in (("placements", "geo"), ("revisions", "ingest")):
        query = f"select count(*) as n from {table} where kommun = $1 and report_id = any($2)"
        assert (await instance.sql(query, kommun, ids, kommun=kommun, room=room))[0]["n"] == 7, table
    left = await traces(instance, kommun, *tokens, "Klotter vid entrén", "Bakom containern", str(LON))
    # The outbox keeps what was sent for sixty days; an appointment's own row is the municipality's to erase.
    expected = ('"ingest"."outbox"', '"ingest"."appointments"', '"analysis"."appointments"')
    assert [t for t in left if not t.startswith(expected)] == []
    told = "select event from notices where kommun = $1 and kind = 'report'"

    async def told_and_gone() -> bool:
        ledger = await instance.sql(told, kommun, kommun=kommun, room="notify")
        anonymous = sum(json.loads(r["event"])["report"]["anonymised"] for r in ledger)
        return (len(ledger), anonymous) == (9, 7)

    await eventually(told_and_gone, "notify has read it all too: nobody is told again, seven are anonymised")
    for event in await events(instance, kommun, ids):
        assert event["placement"]["notes"] == ["anonymised"]
        assert abs(event["placement"]["point"]["lon"] - LON) > 1e-6, "the middle of the cell"
        place = event["report"]["place"]
        assert (place["coordinates"], place["text"]) == (None, None)
    assert len(await events(instance, kommun, goes_on)) == 2
    assert all(e["report"]["place"]["coordinates"] for e in await events(instance, kommun, goes_on))

    async with asking(instance.ground.layout.public_url) as http:
        late = await http.post(
            "/v1/reports", json=reports(1, "gone")[0] | {"source_version": 9}, headers=tenant.headers
        )
        assert (late.status_code, late.json()["type"].rsplit("/", 1)[1]) == (422, "retired")
    protocol = await job.protocol(kommun)
    assert [(p.data_class, p.reports, p.decision, p.months) for p in protocol] == [("report", 7, "KS § 45", 24)]
    await still_there(instance, kommun, serving, ids, before)
    await reporter.aclose()


async def still_there(
    instance: Instance, kommun: str, serving: Database, ids: list[UUID], before: dict[str, list[tuple[Any, ...]]]
) -> None:
    """Sent again after a lost broker, and placed anew for a layer: the same numbers."""
    await republish(serving, kommun, lambda _owner, _count: None)
    geo = Database(instance.ground.database_url(serve_role("geo")), pool_size=1)
    try:
        await ask(geo, kommun, "all", "test")
    finally:
        await geo.close()

    async def asked() -> bool:
        query = "select count(*) as n from replacings where kommun = $1 and finished_at is null"
        return bool((await instance.sql(query, kommun, kommun=kommun, room="geo"))[0]["n"] == 0)

    await eventually(asked, "placed anew")
    assert await numbers(instance, kommun) == before
    await anonymised(instance, kommun, ids)


async def test_a_correction_right_before_keeps_its_own_place(
    instance: Instance, tenant: Tenant, serving: Database, working: Database
) -> None:
    """geo was away, and finds the correction and what gallring made of it in one batch."""
    kommun = tenant.kommun
    first, second = {"coordinates": {"x": LON, "y": LAT}}, {"coordinates": {"x": 15.0863, "y": 57.6665}}
    await tenant.load(reports(1, "moved", place=first))
    await tenant.tally(1)
    await decide(serving, instance, kommun, "report")
    instance.freeze("geo work", 4)
    await tenant.load([reports(1, "moved", place=second)[0] | {"source_version": 2}])
    assert await retaining(instance, working).tidy(kommun, LATER) == {"report": 1}
    ident = [UUID(answer["report_id"]) for answer in tenant.ledger.values()]
    await anonymised(instance, kommun, ident)
    (event,) = await events(instance, kommun, ident)
    assert abs(event["placement"]["point"]["lon"] - 15.0863) < 0.002
    assert event["placement"]["located_kommun"] != "0682"
    await tenant.tally(1)


async def test_texts_and_photos_go_by_their_own_decisions(
    instance: Instance, kommun: str, serving: Database, working: Database
) -> None:
    tenant = await instance.tenant(kommun)
    await tenant.load(reports(3, "text", text="Trasig lampa vid trappan"))
    reporter = client(instance, await person(serving, kommun, "rapportor"))
    await hand_in(reporter, "mine", photo())
    await photo_id(reporter)
    job = retaining(instance, working)
    await decide(serving, instance, kommun, "text")
    assert await job.tidy(kommun, LATER) == {"text": 3}
    assert [size > 0 for size in lying(instance, kommun).values()] == [True]
    await decide(serving, instance, kommun, "photo")
    assert await job.tidy(kommun, LATER) == {"photo": 1, "text": 0}
    assert set(lying(instance, kommun).values()) == {0}
    assert await traces(instance, kommun, "Trasig lampa") == []
    await retaining(instance, serving).decide(kommun, None, "text")
    assert set(await job.rules(kommun)) == {"photo"}
    await tenant.tally(4)
    await reporter.aclose()


async def test_the_protocol_cannot_be_changed_by_a_room(instance: Instance) -> None:
    for role in (serve_role("ingest"), work_role("ingest")):
        connection = await asyncpg.connect(instance.ground.dsn(role))
        try:
            for statement in ("delete from retention_protocol", "update retention_protocol set reports = 0"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"photo": "data:..."}, "media_not_allowed"),
        ({"Bilagor": []}, "media_not_allowed"),
        ({"tenant": "x"}, "unknown_field"),
        ({"text": "x" * 281}, "free_text"),
    ],
)
async def test_what_a_system_may_not_send_has_a_code(
    instance: Instance, kommun: str, more: dict[str, Any], kind: str
) -> None:
    tenant = await instance.tenant(kommun)
    async with asking(instance.ground.layout.public_url) as http:
        answer = await http.post("/v1/reports", json=reports(1)[0] | more, headers=tenant.headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["type"] == kind


async def test_free_text_is_the_municipalitys_choice(instance: Instance, kommun: str, serving: Database) -> None:
    tenant, people = await instance.tenant(kommun), People(serving)
    async with asking(instance.ground.layout.public_url) as http:
        reporter = client(instance, await person(serving, kommun, "rapportor"))
        for choice, system, human in (("everybody", 201, 303), ("people", 422, 303), ("nobody", 422, 422)):
            await people.put_free_text(kommun, choice)  # type: ignore[arg-type]  # each of the three
            body = reports(1, choice)[0] | {"text": "Klotter"}
            answer = await http.post("/v1/reports", json=body, headers=tenant.headers)
            assert answer.status_code == system, choice
            form = {"id": choice, "l1": "A", "l2_A": "A1", "when": "now", "area": "0682R001", "text": "Klotter"}
            assert (await reporter.post("/rapportera", data=form)).status_code == human, choice
            assert ('name="text"' in (await reporter.get("/rapportera")).text) == (choice != "nobody")
        await reporter.aclose()


async def test_reporters_whose_appointments_ended_long_ago_are_forgotten_and_nobody_else(
    instance: Instance, tenant: Tenant, working: Database, serving: Database
) -> None:
    """By the working process alone, with its own rights: what an administrator does by hand."""
    appointing, kommun, people = Appointing(serving), tenant.kommun, {}
    for name, roles in (("gone", ["rapportor"]), ("here", ["rapportor"]), ("staff", ["rapportor", "analytiker"])):
        email = f"{uuid4().hex}@exempel.invalid"
        people[name], _ = await appointing.register(
            kommun, name=f"Vera {uuid4().hex[:8]}", email=email, roles=roles, organisation="Prov"
        )
    async with serving.transaction((kommun,)) as connection:
        for who in ("gone", "staff"):
            await appointments.end(connection, kommun, people[who])
    await retaining(instance, serving).decide(kommun, Rule("person", 12, "KS § 2", date(2026, 1, 1)), "person")
    gallring = retaining(instance, working)
    assert (await gallring.tidy(kommun))["person"] == 0, "the year is not over"
    assert (await gallring.tidy(kommun, LATER))["person"] == 1
    assert (await gallring.tidy(kommun, LATER))["person"] == 0

    async def forgotten() -> bool:
        return not await traces(instance, kommun, str(people["gone"]))

    await eventually(forgotten, "no table of any room holds the id")
    async with serving.transaction((kommun,)) as connection:
        left = [r.person_id for r in await connection.execute(text("select person_id from people"))]
    assert {people["here"], people["staff"]} <= set(left)
    (line,) = await gallring.protocol(kommun)
    assert (line.data_class, line.reports) == ("person", 1)
