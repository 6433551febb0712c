"""The file of base maps: what it may say, what it must not, and that a token never stands in a message."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from services.geo.domain import base_maps
from services.geo.domain.base_maps import BadBaseMaps, NoMap, Wms, Wmts

GOOD = """
[default]
kind = "wmts"
url = "https://tiles.example/token/{token}/{z}/{y}/{x}.png"
token = "very-secret"
credit = "© Lantmäteriet"

["0682"]
kind = "wms"
url = "https://karta.example/wms?map=stad"
layers = "baskarta"
credit = "Nässjö kommun"

["1280"]
kind = "none"
"""


def test_each_municipality_has_its_own_and_the_others_the_default(tmp_path: Path) -> None:
    file = tmp_path / "base_maps.toml"
    file.write_text(GOOD)
    found = base_maps.read(file)
    assert isinstance(found["1280"], NoMap)
    wmts, wms = found["default"], found["0682"]
    assert isinstance(wmts, Wmts)
    assert wmts.address(9, 276, 154) == "https://tiles.example/token/very-secret/9/154/276.png"
    assert "very-secret" not in repr(wmts)
    assert isinstance(wms, Wms)
    asked = urlsplit(wms.address(9, 276, 154))
    query = {k: v[0] for k, v in parse_qs(asked.query).items()}
    assert (query["map"], query["crs"], query["layers"]) == ("stad", "EPSG:3857", "baskarta")
    west, south, east, north = map(float, query["bbox"].split(","))
    assert east - west == pytest.approx(north - south, abs=0.01)
    assert (west, north) == pytest.approx((1_565_430.34, 7_983_694.73), abs=0.01)


def test_an_old_wms_says_srs() -> None:
    old = Wms(kind="wms", url="https://a.example/wms", layers="x", credit="Någon", version="1.1.1")
    assert "srs=EPSG%3A3857" in old.address(3, 1, 1)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (GOOD.replace("layers =", "layer ="), "0682.wms.layer"),
        (GOOD.replace('"wms"', '"wmf"'), "0682"),
        (GOOD.replace("{z}", "z"), "default.wmts.url"),
        (GOOD.replace('"0682"', '"Nässjö"'), "Nässjö"),
        (GOOD.replace('credit = "© Lantmäteriet"', ""), "default.wmts.credit"),
        ("[default", "TOML"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_repeats_no_token(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "base_maps.toml"
    file.write_text(written)
    with pytest.raises(BadBaseMaps) as refused:
        base_maps.read(file)
    assert said in str(refused.value)
    assert "very-secret" not in str(refused.value)


def test_no_file_is_no_base_map(tmp_path: Path) -> None:
    assert base_maps.read(None) == base_maps.read(tmp_path / "none.toml") == {}
