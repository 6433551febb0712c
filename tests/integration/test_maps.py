"""Maps over HTTP: our own tiles by municipality, base maps behind the server, and what happens when one is away."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import mapbox_vector_tile
import pytest

from services.geo.domain import base_maps
from services.geo.gateways.basemaps import FAILURES, Basemaps, Missing
from tests.integration.test_layers import imported
from tests.support import layer_files as files
from tests.support.http import asking
from tests.support.instance import Instance, eventually

PNG = b"\x89PNG\r\n\x1a\n-not-looked-into"
SECRET = "token-of-this-municipality"


class Upstream:
    """Somebody's map server on this machine: tiles by a token, a WMS that complains in XML, an archive with ranges."""

    def __init__(self, archive: bytes) -> None:
        self.asked: list[str] = []
        self.broken = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if outer.broken:
                    self._answer(500, "text/plain", b"no")
                elif self.path.startswith(f"/tiles/{SECRET}/"):
                    missing = "/9/1/1.png" in self.path
                    self._answer(404 if missing else 200, "image/png", PNG)
                elif self.path.startswith("/wms"):
                    self._answer(200, "text/xml", b"<ServiceExceptionReport/>")
                elif self.path == "/map.pmtiles":
                    first, last = (int(v) for v in self.headers["Range"].removeprefix("bytes=").split("-"))
                    self._answer(206, "application/octet-stream", archive[first : last + 1])
                else:
                    self._answer(200, "application/octet-stream", archive)

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    archive = files.write(tmp_path / "stad.pmtiles", driver="PMTiles")
    made = Upstream(archive.read_bytes())
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def maps(upstream: Upstream, tmp_path: Path) -> Path:
    file = tmp_path / "base_maps.toml"
    file.write_text(f"""
        ["0686"]
        kind = "wmts"
        url = "{upstream.url}/tiles/{{token}}/{{z}}/{{y}}/{{x}}.png"
        token = "{SECRET}"
        credit = "© Kartverket"
        [default]
        kind = "wms"
        url = "{upstream.url}/wms"
        layers = "a"
        credit = "Någon"
        ["0001"]
        kind = "pmtiles"
        url = "{upstream.url}/map.pmtiles"
        credit = "Någon"
        ["0002"]
        kind = "pmtiles"
        url = "{tmp_path}/stad.pmtiles"
        credit = "Någon"
        ["0003"]
        kind = "pmtiles"
        url = "{upstream.url}/without-ranges.pmtiles"
        credit = "Någon"
        ["0004"]
        kind = "none"
        """)
    return file


async def test_tiles_are_fetched_once_and_a_tile_that_is_not_there_is_empty(upstream: Upstream, maps: Path) -> None:
    found = Basemaps(base_maps.read(maps))
    for _ in range(3):
        tile = await found.tile("0686", 9, 276, 154)
        assert tile is not None
        assert (tile.content, tile.media_type) == (PNG, "image/png")
    assert await found.tile("0686", 9, 1, 1) is None
    assert upstream.asked == [f"/tiles/{SECRET}/9/154/276.png", f"/tiles/{SECRET}/9/1/1.png"]


async def test_a_server_that_fails_is_left_alone_for_a_while(upstream: Upstream, maps: Path) -> None:
    found = Basemaps(base_maps.read(maps))
    for x in range(FAILURES + 4):
        with pytest.raises(Missing):
            await found.tile("1280", 9, x, 154)
    assert len(upstream.asked) == FAILURES
    # Another municipality's server is not held to account for it.
    assert await found.tile("0686", 9, 276, 154) is not None


@pytest.mark.parametrize("kommun", ["0001", "0002"])
@pytest.mark.usefixtures("upstream")
async def test_an_archive_is_read_in_parts_whether_near_or_far(maps: Path, kommun: str) -> None:
    found = Basemaps(base_maps.read(maps))
    described = await found.described(kommun)
    assert described is not None
    assert (described.kind, described.max_zoom, described.layers) == ("vector", 5, ["stad"])
    tile = await found.tile(kommun, 5, 17, 9)
    assert tile is not None
    assert tile.encoding == "gzip"
    assert await found.tile(kommun, 5, 0, 0) is None


@pytest.mark.usefixtures("upstream")
async def test_an_archive_that_cannot_be_opened_is_missing_and_none_is_none(maps: Path) -> None:
    found = Basemaps(base_maps.read(maps))
    with pytest.raises(Missing):
        await found.tile("0003", 5, 17, 9)
    assert await found.described("0004") is None
    with pytest.raises(Missing):
        await found.tile("0004", 5, 17, 9)


async def test_the_browser_gets_tiles_by_municipality_and_never_a_token(
    instance: Instance, upstream: Upstream, maps: Path, tmp_path: Path
) -> None:
    layer = f"m{uuid4().hex[:6]}"
    eksjo, other = await instance.tenant("0686", "Eksjö"), await instance.tenant("0682", "Nässjö")
    await imported(instance, files.write(tmp_path / "a.gpkg"), layer)
    await instance.restart_with("geo", "serve", {"LAGESBILD_BASE_MAPS": str(maps)})
    try:
        async with asking(instance.ground.layout.public_url) as http:
            await _all_of_it(http, eksjo.bearer, other.bearer, layer, upstream)
    finally:
        await instance.restart_with("geo", "serve", {})


async def _all_of_it(
    http: httpx.AsyncClient, own: dict[str, str], other: dict[str, str], layer: str, upstream: Upstream
) -> None:
    async def up() -> bool:
        return (await http.get("/v1/map", headers=own)).status_code == 200

    await eventually(up, "geo has restarted")
    said = await http.get("/v1/map", headers=own)
    assert SECRET not in said.text
    assert upstream.url not in said.text
    about = said.json()
    assert about["base_map"]["kind"] == "raster"
    tiles = {s["layer"]: s["tiles"] for s in about["layers"]}
    at = {"z": 11, "x": 1109, "y": 620}
    mine = await http.get(tiles[layer].format(**at), headers=own)
    assert mine.status_code == 200
    assert mine.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    areas = mapbox_vector_tile.decode(mine.content)[layer]["features"]
    assert {f["properties"]["area"] for f in areas} == {"V1", "O1"}
    # Another municipality's layer is not there, whatever the address says; the ground is the country's.
    assert (await http.get(tiles[layer].format(**at), headers=other)).status_code == 404
    assert layer not in (await http.get("/v1/map", headers=other)).text
    ground = mapbox_vector_tile.decode((await http.get(about["ground"].format(**at), headers=other)).content)
    assert {"kommun", "regso", "orter", "namn"} <= set(ground)
    assert (await http.get("/v1/tiles/ground/9/0/0", headers=own)).status_code == 204
    for wrong in ("/v1/tiles/ground/9/512/0", "/v1/tiles/none/9/276/154", "/v1/basemap/3/9/9"):
        assert (await http.get(wrong, headers=own)).status_code == 404, wrong
    assert (await http.get("/v1/tiles/ground/9/x/0", headers=own)).status_code == 422
    base = await http.get(about["base_map"]["tiles"].format(z=9, x=276, y=154), headers=own)
    assert (base.status_code, base.content) == (200, PNG)
    away = await http.get("/v1/basemap/9/276/154", headers=other)
    assert (away.status_code, away.json()["type"].rsplit("/", 1)[1]) == (502, "base-map-away")
