"""Stops, shops and schools: a file of points with names becomes what the geocoder knows beside streets."""

from datetime import date
from pathlib import Path

import pyogrio
import pytest
import shapely

from services.geo.domain.geocoding.places import Place
from services.geo.importing.names import kind_of
from services.geo.importing.reading import BadFile
from services.geo.layers import keeping
from services.geo.layers.own import NAMES, Own, Version
from services.geo.layers.packing import pack
from services.geo.layers.shipped import Layers
from services.geo.store.layers import Content, Key
from tests.support import addresses
from tests.support import layer_files as files
from tests.unit.geo.test_areas import layers

STOPS = keeping.Described(
    "0686", "hallplatser", NAMES, "Hållplatser", date(2026, 1, 1), None, "Trafiklab", "CC0", "Samtrafiken"
)
GTFS = """stop_id,stop_name,stop_lat,stop_lon,location_type
9021,Eksjö Resecentrum,57.6665,14.9700,1
9022001,Eksjö Resecentrum,57.6666,14.9702,0
9022002,Eksjö Resecentrum,57.6664,14.9698,0
9022003,Borgmästarängen,57.6600,14.9800,0
9022004,Stockholm City,59.3310,18.0600,0
9022005,,57.6600,14.9800,0
9022006,Utan punkt,,,0
"""


@pytest.fixture(scope="module")
def known() -> Layers:
    return layers()


def named(ready: keeping.Prepared) -> list[Place]:
    content = Content(NAMES, "Hållplatser", "1", "x", None, pack(ready.features))
    return list(Version(Key("0686", "hallplatser", 1), content).named())


def test_stops_of_gtfs_are_joined_and_the_rest_of_the_country_is_left_out(tmp_path: Path, known: Layers) -> None:
    (tmp_path / "stops.txt").write_text(GTFS, "utf-8")
    ready = keeping.prepare(tmp_path / "stops.txt", STOPS, known)
    assert [(f.name, f.environment) for f in ready.features] == [
        ("Eksjö Resecentrum", "bus_stop"), ("Borgmästarängen", "bus_stop"),
    ]  # fmt: skip
    assert (ready.report.read, ready.report.taken, ready.report.joined) == (7, 2, 2)
    assert dict(ready.report.left_out) == {"elsewhere": 1, "no_name": 1, "no_point": 1}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("klotter på busshållplats Borgmästarängen", "Borgmästarängen"),
        ("glas vid hållplatsen Eksjö Resecentrum i går kväll", "Eksjö Resecentrum"),
        ("Eksjö Resecentrum", "Eksjö Resecentrum"),
        ("ungdomar utanför ICA", "ICA Storgården"),
        ("glaskross vid skolan", "Prästängsskolan"),
    ],
)
def test_stops_shops_and_schools_are_found_as_people_write_them(
    tmp_path: Path, known: Layers, text: str, label: str
) -> None:
    (tmp_path / "stops.txt").write_text(GTFS, "utf-8")
    (tmp_path / "egna.csv").write_text(
        "namn;kategori;e;n\nICA Storgården;butik;498100;6391000\nPrästängsskolan;Grundskola;498400;6391400\n", "utf-8"
    )
    places = [p for name in ("stops.txt", "egna.csv") for p in named(keeping.prepare(tmp_path / name, STOPS, known))]
    found = addresses.divided(named=True, places=places).find(text)
    assert found.best is not None, found
    assert found.best.label == label


def test_points_of_a_geopackage_in_openstreetmaps_words(tmp_path: Path, known: Layers) -> None:
    import numpy as np
    import pyarrow as pa

    points = shapely.points([[files.E0, files.N0], [files.E0 + 900, files.N0]])
    table = pa.table({
        "osm_id": ["1", "2"], "name": ["Furulunds förskola", "Apoteket Hjärtat"],
        "amenity": ["kindergarten", "pharmacy"],
        "geometry": shapely.to_wkb(np.asarray(points)),
    })  # fmt: skip
    pyogrio.write_arrow(table, tmp_path / "osm.gpkg", geometry_name="geometry", crs="EPSG:3006", geometry_type="Point")
    ready = keeping.prepare(tmp_path / "osm.gpkg", STOPS, known)
    assert [(f.name, f.environment) for f in ready.features] == [
        ("Furulunds förskola", "preschool"), ("Apoteket Hjärtat", "pharmacy"),
    ]  # fmt: skip
    assert [(p.e, p.n) for p in named(ready)] == [(files.E0, files.N0), (files.E0 + 900, files.N0)]


def test_a_name_that_moves_is_a_change_and_one_that_stays_is_not(tmp_path: Path, known: Layers) -> None:
    (tmp_path / "a.txt").write_text(GTFS, "utf-8")
    (tmp_path / "b.txt").write_text(GTFS.replace("57.6600,14.9800", "57.6610,14.9800"), "utf-8")
    before, after = (keeping.prepare(tmp_path / f"{x}.txt", STOPS, known).features for x in "ab")
    assert (keeping.difference(before, before).unchanged, keeping.difference(before, after).redrawn) == (2, 1)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a;b\n1;2\n", "no_name"),
        ("namn;e;n\nLångt bort;674000;6580000\n", "no_names"),
        ("namn;storlek\nX;2\n", "no_coordinates"),
    ],
)
def test_a_file_without_usable_names_is_refused(tmp_path: Path, known: Layers, content: str, what: str) -> None:
    (tmp_path / "x.csv").write_text(content, "utf-8")
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(tmp_path / "x.csv", STOPS, known)
    assert wrong.value.what == what


def test_a_name_is_no_place_that_reports_lie_in() -> None:
    assert not Own((), ()).named
    assert [kind_of(w) for w in ("Grundskola", "bus_stop", "Förskolan", "konstverk")] == [
        "school",
        "bus_stop",
        "preschool",
        "",
    ]
