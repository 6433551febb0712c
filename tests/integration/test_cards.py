"""Cards, what is behind a number, nightly gatherings, earlier knowledge: on a real database and through the doors."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import h3
import httpx
import numpy as np

from schemas.locations import PlaceRef, Point, ReportLocated
from services.analysis.domain import case_documents as documents
from services.analysis.domain.selection import Selection
from services.analysis.handlers import judging
from services.analysis.handlers.carding import Card, Carding
from services.analysis.handlers.filling import fill
from services.analysis.handlers.place_cards import place_card
from services.analysis.handlers.scanning import Scanning
from services.analysis.handlers.watching import Watching
from services.analysis.store import cards as store
from services.analysis.store import density, numbers, places, signals
from services.analysis.store.cards import Subject
from services.analysis.store.pictures import Span
from services.analysis.web.card_sheets import file_of
from services.analysis.web.cards import _told
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import client, person
from tests.integration.test_pictures import drafted, number
from tests.integration.test_pictures import history as risen
from tests.integration.test_signals import _report, cases, schedule, take, told
from tests.support.http import asking
from tests.support.instance import Instance, reports

LAST = date(2033, 5, 12)
"""A Thursday far ahead, so that the instance's own schedule has nothing to say about it."""
MIDDLE = h3.latlng_to_cell(57.6533, 14.6968, 9)


def put(fact: ReportLocated, cell: str, place: UUID | None = None) -> ReportLocated:
    lat, lon = h3.cell_to_latlng(cell)
    places = () if place is None else (PlaceRef(place_id=place, version="1"),)
    point = Point(lon=lon, lat=lat, e=480_000.0 + lon, n=6_390_000.0 + lat)
    placed = {"cells": {"9": cell, "10": h3.cell_to_center_child(cell, 10)}, "places": places, "point": point}
    return fact.model_copy(update={"placement": fact.placement.model_copy(update=placed)})


def history(kommun: str) -> list[ReportLocated]:
    return [_report(kommun, i, LAST - timedelta(days=14 + 3 * i)) for i in range(120)]


CHOSEN = Selection(LAST - timedelta(days=13), LAST)


async def test_a_card_counts_what_its_reports_say(database: Database, serving: Database, kommun: str) -> None:
    place = uuid4()
    inside = [put(_report(kommun, 1_000 + i, LAST - timedelta(days=i)), MIDDLE, place) for i in range(9)]
    elsewhere = [_report(kommun, 2_000 + i, LAST, area="R002", event_type="B1") for i in range(3)]
    dark = _report(kommun, 3_000, LAST - timedelta(days=40), event_type="E1", ongoing=True)
    zero = _report(kommun, 3_001, LAST, event_type="G1")
    await take(database, kommun, [*history(kommun), *inside, *elsewhere, dark, zero])
    card = await Carding(serving).card(kommun, Subject("regso", f"{kommun}R001", ""), CHOSEN)
    assert (card.now, card.count, len(card.behind)) == (9, 9, 5)
    assert [n for _, n in card.periods][-2:] == [5, 9]
    assert card.finding is not None
    assert card.finding.observed == 9
    assert card.eyes[-1] == 5
    assert card.zero_reports == 1
    assert [e["report"]["event_type"] for e in card.still_open] == ["E1"]
    assert set(card.areas) == {f"{kommun}R001", f"{kommun}R002"}, "its neighbours stand on the map"
    assert sum(card.rhythm.values()) > 50 * 1_000_000

    kind = await Carding(serving).card(kommun, Subject("regso", "", "B"), CHOSEN)
    assert (kind.now, list(kind.areas)) == (3, [f"{kommun}R002"])

    named = await place_card(serving, kommun, Subject("platser", "torget", ""), place, CHOSEN)
    assert (named.now, named.count) == (9, 9)
    assert named.kinds == {"A1": (9_000_000, 0)}
    seen = (named.looked_at, named.eyes[-1], named.appointed, named.zero_reports)
    assert seen == (f"{kommun}R001", 5, 0, 1), "who looked at the area that the place lies in"
    async with serving.transaction((kommun,)) as connection:
        rows = await places.by_period(connection, kommun, Span(CHOSEN.first - timedelta(days=14), LAST, 14))
        count = await store.how_many(connection, kommun, CHOSEN, store.Inside(place=place))
    assert rows == [(1, str(place), f"{kommun}R001", 9_000_000)]
    assert count == 9
    _its_file_says_the_same(named, place)
    other = await place_card(serving, kommun, Subject("platser", "parken", ""), uuid4(), CHOSEN)
    assert (other.now, other.count, other.looked_at, other.eyes) == (0, 0, "", ())


def _its_file_says_the_same(card: Card, place: UUID) -> None:
    said = _told(card, {}, place, ("", ""))
    lines = bytes(file_of(said, "csv").body).decode("utf-8-sig").splitlines()
    assert lines[0] == "Tabell;Rad;Rapporter;Före"
    assert f"Perioder;{CHOSEN.first};9;0" in lines
    assert "Typer;klotter;9;0" in [line.replace("Klotter", "klotter") for line in lines]
    assert f"Källor;{text('source.rapportor')};9;0" in lines
    week = [float(line.split(";")[2].replace(",", ".")) for line in lines if line.startswith("Veckan;")]
    assert (len(week), round(sum(week))) == (7 * len(said["blocks"]), 5), "of whole weeks, to the Sunday"
    assert bytes(file_of(said, "xlsx").body).startswith(b"PK")


async def test_an_upgrade_says_of_old_states_what_is_said_of_new_ones(database: Database, kommun: str) -> None:
    """Around midnight in Sweden, over a change of the clock, closed on the day they were seen."""
    migration = import_module("services.analysis.migrations.versions.0014_stood")
    spans = [(datetime(2032, 10, 30, 21, 30, tzinfo=UTC), timedelta(minutes=m)) for m in (0, 29, 31, 90, 26 * 60)]
    spans += [(datetime(2032, 7, 1, 21, 59, tzinfo=UTC), timedelta(minutes=m)) for m in (0, 1, 2)]
    facts = [_report(kommun, i, LAST, event_type="E1", time_from=at, time_to=at + lasted)
             for i, (at, lasted) in enumerate(spans)]  # fmt: skip
    await take(database, kommun, facts)
    async with database.transaction((kommun,)) as connection:
        found = await connection.exec_driver_sql(
            f"select stands_until, case when {migration._CLOSED} > day then {migration._CLOSED} end from facts"
        )
        rows = [tuple(row) for row in found]
    assert [now for now, _ in rows] == [then for _, then in rows]
    assert {row is None for row, _ in rows} == {True, False}


async def test_a_source_waits_for_its_own_late_reports_only(database: Database, kommun: str) -> None:
    prompt = [_report(kommun, i, LAST - timedelta(days=i % 20)) for i in range(40)]
    late = [_report(kommun, 100 + i, LAST - timedelta(days=20), source="felanmalan",
                    received_at=datetime(2033, 5, 2, 11, tzinfo=UTC)) for i in range(3)]  # fmt: skip
    await take(database, kommun, [*prompt, *late])
    async with database.transaction((kommun,)) as connection:
        first = LAST - timedelta(days=30)
        of_all = await signals.lateness(connection, kommun, first, LAST)
        of_one = await signals.lateness(connection, kommun, first, LAST, ("felanmalan",))
    assert of_one == [(LAST - timedelta(days=20), 10, 3_000_000)]
    assert len(of_all) == 21


async def test_a_page_s_words_are_those_of_the_measures_and_reporters_can_but_weaken_them(
    database: Database, serving: Database, kommun: str
) -> None:
    """Twice the reports in one area is sure, unless twice as many were looking; the others stay as they are."""
    steady = [_report(kommun, 100 * p + i, LAST - timedelta(days=14 * p + i % 14), area=f"R00{1 + i % 2}")
              for p in range(12) for i in range(24)]  # fmt: skip
    more = [_report(kommun, 9_000 + i, LAST - timedelta(days=i % 14)) for i in range(40)]
    await take(database, kommun, [*steady, *more])
    found = await judging.table(serving, kommun, CHOSEN, ["area", "type"])
    assert {a: j.word for a, j in found.areas.items()} == {f"{kommun}R001": "sure", f"{kommun}R002": "unsure"}
    assert {round(j.expected or 0) for j in found.areas.values()} == {12}
    assert (found.whole.word, found.kinds["A1"].word) == ("sure", "sure")
    assert found.areas[f"{kommun}R003"] == judging.UNKNOWN
    async with serving.transaction((kommun,)) as connection:
        assert found.counts == await numbers.beside(connection, kommun, CHOSEN, ["area", "type"])
    eyes = [_report(kommun, 9_500 + i, LAST, event_type="G1", reporter_token=f"newcomer-{i}") for i in range(14)]
    await take(database, kommun, eyes)
    assert (await judging.table(serving, kommun, CHOSEN, ["area"])).areas[f"{kommun}R001"].word == "unsure"
    chosen = replace(CHOSEN, types=("B",))
    assert (await judging.table(serving, kommun, chosen, ["area"])).whole == judging.UNKNOWN


async def test_every_number_opens_as_many_reports(database: Database, serving: Database, kommun: str) -> None:
    facts = [
        _report(kommun, i, LAST - timedelta(days=i % 20), area=f"R00{1 + i % 3}", event_type=("A1", "B2", "E1")[i % 3],
                source=("rapportor", "felanmalan")[i % 2]) for i in range(90)
    ]  # fmt: skip
    gone = [f.model_copy(update={"report": f.report.model_copy(update={"revision": 2, "withdrawn": True})})
            for f in facts[:7]]  # fmt: skip
    await take(database, kommun, [*facts, *gone])
    for areas, types, sources in (((), (), ()), ((f"{kommun}R001",), (), ()), ((), ("B",), ()), ((), ("E1",), ()),
                                  ((f"{kommun}R002", f"{kommun}R003"), (), ("felanmalan",))):  # fmt: skip
        chosen = Selection(CHOSEN.first, CHOSEN.last, areas=areas, types=types, sources=sources)
        async with serving.transaction((kommun,)) as connection:
            (row,) = await numbers.counts(connection, kommun, chosen)
            count = await store.how_many(connection, kommun, chosen)
            found = await store.behind(connection, kommun, chosen, limit=500)
        assert (count, len(found)) == (row.reports // 1_000_000, count), chosen
        assert not any(event["report"]["withdrawn"] for event in found)


async def test_facts_from_before_the_columns_are_filled_when_the_room_starts(
    database: Database, serving: Database, kommun: str
) -> None:
    place = uuid4()
    facts = [put(_report(kommun, i, LAST - timedelta(days=i % 5)), MIDDLE, place) for i in range(12)]
    await take(database, kommun, [*facts, _report(kommun, 50, LAST, event_type="F1"), _report(kommun, 51, LAST)])

    async def columns() -> list[Any]:
        async with serving.transaction((kommun,)) as connection:
            found = await connection.exec_driver_sql(
                "select report_id, day, area_set, event_type, r9, places, stands_until from facts order by report_id"
            )
            return [tuple(row) for row in found]

    before = await columns()
    async with database.transaction((kommun,)) as connection:
        await connection.exec_driver_sql(
            """update facts set day = null, area_set = null, event_type = null, r9 = null, places = null,
                stands_until = null"""
        )

    async def owners() -> AsyncIterator[str]:
        yield kommun

    assert await fill(database, owners) == 14
    assert await columns() == before
    assert await fill(database, owners) == 0


async def test_a_night_finds_a_gathering_once_and_carries_it_on(
    instance: Instance, database: Database, kommun: str
) -> None:
    cells, dice = sorted(h3.grid_disk(MIDDLE, 4)), np.random.default_rng(3)
    quiet = [
        put(_report(kommun, i, LAST - timedelta(days=int(day))), cells[int(cell)])
        for i, (day, cell) in enumerate(zip(dice.integers(0, 364, 400), dice.integers(0, len(cells), 400), strict=True))
    ]
    rise = [put(_report(kommun, 5_000 + i, LAST - timedelta(days=i % 3)), MIDDLE) for i in range(16)]
    await take(database, kommun, [*quiet, *rise])
    task = [Scanning(database).task()]
    night = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC) + timedelta(hours=6)
    for _ in range(2):
        await schedule(database, kommun, night, task).once()
    (case,) = await cases(database, kommun)
    lead = case.document["evidence"][0]
    assert (case.state, case.number[-2:], lead["method"], lead["kind"]) == ("opened", "S1", "scan", "A")
    assert MIDDLE in lead["cells"]
    assert lead["recurrence"] >= 365
    assert lead["observed"] >= 16
    async with database.transaction((kommun,)) as connection:
        found = await density.newest_night(connection, kommun)
    assert found is not None
    assert found["gatherings"][0]["cells"] == lead["cells"]
    # The next night is the same week: nothing more is told. Ten days later the week's own run closes nothing early.
    await schedule(database, kommun, night + timedelta(days=1), task).once()
    assert len(await told(instance, kommun)) == 1
    more = [put(_report(kommun, 6_000 + i, LAST + timedelta(days=6 + i % 2)), MIDDLE) for i in range(16)]
    await take(database, kommun, more)
    await schedule(database, kommun, night + timedelta(days=8), task).once()
    (case,) = await cases(database, kommun)
    assert (case.state, len(case.document["alarm_weeks"])) == ("changed", 2)
    assert [(m.state, m.kind) for m in await told(instance, kommun)] == [("opened", "case"), ("changed", "case")]
    # The week's own run finds it too: the same case, that week told once more in its count of weeks only once.
    weekly = schedule(database, kommun, night + timedelta(days=9), Watching(database).tasks())
    await weekly.once()
    (together,) = await cases(database, kommun)
    weeks = together.document["alarm_weeks"]
    assert weeks == sorted(set(weeks))
    # Nothing was corrected, and nothing is said; then half of it is withdrawn, which is said once.
    await schedule(database, kommun, night + timedelta(days=9), task).once()
    (again,) = await cases(database, kommun)
    assert again.document["reason"] != "corrected", "nothing was corrected"
    gathering = next(e for e in again.document["evidence"] if e["method"] == "scan")
    await take(database, kommun, [f.model_copy(update={"report": f.report.model_copy(
        update={"revision": 2, "withdrawn": True})}) for f in more[:8]])  # fmt: skip
    await schedule(database, kommun, night + timedelta(days=10), task).once()
    (corrected,) = await cases(database, kommun)
    assert (corrected.document["reason"], corrected.revision) == ("corrected", again.revision + 1)
    count = gathering["observed"] - 8
    assert [e["observed"] for e in corrected.document["now"] if e.get("method") == "scan"] == [count]
    assert documents.gathering_corrected(corrected.document, count, {}) is None, "said once"
    assert corrected.document["evidence"] == again.document["evidence"], "as it was"
    assert corrected.document["scan"]["setting"]["replicates"] == 999
    assert signals.sealed(corrected.document)[1] == corrected.hash


async def test_numbers_as_they_were_known_are_asked_by_api(instance: Instance, database: Database) -> None:
    tenant = await instance.tenant("7995")
    day = LAST - timedelta(days=2)
    facts = [_report("7995", i, day) for i in range(4)]
    await take(database, "7995", facts)
    late = facts[0].placement.placed_at + timedelta(days=3)
    gone = facts[0].model_copy(
        update={
            "report": facts[0].report.model_copy(update={"revision": 2, "withdrawn": True}),
            "placement": facts[0].placement.model_copy(update={"placed_at": late, "placement": 2}),
        }
    )
    await take(database, "7995", [gone])
    query = {"from": day.isoformat(), "to": day.isoformat(), "group_by": "type"}
    async with asking(instance.ground.layout.public_url, headers=tenant.bearer) as http:
        now = (await http.get("/v1/counts", params=query)).json()
        moments = [
            late - timedelta(hours=1),
            late + timedelta(hours=1),
            facts[0].placement.placed_at - timedelta(days=1),
        ]
        then = [(await http.get("/v1/counts", params=query | {"as_of": m.isoformat()})).json() for m in moments]
        bad = [
            await http.get("/v1/counts", params=query | {"as_of": m}) for m in ("torsdag", "0.5", "2026-11-26T12:00")
        ]
    assert now["total"] == 3
    assert [t["total"] for t in then] == [4, 3, 0]
    assert then[0]["rows"] == [{"type": "A1", "reports": 4, "seen": 4}]
    assert [answer.status_code for answer in bad] == [422, 422, 422]


async def test_the_text_of_a_report_is_for_analysts_and_every_read_is_noted(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    written = "Lampan vid entrén har varit trasig i en vecka."
    await tenant.load([reports(1, "text")[0] | {"text": written}])
    await tenant.tally(1)
    ident = tenant.ledger["text-0"]["report_id"]
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        cookies = {role: await person(door, kommun, role) for role in ("analytiker", "est_medlem", "rapportor")}
        elsewhere = await instance.tenant(f"9{kommun[1:]}")
        cookies["stranger"] = await person(door, elsewhere.kommun, "analytiker")
    finally:
        await door.close()
    pages: dict[str, httpx.Response] = {}
    texts: dict[str, int] = {}
    for who, jar in cookies.items():
        async with client(instance, jar) as http:
            pages[who] = await http.get(f"/rapporter/{ident}")
            bearer = {"Authorization": f"Bearer {jar['lb_token']}"}
            texts[who] = (await http.get(f"/v1/reports/{ident}/text", headers=bearer)).status_code
    assert texts == {"analytiker": 200, "est_medlem": 403, "rapportor": 403, "stranger": 404}
    assert {who: page.status_code for who, page in pages.items()} == {
        "analytiker": 200, "est_medlem": 200, "rapportor": 403, "stranger": 404,
    }  # fmt: skip
    assert written in pages["analytiker"].text
    assert written not in pages["est_medlem"].text
    assert text("card.text_denied") in pages["est_medlem"].text
    noted = {
        room: [
            r["what"] for r in await instance.sql("select what from read_log order by number", kommun=kommun, room=room)
        ]
        for room in ("ingest", "analysis")
    }
    assert noted["ingest"].count("text") == 2, "the page and the call"
    assert noted["analysis"].count("report") == 2, "two who might look; the stranger has a log of their own"


async def test_a_kept_selection_is_the_readers_own_and_only_of_our_pages(instance: Instance, kommun: str) -> None:
    await instance.tenant(kommun)
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        mine, theirs = [await person(door, kommun, "analytiker") for _ in range(2)]
    finally:
        await door.close()
    async with client(instance, mine) as http, client(instance, theirs) as other:
        form = {"name": "Klotter i höst", "address": "/oversikt?type=A&from=2026-09-01"}
        assert (await http.post("/oversikt/urval", data=form)).headers["location"] == form["address"]
        assert "Klotter i höst" in (await http.get("/oversikt")).text
        assert "Klotter i höst" not in (await other.get("/oversikt")).text
        for address in ("https://elsewhere.example/", "//elsewhere.example", "/logga-ut", "/oversikt?x=<script>"):
            answer = await http.post("/oversikt/urval", data={"name": "x", "address": address})
            assert answer.status_code == 422, address
        gone = form | {"forget": "1"}
        assert (await other.post("/oversikt/urval", data=gone)).status_code == 303
        assert "Klotter i höst" in (await http.get("/oversikt")).text, "nobody else's to take away"
        assert (await http.post("/oversikt/urval", data=gone)).status_code == 303
        assert "Klotter i höst" not in (await http.get("/oversikt")).text


async def test_cases_and_pictures_are_documents_with_hashes(
    instance: Instance, database: Database, kommun: str
) -> None:
    tenant = await instance.tenant(kommun)
    await risen(database, kommun)
    draft = await drafted(database, kommun)
    url = instance.ground.layout.public_url
    async with asking(url, headers=tenant.bearer) as http:
        assert (await http.get("/v1/pictures")).json() == [], "a draft is for those who write it"
        missing = [await http.get(f"/v1/{p}") for p in ("pictures/2001:01", f"pictures/{number()}", f"cases/{uuid4()}")]
        assert (await http.get("/v1/cases")).json() == []
        span = {"from": draft.document["first"], "to": draft.document["last"]}
        refused = await http.get("/v1/exposure")
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    analyst = await person(door, kommun, "analytiker")
    await door.close()
    async with asking(url, headers={"Authorization": f"Bearer {analyst['lb_token']}"}) as http:
        (own,) = (await http.get("/v1/pictures")).json()
        dense = await http.get("/v1/hotspots.geojson", params={"weeks": "13"})
        wrong = await http.get("/v1/hotspots.geojson", params={"type": "Q9"})
        whole = (await http.get("/v1/exposure", params=span)).json()["rows"]
        areas = (await http.get("/v1/exposure", params=span | {"group_by": "area"})).json()["rows"]
        shapes = await http.get(f"/v1/pictures/{own['number']}/map.geojson")
    assert refused.status_code == 403, "few reporters in a group are somebody's days"
    assert (own["hash"], own["document"]) == (draft.hash, json.loads(json.dumps(draft.document)))
    assert sum(f["properties"]["now"] for f in shapes.json()["features"]) == draft.document["totals"]["now"]
    assert [m.status_code for m in missing] == [404, 404, 404]
    assert dense.json()["features"] == []
    assert wrong.status_code == 422
    assert [(r["active"], r["zero_reports"], r["last_day"]) for r in whole] == [(5, 0, span["to"])]
    assert [(r["area"], r["active"]) for r in areas] == [(f"{kommun}R001", 5)]
