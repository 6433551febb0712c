"""Layers out of somebody else's service: MapServer's WFS and OGC API, and what answers something else."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from services.geo.importing.asking import is_service, shown
from services.geo.importing.reading import BadFile
from services.geo.layers import keeping
from services.runtime.migrations import work_role
from tests.support import layer_files as files
from tests.support.command import lagesbild
from tests.support.http import asking
from tests.support.instance import Instance, eventually
from tests.support.map_server import serving
from tests.unit.geo.test_areas import layers

DISTRICTS = keeping.Described("0686", "distrikt", "areas", "Distrikt", date(2026, 1, 1), None, "kommun", "CC0", "Eksjö")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    folder = tmp_path_factory.mktemp("mapserver")
    with serving(files.write(folder / "distrikt.gpkg"), folder) as found:
        yield found


@pytest.mark.parametrize(
    ("address", "layer"),
    [
        ("{url}/wfs", None),
        ("WFS:{url}/wfs?version=1.1.0", "ms:distrikt"),  # northing first, as that version has it
        ("{url}/wfs?service=WFS&nyckel=hemlig", "distrikt"),
        ("{url}/kommun/ogcapi", None),
        ("OAPIF:{url}/kommun/ogcapi/collections/distrikt", None),
    ],
)
def test_a_layer_of_a_service_is_the_layer_of_its_file(
    served: tuple[str, list[str]], tmp_path: Path, address: str, layer: str | None
) -> None:
    ready = keeping.prepare(address.format(url=served[0]), DISTRICTS, layers(), layer=layer)
    file = keeping.prepare(files.write(tmp_path / "a.gpkg"), DISTRICTS, layers())
    assert [(f.code, f.name) for f in ready.features] == [(f.code, f.name) for f in file.features]
    # An OGC API answers in degrees with six decimals: a decimetre on borders of kilometres.
    pairs = zip(ready.features, file.features, strict=True)
    assert max(f.geometry.hausdorff_distance(g.geometry) for f, g in pairs) < 0.2
    assert "hemlig" not in ready.file_name


@pytest.mark.parametrize(
    ("address", "layer", "what"),
    [
        ("{url}/wfs", "gator", "no_such_layer"),
        ("WFS:{url}/kommun/ogcapi?nyckel=hemlig", None, "service"),
        ("{url}/finns/inte?nyckel=hemlig", None, "service"),
        ("http://127.0.0.1:9/wfs?nyckel=hemlig", None, "service"),
    ],
)
def test_what_is_no_service_is_refused_with_a_sentence_that_keeps_the_key(
    served: tuple[str, list[str]], address: str, layer: str | None, what: str
) -> None:
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(address.format(url=served[0]), DISTRICTS, layers(), layer=layer)
    assert wrong.value.what == what
    assert "hemlig" not in str(wrong.value)
    assert "<" not in str(wrong.value)


def test_an_address_is_told_from_a_file() -> None:
    assert [is_service(o) for o in ("a.gpkg", "wfs.gpkg", "WFS:https://x/y", "https://x", "/https/x.shp")] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert shown("WFS:https://user:losen@karta.exempel.invalid:8443/wfs?key=1#x") == (
        "https://karta.exempel.invalid:8443/wfs"
    )


async def test_districts_of_a_wfs_and_stops_of_gtfs_reach_the_map_and_the_geocoder(
    instance: Instance, served: tuple[str, list[str]], tmp_path: Path
) -> None:
    eksjo = await instance.tenant("0686", "Eksjö")
    mark = uuid4().hex[:6]

    async def imported(origin: str, name: str, *more: str) -> dict[str, object]:
        said = await lagesbild(
            instance.ground, "import", "layer", origin, "--kommun", "0686", "--as", name, "--licence", "CC0",
            "--credit", "Eksjö kommun", "--json", *more,
            LAGESBILD_DATABASE_URL=instance.ground.database_url(work_role("geo")),
        )  # fmt: skip
        return dict(json.loads(said.out))

    assert (await imported(f"{served[0]}/wfs", f"w{mark}"))["number"] == 1
    stop = f"Torparängen{mark}"
    (tmp_path / "stops.txt").write_text(
        f"stop_id,stop_name,stop_lat,stop_lon\n1,{stop},57.6665,14.9700\n2,{stop},57.6667,14.9702\n", "utf-8"
    )
    assert (await imported(str(tmp_path / "stops.txt"), f"h{mark}", "--kind", "names"))["number"] == 1

    async with asking(instance.ground.layout.url("geo_serve")) as http:

        async def known() -> bool:
            listed = (await http.get("/v1/layers", headers=eksjo.bearer)).json()
            assert f"h{mark}" not in {one["layer"] for one in listed}, "names are no layer that reports lie in"
            asked = {"text": f"klotter på busshållplats {stop}"}
            answer = (await http.get("/v1/geocode", params=asked, headers=eksjo.bearer)).json()
            return f"w{mark}" in {one["layer"] for one in listed} and stop in json.dumps(answer, ensure_ascii=False)

        await eventually(known, "both are known to the serving process")
