"""Address registers in: the layouts of publishers, what is left out, bad files, packing, differences, the bound."""

from pathlib import Path

import numpy as np
import pytest

from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.importing.reading import BadFile
from services.geo.layers.shipped import Layers
from services.geo.registers import keeping
from services.geo.registers.differing import difference
from services.geo.registers.packing import pack, unpack
from tests.support import register_files as files
from tests.unit.geo.test_areas import layers

EKSJO = keeping.Described("0686", "kommun", "2026-11-01", "CC0", "Eksjö kommun")


@pytest.fixture(scope="module")
def known() -> Layers:
    return layers()


def geocoder(rows: AddressRows) -> Geocoder:
    return Geocoder(Register(rows, source="kommun", vintage="2026-11-01"))


def test_lantmateriets_geopackage(tmp_path: Path, known: Layers) -> None:
    ready = keeping.prepare(files.lantmateriet(tmp_path / "belagenhetsadresser_kn0686.gpkg"), EKSJO, known)
    assert ready.mapping["street"] == "adressomrade_faststalltnamn"
    assert ready.mapping["supplement_kind"] == "lagestillagg"
    assert ready.tally.read == 176
    assert ready.tally.left_out == {"not_valid": 8}
    assert ready.tally.read == ready.tally.taken + sum(ready.tally.left_out.values())
    found = geocoder(ready.rows)
    for text, label in (
        ("Storgatan 7 U1", "Storgatan 7 U1"),
        ("storgatan 7", "Storgatan 7 U1"),
        ("östra ågatan 10b", "Östra Ågatan 10B"),
        ("Hagby 12", "Hagby 12"),
        ("Hagby Norrgården 33", "Hagby Norrgården 33"),
        ("Resecentrum", "Resecentrum"),
    ):
        answer = found.find(text)
        assert answer.best is not None, text
        assert answer.best.label == label
    assert set(ready.rows.postal_code) == {"57532", ""}


@pytest.mark.parametrize(
    ("columns", "encoding", "delimiter"),
    [
        ({"street": "ADROMRADE", "number": "ADRPLATS", "e": "E", "n": "N"}, "cp1252", ";"),
        ({"street": "Gatunamn", "number": "Nummer", "e": "Öst", "n": "Nord"}, "utf-8-sig", "\t"),
        ({"street": "StreetName", "number": "AddressPlace", "e": "X", "n": "Y"}, "utf-16", ";"),
        ({"street": "gata", "number": "nr_littera", "e": "sweref_e", "n": "sweref_n"}, "utf-8", "|"),
    ],
)
def test_municipal_column_families_in_any_encoding(
    tmp_path: Path, known: Layers, columns: dict[str, str], encoding: str, delimiter: str
) -> None:
    path = files.comma_separated(tmp_path / "adresser.csv", columns, encoding=encoding, delimiter=delimiter)
    ready = keeping.prepare(path, EKSJO, known)
    assert ready.tally.taken == len(files.addresses())
    answer = geocoder(ready.rows).find("Rådhusgatan 20 B")
    assert answer.best is not None
    assert (answer.best.label, answer.best.precision) == ("Rådhusgatan 20B", "address")


def test_the_whole_address_in_one_column(tmp_path: Path, known: Layers) -> None:
    path = tmp_path / "osm.csv"
    path.write_text(
        'name,lon,lat\nStorgatan 5B,14.97,57.666\n"Norra Vägen 12, ",14.971,57.666\nKyrkan,14.971,57.667\n', "utf-8"
    )
    ready = keeping.prepare(path, EKSJO, known)
    assert list(zip(ready.rows.street, ready.rows.number, ready.rows.letter, strict=True)) == [
        ("Storgatan", 5, "B"), ("Norra Vägen", 12, ""), ("Kyrkan", -1, ""),
    ]  # fmt: skip


def test_a_shapefile_in_the_local_zone_without_prj_needs_its_system_said(tmp_path: Path, known: Layers) -> None:
    path = files.shapefile(tmp_path, None)
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(path, EKSJO, known)
    assert wrong.value.what == "crs_unknown"
    assert keeping.prepare(path, EKSJO, known, crs="EPSG:3006").tally.taken == len(files.addresses())
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(path, EKSJO, known, crs="EPSG:4326")
    assert wrong.value.what == "crs_wrong"
    assert "EPSG:3006" in str(wrong.value)


def test_another_municipalitys_file_is_refused_whole(tmp_path: Path, known: Layers) -> None:
    path = files.shapefile(tmp_path, "EPSG:3006", shift=(0.0, 90_000.0))
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(path, EKSJO, known)
    assert wrong.value.what == "other_kommun"


def test_duplicate_rows_and_rows_elsewhere_are_counted_and_left_out(tmp_path: Path, known: Layers) -> None:
    path = files.comma_separated(tmp_path / "a.csv", {"street": "gata", "number": "nr", "e": "e", "n": "n"})
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join([*lines, lines[1], lines[2], "Fjärrgatan;1;674000,0;6580000,0", ";1;498000;6391400", "Utan;1;;"]),
        "utf-8",
    )
    ready = keeping.prepare(path, EKSJO, known)
    assert ready.tally.left_out == {"duplicate": 2, "other_kommun": 1, "no_street": 1, "no_point": 1}
    assert ready.tally.examples["other_kommun"] == ["Fjärrgatan 1"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"gata;nr;e;n\n", "no_rows"),
        ("a.csv", b"gata\nStorgatan\n", "no_columns"),
        ("a.csv", b"gata;gata;e;n\na;b;1;2\n", "column_twice"),
        ("a.csv", b"PK\x03\x04\0\0\0\0\0\0", "binary"),
        ("a.csv", b"gata;nr\nStorgatan;1\n", "no_coordinates"),
        ("a.csv", b"farg;nr;e;n\nStorgatan;1;498000;6391400\n", "no_street"),
        ("a.csv", b"gata;nr;e;n\nStorgatan;1;nan;inf\n", "nothing_taken"),
        ("a.csv", b"gata;nr;lon;lat\nStorgatan;1;10.75;59.91\n", "other_kommun"),
        ("a.gpkg", b"not a database at all", "format"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "format"),
        ("a.zip", b"PK", "format"),
        ("a.shp", b"\0" * 100, "format"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_a_sentence(
    tmp_path: Path, known: Layers, name: str, content: bytes, what: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadFile) as wrong:
        keeping.prepare(path, EKSJO, known)
    assert wrong.value.what == what, wrong.value
    assert name in str(wrong.value)


def test_a_missing_and_a_cut_file_are_refused(tmp_path: Path, known: Layers) -> None:
    with pytest.raises(BadFile, match="finns inte"):
        keeping.prepare(tmp_path / "no.csv", EKSJO, known)
    cut = files.break_file(files.lantmateriet(tmp_path / "cut.gpkg"))
    with pytest.raises(BadFile):
        keeping.prepare(cut, EKSJO, known)


def test_a_person_corrects_the_mapping(tmp_path: Path, known: Layers) -> None:
    path = files.comma_separated(tmp_path / "a.csv", {"street": "kolumn1", "number": "kolumn2", "e": "e", "n": "n"})
    ready = keeping.prepare(path, EKSJO, known, given=["street=kolumn1", "number=kolumn2"])
    assert ready.tally.taken == len(files.addresses())
    for bad in ("street=nothing", "nonsense=kolumn1"):
        with pytest.raises(ValueError, match=bad.split("=", maxsplit=1)[bad.startswith("street")]):
            keeping.prepare(path, EKSJO, known, given=[bad])


def test_packing_keeps_everything(tmp_path: Path, known: Layers) -> None:
    rows = keeping.prepare(files.lantmateriet(tmp_path / "a.gpkg"), EKSJO, known).rows
    back = unpack(pack(rows))
    for name in ("street", "number", "letter", "supplement", "kommundel", "postal_code", "post_town", "popular_name"):
        assert list(getattr(back, name)) == list(getattr(rows, name)), name
    assert np.allclose(back.e, rows.e, atol=0.051)
    assert np.allclose(back.n, rows.n, atol=0.051)


def test_what_a_new_register_changes(tmp_path: Path, known: Layers) -> None:
    old = keeping.prepare(files.lantmateriet(tmp_path / "a.gpkg"), EKSJO, known).rows
    assert difference(None, old).added == len(old)
    assert difference(old, old).unchanged == len(old)
    new = unpack(pack(old))
    e = np.array(new.e)
    e[3] += 40.0
    street = ["Nygatan" if s == "Rådhusgatan" else s for s in new.street]
    changed = difference(old, AddressRows(**{**vars(new), "e": e, "street": street}))
    assert (changed.moved, changed.new_streets, changed.gone_streets) == (1, 1, 1)
    assert changed.added == changed.removed == old.street.count("Rådhusgatan")
    assert changed.examples["new_streets"] == ["Nygatan"]
