"""GIS clients: GDAL's own driver lists, pages, filters and reads the layers; who may see what; bad parameters."""

import asyncio
import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from services.geo.domain.crs import WGS84, to_sweref
from services.ingest.handlers.keys import Keys
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports

KOMMUN = "0685"
"""Vetlanda: a municipality of this file's own, with real areas."""
POINT = {"x": 15.08, "y": 57.43}
SENT = 230
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture(scope="module")
async def town(instance: Instance) -> Tenant:
    tenant = await instance.tenant(KOMMUN, "Vetlanda")
    plan = reports(SENT, "gis")
    for i, report in enumerate(plan):
        report["place"] = {"coordinates": {"x": POINT["x"] + (i % 20) * 0.001, "y": POINT["y"] + (i // 20) * 0.001}}
    await tenant.load(plan)
    await tenant.tally(SENT)
    return tenant


async def key(instance: Instance, kommun: str, *scopes: str) -> str:
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        _, made = await Keys(database).create(
            kommun, system=f"gis-{uuid4()}", organisation="Vetlanda kommun", source="felanmalan", scopes=list(scopes)
        )
    finally:
        await database.close()
    return made


def read(url: str, secret: str, layer: str, **arguments: Any) -> Any:
    """A layer by GDAL's driver for OGC API – Features: (columns, geometries)."""
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": f"gdal:{secret}", "GDAL_HTTP_AUTH": "BASIC"})
    meta, table = pyogrio.read_arrow(f"OAPIF:{url}/ogc", layer=layer, **arguments)
    name = meta["geometry_name"] or "wkb_geometry"
    return table, shapely.from_wkb(table[name].to_numpy(zero_copy_only=False)), meta


def names(url: str, secret: str) -> set[str]:
    """The layers that GDAL's driver finds."""
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": f"gdal:{secret}", "GDAL_HTTP_AUTH": "BASIC"})
    return {str(name) for name, _ in pyogrio.list_layers(f"OAPIF:{url}/ogc")}


async def test_gdal_lists_pages_and_filters(instance: Instance, town: Tenant) -> None:
    url = instance.ground.layout.public_url
    secret = await key(instance, KOMMUN, "features:read", "counts:read")
    listed = await asyncio.to_thread(names, url, secret)
    assert {"reports", "regso", "regso-counts"} <= listed
    table, points, meta = await asyncio.to_thread(read, url, secret, "reports")
    assert len(table) == SENT
    assert len(set(table["id"].to_pylist())) == SENT
    # GDAL asks in the storage system: northing first on the wire, easting first in its hands.
    e, n = to_sweref(np.array([POINT["x"]]), np.array([POINT["y"]]), WGS84)
    assert meta["crs"] == "EPSG:3006"
    assert shapely.get_coordinates(points).min(axis=0) == pytest.approx([e[0], n[0]], abs=30)
    box = (e[0] - 30, n[0] - 30, e[0] + 570, n[0] + 470)
    _, inside, _ = await asyncio.to_thread(read, url, secret, "reports", bbox=box)
    assert len(inside) == shapely.within(points, shapely.box(*box)).sum() > 20
    table, areas, _ = await asyncio.to_thread(read, url, secret, "regso-counts")
    assert shapely.is_valid(areas).all()
    assert sum(v or 0 for v in table["reports"].to_pylist()) == SENT
    assert town.kommun == KOMMUN


async def test_pages_are_linked_and_hold_everything_once(instance: Instance, town: Tenant) -> None:
    seen: list[str] = []
    address: str | None = f"{instance.ground.layout.public_url}/ogc/collections/reports/items?limit=50"
    secret = await key(instance, KOMMUN, "features:read")
    async with asking(auth=("qgis", secret)) as http:
        while address is not None:
            answer = await http.get(address)
            assert answer.headers["content-type"] == "application/geo+json"
            body = answer.json()
            seen += [f["id"] for f in body["features"]]
            address = next((link["href"] for link in body["links"] if link["rel"] == "next"), None)
    assert sorted(seen) == sorted(town.ledger[f"gis-{i}"]["report_id"] for i in range(SENT))


@pytest.mark.parametrize(
    ("system", "first", "second"),
    [("4326", (57, 58), (14, 16)), ("3857", (1.6e6, 1.8e6), (7.8e6, 8e6)), ("3006", (6.3e6, 6.4e6), (4.9e5, 5.1e5))],
)
async def test_part_2_answers_in_the_axis_order_of_the_system(
    instance: Instance, town: Tenant, system: str, first: tuple[float, float], second: tuple[float, float]
) -> None:
    base = f"{instance.ground.layout.public_url}/ogc/collections"
    params: dict[str, Any] = {"crs": EPSG + system, "limit": 5}
    secret = await key(instance, KOMMUN, "features:read")
    async with asking(headers={"Authorization": f"Bearer {secret}"}) as http:
        answer = await http.get(f"{base}/reports/items", params=params)
        assert answer.headers["content-crs"] == f"<{EPSG}{system}>"
        points = np.array([f["geometry"]["coordinates"] for f in answer.json()["features"]])
        assert ((points[:, 0] > first[0]) & (points[:, 0] < first[1])).all()
        assert ((points[:, 1] > second[0]) & (points[:, 1] < second[1])).all()
        around = np.concatenate([points.min(axis=0) - 1e-4, points.max(axis=0) + 1e-4])
        params |= {"bbox": ",".join(map(str, around)), "bbox-crs": EPSG + system, "limit": 1000}
        boxed = (await http.get(f"{base}/reports/items", params=params)).json()
        assert 5 <= len(boxed["features"]) <= SENT
        area = (await http.get(f"{base}/regso/items", params={"crs": EPSG + system, "limit": 1})).json()["features"][0]
        outline = shapely.from_geojson(json.dumps(area["geometry"]))
        ring = shapely.get_coordinates(outline)
        assert ((ring[:, 0] > first[0] - 1e5) & (ring[:, 0] < first[1] + 1e5)).all()
    assert town.kommun == KOMMUN


async def test_who_may_see_what(instance: Instance, town: Tenant) -> None:
    url = instance.ground.layout.public_url
    counts, nothing = await key(instance, KOMMUN, "counts:read"), await key(instance, KOMMUN, "reports:write")
    other = await instance.tenant(f"9{uuid4().int % 1000:03d}")
    async with asking(f"{url}/ogc") as http:
        assert (await http.get("/collections")).status_code == 401
        assert (await http.get("/collections", headers={"Authorization": "Bearer lb_nothing"})).status_code == 401
        for secret, may in ((counts, {"regso", "regso-counts"}), (nothing, {"regso"})):
            found = (await http.get("/collections", headers={"Authorization": f"Bearer {secret}"})).json()
            assert {c["id"] for c in found["collections"]} >= may
            assert "reports" not in {c["id"] for c in found["collections"]}
            refused = await http.get("/collections/reports/items", headers={"Authorization": f"Bearer {secret}"})
            assert refused.status_code == 403
        theirs = (await http.get("/collections/reports/items", headers=other.bearer)).json()
        assert theirs["features"] == []
        mine = town.ledger["gis-0"]["report_id"]
        assert (await http.get(f"/collections/reports/items/{mine}", headers=other.bearer)).status_code == 404
        assert (await http.get(f"/collections/reports/items/{mine}", headers=town.bearer)).json()["id"] == mine


BAD = [
    ({"bbox": "1,2,3"}, 400), ({"bbox": "a,b,c,d"}, 400), ({"bbox": "15,57,14,58"}, 400),
    ({"bbox": "nan,57,15,58"}, 400),
    ({"crs": "EPSG:3006"}, 400), ({"bbox": "14,57,15,58", "bbox-crs": "x"}, 400), ({"datetime": "yesterday"}, 400),
    ({"datetime": "2026-02-01/2026-01-01"}, 400), ({"limit": 0}, 400), ({"limit": "many"}, 400),
    ({"colour": "red"}, 400), ({"event_type": "DROP"}, 400),
]  # fmt: skip
GOOD = [({"datetime": "../2000-01-01"}, 200), ({"limit": 1_000_000}, 200), ({"event_type": "G2"}, 200)]


@pytest.mark.parametrize(("params", "status"), [*BAD, *GOOD])
async def test_parameters_that_cannot_be_understood(
    instance: Instance, town: Tenant, params: dict[str, Any], status: int
) -> None:
    url = f"{instance.ground.layout.public_url}/ogc/collections/reports/items"
    async with asking() as http:
        answer = await http.get(url, params=params, headers=town.bearer)
        assert answer.status_code == status, answer.text
        if status == 200:
            assert len(answer.json()["features"]) == (SENT if "limit" in params else 0)


async def test_a_withdrawn_report_is_gone_from_the_layer(instance: Instance, town: Tenant) -> None:
    url = instance.ground.layout.public_url
    extra = reports(1, f"gone-{uuid4().hex[:6]}", place={"coordinates": POINT})
    await town.load(extra)
    ident = town.ledger[extra[0]["id"]]["report_id"]
    async with asking(url) as http:

        async def status(wanted: int) -> None:
            async def there() -> bool:
                found = await http.get(f"/ogc/collections/reports/items/{ident}", headers=town.bearer)
                return found.status_code == wanted

            await eventually(there, f"{wanted} for the feature")

        await status(200)
        assert (await http.delete(f"/v1/reports/{ident}", headers=town.headers)).is_success
        await status(404)


@pytest.mark.parametrize("kind", ["gpkg", "parquet", "fgb", "geojson", "csv"])
async def test_an_export_holds_every_report_in_every_format(
    instance: Instance, town: Tenant, tmp_path: Path, kind: str
) -> None:
    url = f"{instance.ground.layout.public_url}/ogc/collections/reports/export"
    async with asking() as http:
        answer = await http.get(url, params={"f": kind}, headers=town.bearer)
        assert answer.is_success
        assert f"rapporter-{KOMMUN}.{kind}" in answer.headers["content-disposition"]
        refused = await http.get(url, headers=(await instance.tenant(f"9{uuid4().int % 1000:03d}")).bearer)
        assert refused.is_success, "an empty file is a file"
    path = tmp_path / f"x.{kind}"
    path.write_bytes(answer.content)
    expected = {town.ledger[f"gis-{i}"]["report_id"] for i in range(SENT)}
    if kind == "parquet":
        table = pq.read_table(path)
        assert json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["crs"]["id"]["code"] == 3006
    elif kind == "csv":
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))
        assert rows[0]["e"].replace(",", ".").replace(".", "", 1).isdigit()
        table = pa.Table.from_pylist(rows)
    else:
        meta, table = pyogrio.read_arrow(path, layer=None if kind != "gpkg" else "rapporter")
        assert meta["crs"] == ("EPSG:4326" if kind == "geojson" else "EPSG:3006")
    assert set(table["id"].to_pylist()) == expected
    if kind == "gpkg":
        with closing(sqlite3.connect(path)) as database:
            (style,) = database.execute("select styleQML from layer_styles where useAsDefault").fetchone()
        assert "categorizedSymbol" in style
