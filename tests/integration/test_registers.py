"""A municipality gets an address register: texts are placed, old reports on request, nobody else's rows are touched."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.geo.handlers.noticing import Noticing
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.support import register_files as files
from tests.support.command import lagesbild
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports

EKSJO = "0686"
FAR = {"x": 15.0, "y": 57.70}


async def imported(instance: Instance, path: Path, *more: str, expect: int = 0) -> Any:
    said = await lagesbild(
        instance.ground, "import", "addresses", str(path), "--kommun", EKSJO, "--source", "lantmateriet",
        "--vintage", "2026-11-01", "--json", *more, expect=expect,
        LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")),
    )  # fmt: skip
    return json.loads(said.out) if expect == 0 else said.err


async def placement(instance: Instance, tenant: Tenant, sent: str) -> dict[str, Any]:
    """Where a report was placed, as soon as it is."""
    ident = tenant.ledger[sent]["report_id"]
    found: dict[str, Any] = {}

    async def placed() -> bool:
        async with asking(instance.ground.layout.public_url) as http:
            answer = await http.get(f"/v1/placements/{ident}", headers=tenant.bearer)
        found.update(answer.json())
        return answer.status_code == 200

    await eventually(placed, f"a placement of {sent}")
    return found


@pytest.fixture(scope="module")
async def eksjo(instance: Instance) -> Tenant:
    return await instance.tenant(EKSJO, "Eksjö")


async def test_texts_are_placed_once_there_is_a_register_and_old_ones_on_request(
    instance: Instance, eksjo: Tenant, tmp_path: Path
) -> None:
    mark = uuid4().hex[:6]
    await eksjo.load(reports(1, f"{mark}-before", place={"text": "storgatan 10 b"}))
    assert (await placement(instance, eksjo, f"{mark}-before-0"))["reason"] == "no_register"

    path = files.lantmateriet(tmp_path / "belagenhetsadresser_kn0686.gpkg")
    dry = await imported(instance, path, "--dry-run")
    assert (dry["number"], dry["difference"]["added"], dry["credit"]) == (None, 168, "© Lantmäteriet")
    done = await imported(instance, path)
    assert done["number"] >= 1
    assert (await imported(instance, path, "--dry-run"))["difference"]["unchanged"] == 168

    await eksjo.load(reports(1, f"{mark}-after", place={"text": "storgtan 10 b"}))
    await eksjo.load(reports(1, f"{mark}-unknown", place={"text": "Finns inte-gatan 5"}))
    await eksjo.load(reports(1, f"{mark}-far", place={"text": "Storgatan 10", "coordinates": {"x": 14.60, "y": 57.70}}))
    after = await placement(instance, eksjo, f"{mark}-after-0")
    assert (after["precision"], after["reason"], after["located_kommun"]) == ("address", None, EKSJO)
    assert after["area"].startswith(EKSJO)
    assert (await placement(instance, eksjo, f"{mark}-unknown-0"))["reason"] == "not_found"
    await placement(instance, eksjo, f"{mark}-far-0")  # three loads need not be placed in the order they were sent
    far = UUID(eksjo.ledger[f"{mark}-far-0"]["report_id"])
    events = await instance.sql("select event from placements where report_id = $1", far, kommun=EKSJO, room="geo")
    kept = json.loads(events[0]["event"])["placement"]
    assert (kept["precision"], kept["notes"]) == ("gps", ["text_conflict"])
    assert (await placement(instance, eksjo, f"{mark}-before-0"))["reason"] == "no_register"

    said = await lagesbild(instance.ground, "place-again", EKSJO, "--json",
                           LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")))  # fmt: skip
    assert json.loads(said.out)["changed"] >= 1
    assert (await placement(instance, eksjo, f"{mark}-before-0"))["precision"] == "address"

    async def counted() -> bool:
        rows = await instance.sql(
            "select event::jsonb->'placement'->>'precision' as p, event::jsonb->'placement'->>'notes' as notes"
            " from facts where report_id = $1",
            UUID(eksjo.ledger[f"{mark}-before-0"]["report_id"]), kommun=EKSJO,
        )  # fmt: skip
        return bool(rows) and rows[0]["p"] == "address" and "placed_again" in rows[0]["notes"]

    await eventually(counted, "the picture follows the new placement")
    again = await lagesbild(instance.ground, "place-again", EKSJO, "--json",
                            LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")))  # fmt: skip
    assert json.loads(again.out)["changed"] == 0


async def test_lookups_over_http(instance: Instance, eksjo: Tenant, tmp_path: Path) -> None:
    await imported(instance, files.lantmateriet(tmp_path / "a.gpkg"))
    other = await instance.tenant(f"9{uuid4().int % 1000:03d}")
    async with asking(instance.ground.layout.public_url) as http:
        found = (await http.get("/v1/geocode", params={"text": "Rådhusg. 12"}, headers=eksjo.bearer)).json()
        assert (found["outcome"], found["candidates"][0]["label"]) == ("found", "Rådhusgatan 12")
        assert (found["register"], found["credit"]) == ("lantmateriet 2026-11-01", "© Lantmäteriet")
        best = found["candidates"][0]
        point = {"lon": best["lon"], "lat": best["lat"]}
        nearest = (await http.get("/v1/reverse", params=point, headers=eksjo.bearer)).json()
        assert nearest["address"]["label"] == "Rådhusgatan 12"
        assert nearest["area"]["kommun"] == EKSJO
        typed = (await http.get("/v1/suggest", params={"q": "rådh"}, headers=eksjo.bearer)).json()
        assert [s["label"] for s in typed["suggestions"]] == ["Rådhusgatan"]
        typed = (await http.get("/v1/suggest", params={"q": "storgatan 1", "limit": 3}, headers=eksjo.bearer)).json()
        assert [s["label"] for s in typed["suggestions"]] == ["Storgatan 1", "Storgatan 10", "Storgatan 10B"]
        many = await http.post("/v1/geocode", json={"texts": ["Hagby 3", "?"]}, headers=eksjo.bearer)
        assert [a["outcome"] for a in many.json()["answers"]] == ["found", "none"]
        listed = await http.get("/v1/names", headers=eksjo.bearer)
        assert "Storgatan" in [s[0] for s in listed.json()["streets"]]
        assert "Mariannelund" in [p[0] for p in listed.json()["places"]]
        again = await http.get("/v1/names", headers=eksjo.bearer | {"If-None-Match": listed.headers["etag"]})
        assert again.status_code == 304
        theirs = (await http.get("/v1/geocode", params={"text": "Rådhusg. 12"}, headers=other.bearer)).json()
        assert (theirs["outcome"], theirs["register"], theirs["candidates"]) == ("none", None, [])
        wrong: list[dict[str, Any]] = [{"text": ""}, {"text": "x" * 301}, {"text": "a", "lon": 14.0}]
        for bad in [*wrong, {"text": "a", "lon": 0, "lat": 0}]:
            answer = await http.get("/v1/geocode", params=bad, headers=eksjo.bearer)
            assert answer.status_code == 422, bad
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_bad_file_changes_nothing(instance: Instance, eksjo: Tenant, tmp_path: Path) -> None:
    assert eksjo.kommun == EKSJO
    whole = files.lantmateriet(tmp_path / "a.gpkg")
    number = (await imported(instance, whole))["number"]
    error = await imported(instance, files.break_file(files.lantmateriet(tmp_path / "cut.gpkg")), expect=2)
    assert "cut.gpkg" in error
    listed = await lagesbild(instance.ground, "registers", "list", EKSJO, "--json",
                             LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")))  # fmt: skip
    active = [r["number"] for r in json.loads(listed.out) if r["active"]]
    assert active == [number]
    for arguments, code in ((("activate", EKSJO, "999"), 2), (("activate", EKSJO, str(number)), 0)):
        await lagesbild(instance.ground, "registers", *arguments, expect=code,
                        LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")))  # fmt: skip


async def test_a_default_point_is_noticed_and_flagged_on_what_lies_there(instance: Instance) -> None:
    tenant = await instance.tenant(f"9{uuid4().int % 1000:03d}")
    sent = reports(25, "default", place={"coordinates": {"x": 14.9, "y": 57.6}})
    await tenant.load(sent + reports(15, "spread"))
    await tenant.tally(40)
    database = Database(instance.ground.database_url(work_role("geo")), pool_size=1)
    try:
        noticing = Noticing(database, {tenant.kommun})
        assert await noticing.look(tenant.kommun)
        assert not await noticing.look(tenant.kommun), "known by now"
    finally:
        await database.close()

    async def flagged() -> bool:
        rows = await instance.sql(
            "select count(distinct report_id) as n from placements where review = 'default_point'",
            kommun=tenant.kommun, room="geo",
        )  # fmt: skip
        return bool(rows[0]["n"] == 25)

    await eventually(flagged, "the reports at the default point wait for a person")
    await tenant.tally(40)
