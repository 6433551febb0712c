"""Point in polygon: every vertex and edge midpoint of one kommun, the localities, foreign points, borders."""

import csv
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely

from schemas.locations import Placement
from schemas.values import Coordinates, PlaceAsGiven
from services.geo.domain import crs, placing, publishing
from services.geo.domain.names import Names
from services.geo.domain.writing import written
from services.geo.layers.shipped import Layers
from tests.support.addresses import silent
from tests.support.data import shared
from tests.support.facts import NOON, given, published


@cache
def layers() -> Layers:
    return Layers(Path(__file__).parents[3] / ".cache" / "layers")


@pytest.fixture(scope="module")
def known() -> Layers:
    return layers()


def test_the_localities_fall_in_their_kommun(known: Layers) -> None:
    with Path(shared("geo/geonames_orter_SE.csv")).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lon, lat = np.array([float(r["longitude"]) for r in rows]), np.array([float(r["latitude"]) for r in rows])
    found = known.index.find(*crs.to_sweref(lon, lat, crs.WGS84))
    wrong = [r["name"] for r, i in zip(rows, found, strict=True) if known.regso[i].kommun != r["kommunkod"]]
    assert len(rows) == 1323
    assert wrong == []


def test_every_vertex_and_edge_midpoint_of_a_kommun_has_an_area(known: Layers) -> None:
    own = [i for i, a in enumerate(known.regso) if a.kommun == "0682"]
    polygons = known.polygons[own]
    points = np.unique(shapely.get_coordinates(polygons), axis=0)
    middles = np.concatenate([(c[1:] + c[:-1]) / 2 for c in map(shapely.get_coordinates, polygons)])
    everything = np.concatenate([points, middles])
    found = known.index.find(everything[:, 0], everything[:, 1])
    assert (found >= 0).all()
    touching = shapely.STRtree(known.polygons).query(shapely.points(everything), predicate="dwithin", distance=1e-6)
    lowest = np.full(len(everything), len(known.regso))
    np.minimum.at(lowest, touching[0], touching[1])
    on_border = np.flatnonzero(found != lowest)
    assert len(on_border) == 0, f"{len(on_border)} of {len(everything)} points are not the lowest code's"


def test_random_points_equal_an_undivided_test(known: Layers) -> None:
    chance = np.random.default_rng(682)
    e, n = chance.uniform(280_000, 900_000, 4000), chance.uniform(6_150_000, 7_600_000, 4000)
    found = known.index.find(e, n)
    whole = shapely.STRtree(known.polygons).query(shapely.points(e, n), predicate="intersects")
    expected = np.full(len(e), len(known.regso))
    np.minimum.at(expected, whole[0], whole[1])
    assert (np.where(found < 0, len(known.regso), found) == expected).all()
    assert [known.index.find_one(x, y) for x, y in zip(e.tolist(), n.tolist(), strict=True)] == found.tolist()


@pytest.mark.parametrize(
    ("name", "lon", "lat"),
    [("Bornholm", 14.9, 55.13), ("Helsingør", 12.59, 56.03), ("Oslo", 10.75, 59.91), ("Torneå", 24.2, 65.85)],
)
def test_foreign_points_have_no_area(known: Layers, name: str, lon: float, lat: float) -> None:
    assert publishing.locate(lon, lat, known) is None, name


def test_both_systems_give_the_same_area(known: Layers) -> None:
    e, n = crs.to_sweref(np.array([14.6968]), np.array([57.6533]), crs.WGS84)
    places = [Coordinates(x=14.6968, y=57.6533), Coordinates(x=float(e[0]), y=float(n[0]), crs="EPSG:3006")]
    reports = [given(i, place=PlaceAsGiven(coordinates=c)) for i, c in enumerate(places)]
    first, second = placing.settle(reports, known, silent)
    assert first.regso == second.regso is not None
    assert first.point is not None
    assert second.point is not None
    assert first.point.e == pytest.approx(second.point.e, abs=0.2)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({}, "no_place"),
        ({"coordinates": {"x": 0, "y": 0}}, "impossible_coordinates"),
        ({"coordinates": {"x": 200, "y": 57}}, "impossible_coordinates"),
        ({"coordinates": {"x": 10.75, "y": 59.91}}, "outside_sweden"),
        ({"coordinates": {"x": 1.4e6, "y": 6.4e6, "crs": "EPSG:2400"}}, "unknown_crs"),
        ({"text": "Storgatan 4"}, "no_register"),
        ({"area_code": "0682R999"}, "unknown_area"),
        ({"coordinates": {"x": 1e308, "y": 1e308, "crs": "EPSG:3006"}}, "impossible_coordinates"),
    ],
)
def test_what_cannot_be_placed_says_why_and_is_unplaced_in_every_layer(
    known: Layers, place: dict[str, object], reason: str
) -> None:
    (answer,) = placing.settle([given(place=place)], known, silent)
    assert answer.reason == reason
    placement = publishing.to_placement(answer, known, number=1, now=NOON)
    assert {a.area for a in placement.areas} == {"unplaced"}
    assert {a.layer for a in placement.areas} == {"regso", "kommun", "lan"}
    assert placement.cells == {}


def test_an_area_code_gives_its_area_and_no_cell(known: Layers) -> None:
    (answer,) = placing.settle([given(place={"area_code": "0682R012"})], known, silent)
    placement = publishing.to_placement(answer, known, number=1, now=NOON)
    assert (placement.precision, placement.located_kommun, placement.located_lan) == ("area", "0682", "06")
    assert placement.cells == {}


def test_a_point_gives_cells_for_counting(known: Layers) -> None:
    (answer,) = placing.settle([given(place={"coordinates": {"x": 14.6968, "y": 57.6533}})], known, silent)
    assert sorted(publishing.to_placement(answer, known, number=1, now=NOON).cells) == ["10", "7", "8", "9"]


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"area_code": "0682R012"},
        {"coordinates": {"x": 14.6968, "y": 57.6533, "accuracy_m": 10}},
        {"coordinates": {"x": 0.1, "y": 0.1}},
    ],
)
def test_a_written_placement_is_what_the_contract_would_write(known: Layers, place: dict[str, object]) -> None:
    (answer,) = placing.settle([given(place=place)], known, silent)
    ours = written(publishing.to_placement(answer, known, number=2**33 + 1, now=NOON))
    contract = Placement.model_validate_json(ours)
    assert json.loads(contract.model_dump_json(exclude_unset=True)) == json.loads(ours)
    assert {f for f, known_field in Placement.model_fields.items() if known_field.is_required()} <= set(
        json.loads(ours)
    )


def test_names_must_be_exact(known: Layers) -> None:
    names = Names(known)

    def place(title: str | None, location: str | None) -> tuple[str, str | None, str | None]:
        item = published(title_place=title, location_name=location).context
        found = names.place(item, number=1, now=NOON)
        return found.precision, found.located_kommun, found.located_lan

    assert place("Nässjö", "Jönköpings län") == ("kommun", "0682", "06")
    assert place("nässjö", "Jönköpings län") == ("lan", None, "06")
    assert place(None, "Nässjö") == ("kommun", "0682", "06")
    assert place("Jönköpings län", "Jönköpings län") == ("lan", None, "06")
    assert place("Storbritannien", None) == ("none", None, None)


def test_malmo_names_lose_their_prefix_and_outlines_have_a_label_inside(known: Layers) -> None:
    assert not any(a.name.startswith("RegSO-") for a in known.areas("regso", "1280"))
    outlines = known.outlines("regso", "0682")
    assert len(outlines["features"]) == 13
    for feature in outlines["features"]:
        shape = shapely.from_geojson(str(feature["geometry"]).replace("'", '"'))
        assert shape.contains(shapely.Point(feature["properties"]["label"])), feature["id"]


@pytest.mark.parametrize("text", ["57.6533, 14.6968", "N 57° 39.198' E 14° 41.808'"])
def test_coordinates_written_in_the_place_are_a_point(known: Layers, text: str) -> None:
    (answer,) = placing.settle([given(place={"text": text})], known, silent)
    assert (answer.precision, answer.kommun) == ("gps", "0682")


def test_swapped_axes_are_put_right_and_said_so(known: Layers) -> None:
    (answer,) = placing.settle([given(place={"coordinates": {"x": 57.6533, "y": 14.6968}})], known, silent)
    assert (answer.kommun, answer.notes) == ("0682", ("axes_turned",))


def test_a_point_of_the_wrong_local_zone_is_kept_aside_and_the_right_one_is_known(known: Layers) -> None:
    e, n = crs._transformer(crs.WGS84, "EPSG:3008").transform(14.6968, 57.6533)
    right, wrong, zone = (
        {"coordinates": {"x": e, "y": n, "crs": system}} for system in ("EPSG:3008", "EPSG:3010", "EPSG:3009")
    )
    answers = placing.settle([given(i, place=p) for i, p in enumerate((right, wrong, zone))], known, silent)
    assert [a.reason for a in answers] == [None, "elsewhere", "elsewhere"]
    assert answers[0].kommun == "0682"
    assert known.fitting_systems(np.array([e]), np.array([n]), "0682") == ["EPSG:3008"]


def test_a_point_of_a_zone_a_few_kilometres_outside_the_municipality_stands(known: Layers) -> None:
    e, n = crs._transformer(crs.WGS84, "EPSG:3008").transform(14.95, 57.66)
    (answer,) = placing.settle([given(place={"coordinates": {"x": e, "y": n, "crs": "EPSG:3008"}})], known, silent)
    assert (answer.reason, answer.kommun) == (None, "0686")
