"""A municipality's own layers: formats in, repairs, gaps and overlaps, packing, differences, what a point lies in."""

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from numpy.typing import NDArray

from services.geo.domain import placing, publishing
from services.geo.domain.crs import to_wgs84
from services.geo.importing.reading import BadFile
from services.geo.layers import keeping
from services.geo.layers.own import AREAS, PLACES, Own, Version
from services.geo.layers.packing import pack, unpack
from services.geo.layers.shipped import Layers
from services.geo.store.layers import Content, Key
from tests.support import addresses
from tests.support import layer_files as files
from tests.support.addresses import silent
from tests.support.facts import given
from tests.unit.geo.test_areas import layers

TM = "EPSG:3006"
TERMS = (date(2026, 1, 1), None, "kommun", "CC0", "Eksjö kommun")
DISTRICTS = keeping.Described("0686", "distrikt", AREAS, "Distrikt", *TERMS)
SQUARES = keeping.Described("0686", "platser", PLACES, "Platser", *TERMS)


@pytest.fixture(scope="module")
def known() -> Layers:
    return layers()


def version(prepared: keeping.Prepared, number: int = 1) -> Version:
    described = prepared.described
    key = Key(described.kommun, described.layer, number)
    return Version(key, Content(described.kind, described.title, str(number), "", None, pack(prepared.features)))


def degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(to_wgs84(points[:, 0], points[:, 1]))


DRIVERS = {"a.gdb": "OpenFileGDB", "a.tab": "MapInfo File", "a.kml": "KML", "a.gml": "GML"}


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson", "a.fgb", "a.gml", "a.tab", "a.kml", "a.gdb"])
def test_every_vector_format_of_gdal(tmp_path: Path, known: Layers, name: str) -> None:
    rows: Sequence[files.Row] = files.DISTRICTS
    crs = "EPSG:3006"
    if name in {"a.geojson", "a.kml"}:  # these are always WGS84
        rows, crs = [(code, label, shapely.transform(shape, degrees)) for code, label, shape in rows], "EPSG:4326"
    path = files.write(tmp_path / name, rows, crs=crs, driver=DRIVERS.get(name))
    ready = keeping.prepare(path, DISTRICTS, known, crs="EPSG:3006" if name == "a.tab" else None)
    assert sum(shapely.area(f.geometry) for f in ready.features) == pytest.approx(5_000_000, rel=1e-4)
    assert ready.report.taken == 2
    if name != "a.kml":
        assert [f.name for f in ready.features] == ["Östra distriktet", "Västra distriktet"]


def drawing() -> str:
    """The districts as closed polylines on drawing layers of their own, as CAD programs write them."""
    pairs: list[tuple[int, object]] = [(0, "SECTION"), (2, "ENTITIES")]
    for code, _, shape in files.DISTRICTS:
        corners = list(shape.exterior.coords)[:-1]
        pairs += [(0, "LWPOLYLINE"), (8, code), (90, len(corners)), (70, 1)]
        pairs += [pair for x, y in corners for pair in ((10, x), (20, y))]
    return "\n".join(f"{code}\n{value}" for code, value in [*pairs, (0, "ENDSEC"), (0, "EOF")]) + "\n"


def test_geometries_in_words_and_drawings_and_parquet(tmp_path: Path, known: Layers) -> None:
    rows = [f"{code};{label};{shape.wkt}" for code, label, shape in files.DISTRICTS]
    (tmp_path / "a.csv").write_text("\n".join(["kod;namn;WKT", *rows]), "utf-8")
    words = pa.table({"kod": [r[0] for r in files.DISTRICTS], "namn": [r[1] for r in files.DISTRICTS],
                      "geometri": [r[2].wkt for r in files.DISTRICTS]})  # fmt: skip
    pyogrio.write_arrow(words, tmp_path / "a.xlsx", driver="XLSX")
    (tmp_path / "a.parquet").write_bytes(pack(keeping.prepare(tmp_path / "a.csv", DISTRICTS, known, crs=TM).features))
    (tmp_path / "a.dxf").write_text(drawing())
    for name, declared in (("a.csv", TM), ("a.xlsx", TM), ("a.parquet", None), ("a.dxf", TM)):
        ready = keeping.prepare(tmp_path / name, DISTRICTS, known, crs=declared)
        assert sum(shapely.area(f.geometry) for f in ready.features) == pytest.approx(5_000_000), name
        assert ready.report.taken == 2, name
        if declared is not None:
            with pytest.raises(BadFile) as wrong:
                keeping.prepare(tmp_path / name, DISTRICTS, known)
            assert wrong.value.what == "crs_unknown", name
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(tmp_path / "b.parquet", DISTRICTS, known)
    assert wrong.value.what == "format"


def wrote(path: Path, *rows: files.Row, kind: keeping.Described = DISTRICTS) -> keeping.Prepared:
    return keeping.prepare(files.write(path, rows), kind, layers())


def test_a_broken_polygon_is_repaired_and_said_so(tmp_path: Path, known: Layers) -> None:
    path = files.write(tmp_path / "a.gpkg", [("B1", "Fluga", files.BOW_TIE), ("E1", "Östra", files.EAST)])
    ready = keeping.prepare(path, DISTRICTS, known)
    assert (ready.report.repaired, ready.report.taken) == (1, 2)
    assert "Self-intersection" in ready.report.repairs[0]
    assert all(shapely.is_valid(f.geometry) for f in ready.features)


def test_gaps_and_overlaps_are_measured(tmp_path: Path, known: Layers) -> None:
    wide = shapely.box(files.E0 + 900, files.N0, files.E0 + 2_500, files.N0 + 2_000)
    ready = keeping.prepare(
        files.write(tmp_path / "a.gpkg", [("V1", "V", files.WEST), ("O1", "Ö", wide)]), DISTRICTS, known
    )
    assert (ready.report.overlaps, ready.report.overlap_m2) == (1, 200_000.0)
    assert ready.report.overlap_examples == ["Ö – V: 200000 m²"]
    assert ready.report.gaps >= 1
    assert ready.report.gap_m2 > 1e8, "the rest of the municipality has no district"
    assert (
        keeping.prepare(files.write(tmp_path / "b.gpkg", [("S", "T", files.SQUARE)]), SQUARES, known).report.gaps == 0
    )


def test_rows_of_one_code_are_one_area_and_other_things_are_left_out(tmp_path: Path) -> None:
    point = shapely.Point(files.E0, files.N0)
    same = (("V1", "Väst", files.WEST), ("V1", "Väst", files.EAST))
    ready = wrote(tmp_path / "a.gpkg", *same, ("P", "Punkt", point), ("T", "Tom", None))
    assert (ready.report.taken, ready.report.joined) == (1, 1)
    assert ready.report.left_out == {"not_an_area": 1, "empty": 1}


def test_three_dimensions_become_two(tmp_path: Path, known: Layers) -> None:
    tall = shapely.force_3d(files.WEST, 7.0)
    ready = keeping.prepare(files.write(tmp_path / "a.gpkg", [("V1", "Väst", tall)]), DISTRICTS, known)
    assert not shapely.has_z(ready.features[0].geometry)


FINE = shapely.segmentize(files.WEST, 0.001)
"""Six million vertices."""


@pytest.mark.parametrize(
    ("shape", "stated", "declared", "what"),
    [
        (shapely.Point(files.E0, files.N0), "EPSG:3006", None, "no_areas"),
        (shapely.Point(10.75, 59.91).buffer(0.1), "EPSG:4326", None, "layer_elsewhere"),
        (files.WEST, "EPSG:3006", "EPSG:4326", "crs_wrong"),
        (files.WEST, "EPSG:3006", "EPSG:2154", "crs_unsupported"),
        (FINE, "EPSG:3006", None, "too_many_vertices"),
    ],
)
def test_a_bad_layer_is_refused_with_a_sentence(
    tmp_path: Path, known: Layers, shape: Any, stated: str, declared: str | None, what: str
) -> None:
    path = files.write(tmp_path / "a.gpkg", [("X1", "X", shape)], crs=stated)
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(path, DISTRICTS, known, crs=declared)
    assert wrong.value.what == what


def test_packing_gives_geoparquet_that_others_read(tmp_path: Path, known: Layers) -> None:
    ready = keeping.prepare(files.write(tmp_path / "a.gpkg"), DISTRICTS, known)
    content = pack(ready.features)
    features, _ = unpack(content)
    assert [(f.code, f.name, f.owner) for f in features] == [(f.code, f.name, "Bostads AB") for f in ready.features]
    about = json.loads(pq.read_schema(io.BytesIO(content)).metadata[b"geo"])
    assert about["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 3006}


def test_what_a_new_version_changes(tmp_path: Path, known: Layers) -> None:
    old = keeping.prepare(files.write(tmp_path / "a.gpkg"), DISTRICTS, known).features
    rows = [("V1", "Väst", files.WEST), ("O1", "Östra distriktet", files.SQUARE), ("N1", "Norra", files.SQUARE)]
    new = keeping.prepare(files.write(tmp_path / "b.gpkg", rows), DISTRICTS, known).features
    change = keeping.difference(old, new)
    assert (change.added, change.removed, change.redrawn, change.renamed, change.unchanged) == (1, 0, 1, 1, 0)
    assert change.examples["renamed"] == ["Västra distriktet → Väst"]
    assert keeping.difference(old, []).removed == 2


def test_a_report_has_one_area_in_every_layer_and_every_place_around_it(tmp_path: Path, known: Layers) -> None:
    districts = version(keeping.prepare(files.write(tmp_path / "a.gpkg"), DISTRICTS, known))
    rows = [("T1", "Torget", files.SQUARE), ("K1", "Kiosken", shapely.buffer(shapely.centroid(files.SQUARE), 10))]
    squares = version(keeping.prepare(files.write(tmp_path / "b.gpkg", rows), SQUARES, known))
    own = {"0686": Own((districts,), (squares,))}

    def at(e: float, n: float) -> dict[str, object]:
        return {"coordinates": {"x": e, "y": n, "crs": "EPSG:3006"}}

    places: list[dict[str, object]] = [
        at(files.E0 + 500, files.N0 + 500), at(files.E0 + 1_000, files.N0 + 950), at(files.E0 - 500, files.N0),
        {"text": "?"}, {"area_code": "O1"},
    ]  # fmt: skip
    reports = [given(i, kommun="0686", place=p) for i, p in enumerate(places)]
    answers = placing.settle(reports, known, silent, own=own)
    assert [a.own[0].area for a in answers] == ["V1", "O1", "unplaced", "unplaced", "O1"]
    assert [len(a.places) for a in answers] == [0, 2, 0, 0, 0]
    assert answers[4].precision == "area"
    published = publishing.to_placement(answers[1], known, number=1, now=given(1).minted_at)
    assert [a.layer for a in published.areas] == ["regso", "kommun", "lan", "distrikt"]
    assert {p.version for p in published.places} == {"1"}


def test_a_named_place_is_found_by_its_name(tmp_path: Path, known: Layers) -> None:

    squares = version(
        keeping.prepare(files.write(tmp_path / "b.gpkg", [("T1", "Stora torget", files.SQUARE)]), SQUARES, known)
    )
    found = addresses.divided(named=True, places=list(squares.named())).find("Stökigt på Stora torget i kväll")
    assert found.best is not None
    assert (found.best.label, found.best.precision) == ("Stora torget", "place")
    assert shapely.Point(found.best.e, found.best.n).within(files.SQUARE)
