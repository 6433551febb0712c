"""A municipality gets districts and named places; reports follow, the picture counts by them, nobody is told."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import shapely

from deploy.local.mailbox import read
from schemas.taxonomy import current
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from tests.integration.test_photos import person
from tests.support import layer_files as files
from tests.support.command import lagesbild
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports
from tests.support.voice import never_quiet, somebody

EKSJO = "0686"
AT = {"crs": "EPSG:3006"}


async def imported(instance: Instance, path: Path, name: str, *more: str) -> Any:
    said = await lagesbild(
        instance.ground, "import", "layer", str(path), "--kommun", EKSJO, "--as", name, "--licence", "CC0",
        "--credit", "Eksjö kommun", "--json", *more,
        LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")),
    )  # fmt: skip
    return json.loads(said.out)


@pytest.fixture
async def eksjo(instance: Instance) -> Tenant:
    return await instance.tenant(EKSJO, "Eksjö")


async def areas_of(instance: Instance, tenant: Tenant, sent: str) -> dict[str, str]:
    """Layer → area@version of a report, as the picture has it."""
    ident = UUID(tenant.ledger[sent]["report_id"])
    rows = await instance.sql("select event from facts where report_id = $1", ident, kommun=tenant.kommun)
    if not rows:
        return {}
    placement = json.loads(rows[0]["event"])["placement"]
    found = {a["layer"]: f"{a['area']}@{a['version']}" for a in placement["areas"]}
    return found | {"places": str(len(placement.get("places", ()))), "notes": ",".join(placement.get("notes", ()))}


async def test_a_new_version_of_a_layer_moves_reports_in_the_picture_and_tells_nobody(
    instance: Instance, eksjo: Tenant, tmp_path: Path
) -> None:
    mark, layer = uuid4().hex[:6], f"d{uuid4().hex[:6]}"
    point = {"coordinates": {"x": files.E0 + 980, "y": files.N0 + 950} | AT}
    before = await imported(instance, files.write(tmp_path / "a.gpkg"), layer, "--dry-run")
    assert (before["number"], before["difference"]["added"]) == (None, 2)
    first = await imported(instance, files.write(tmp_path / "a.gpkg"), layer)
    await imported(
        instance, files.write(tmp_path / "p.gpkg", [("T1", "Torget", files.SQUARE)]), f"p{layer}", "--kind", "places"
    )
    await eksjo.load(reports(1, mark, place=point, severity=4))

    async def stands(area: str) -> bool:
        return (await areas_of(instance, eksjo, f"{mark}-0")).get(layer) == area

    async def first_stands() -> bool:
        return await stands(f"V1@{first['number']}")

    await eventually(first_stands, "the report lies in the western district")
    assert (await areas_of(instance, eksjo, f"{mark}-0"))["places"] == "1"

    wide = shapely.box(files.E0 + 900, files.N0, files.E0 + 2_500, files.N0 + 2_000)
    narrow = shapely.box(files.E0, files.N0, files.E0 + 900, files.N0 + 2_000)
    rows = [("V1", "Västra distriktet", narrow), ("O1", "Östra distriktet", wide)]
    second = await imported(instance, files.write(tmp_path / "b.gpkg", rows), layer)
    assert second["difference"]["redrawn"] == 2

    async def second_stands() -> bool:
        return await stands(f"O1@{second['number']}")

    await eventually(second_stands, "the report moved to the eastern district")
    assert (await areas_of(instance, eksjo, f"{mark}-0"))["notes"] == "placed_again"
    async with asking(instance.ground.layout.public_url) as http:
        listed = (await http.get("/v1/layers", headers=eksjo.bearer)).json()
        assert {"regso", "kommun", "lan", layer, f"p{layer}"} <= {entry["layer"] for entry in listed}
        names = (await http.get(f"/v1/layers/{layer}/areas", headers=eksjo.bearer)).json()
        assert {a["name"] for a in names["areas"]} == {"Västra distriktet", "Östra distriktet"}
        drawn = (await http.get(f"/v1/layers/{layer}/outlines.geojson", headers=eksjo.bearer)).json()
        assert len(drawn["features"]) == 2
        counts = await http.get("/v1/counts", params={"layer": layer, "group_by": "area"}, headers=eksjo.bearer)
        assert counts.json()["total"] >= 1
        other = await instance.tenant(f"9{uuid4().int % 1000:03d}")
        assert (await http.get(f"/v1/layers/{layer}/areas", headers=other.bearer)).status_code == 404
        assert layer not in {entry["layer"] for entry in (await http.get("/v1/layers", headers=other.bearer)).json()}


async def test_a_layer_that_begins_later_waits_for_its_day(instance: Instance, eksjo: Tenant, tmp_path: Path) -> None:
    layer = f"d{uuid4().hex[:6]}"
    await imported(instance, files.write(tmp_path / "a.gpkg"), layer, "--valid-from", "2099-01-01")
    queued = await instance.sql("select at from replacing_queue where kommun = $1 and at > now() + interval '9 years'",
                                eksjo.kommun, room="geo")  # fmt: skip
    assert len(queued) == 1
    async with asking(instance.ground.layout.public_url) as http:
        assert (await http.get(f"/v1/layers/{layer}/areas", headers=eksjo.bearer)).status_code == 404


async def test_who_follows_a_square_of_the_municipalitys_own_hears_of_what_happens_there(
    instance: Instance, eksjo: Tenant, tmp_path: Path
) -> None:
    mark, layer = uuid4().hex[:6], f"p{uuid4().hex[:6]}"
    square = files.write(tmp_path / "p.gpkg", [("T1", f"Torget {mark}", files.SQUARE)])
    await imported(instance, square, layer, "--kind", "places", "--title", f"Torg {mark}")
    await never_quiet(instance, await somebody(instance, EKSJO, "administrator"))
    door = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        cookies = await person(door, EKSJO, "est_medlem")
    finally:
        await door.close()
    async with asking(instance.ground.layout.public_url, cookies=cookies) as http:
        page = (await http.get("/utskick")).text
        found = re.search(rf'<optgroup label="Torg {mark}"><option value="(_place/[0-9a-f-]+)">Torget {mark}<', page)
        assert found is not None
        chosen = {"area": found[1], "severity": "1"}
        assert (await http.post("/utskick", data=chosen, follow_redirects=True)).status_code == 200
        assert f"Torget {mark}" in (await http.get("/utskick")).text
    await eksjo.load(reports(1, f"{mark}-out", event_type="A1",
                             place={"coordinates": {"x": files.E0 + 300, "y": files.N0 + 300} | AT}))  # fmt: skip
    kinds = iter(t.code for t in current().types if t.code[0] in "BC")

    def mails() -> list[str]:
        bodies = [read(path).get_body(("plain",)) for path in instance.mail_folder.glob("*.eml")]
        return [text for b in bodies if b is not None and f"Torget {mark}" in (text := str(b.get_content()))]

    async def told() -> bool:
        """Each time something else happens there: what comes in the second of an import is placed by what was."""
        kind = next(kinds)
        await eksjo.load(reports(1, f"{mark}-{kind}", event_type=kind,
                                 place={"coordinates": {"x": files.E0 + 1_000, "y": files.N0 + 950} | AT}))  # fmt: skip
        await asyncio.sleep(10)
        return bool(mails())

    await eventually(told, "a mail that names the square as the reason")
    assert all("kadegörelse" not in mail for mail in mails()), "what happened elsewhere is not followed"
