"""Every system that Swedish senders use, and swapped axes."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.geo.domain import crs
from tests.support.data import shared

KIRUNA = (761_811.242, 7_454_204.638)
"""EPSG:3006 of a point whose RT90 2.5 gon V is Y 1 727 060.905, X 7 453 389.762, with 67°5′26.452769″ N,
21°2′5.101575″ E in SWEREF 99: the worked example of Lantmäteriet's Gauss–Krüger formulas."""


def sweref(x: float, y: float, system: str) -> tuple[float, float]:
    e, n = crs.to_sweref(*crs.upright(np.array([x]), np.array([y]), system), system)
    return float(e[0]), float(n[0])


@pytest.mark.parametrize(
    ("x", "y", "system"),
    [
        (1_727_060.905, 7_453_389.762, "EPSG:3021"),
        (21 + 2 / 60 + 5.101575 / 3600, 67 + 5 / 60 + 26.452769 / 3600, "EPSG:4326"),
    ],
)
def test_the_worked_example_is_met_within_a_metre(x: float, y: float, system: str) -> None:
    assert sweref(x, y, system) == pytest.approx(KIRUNA, abs=1.0)
    assert sweref(y, x, system) == pytest.approx(KIRUNA, abs=1.0), "the axes may come swapped"


@given(st.floats(280_000, 900_000), st.floats(6_140_000, 7_640_000), st.sampled_from(sorted(crs.KNOWN)), st.booleans())
def test_there_and_back_in_every_system_either_way_round(e: float, n: float, system: str, swap: bool) -> None:
    there = crs._transformer(crs.SWEREF99_TM, system).transform(e, n)
    assume(crs.EXTENTS[system].holds(np.array([there[0]]), np.array([there[1]]))[0])
    x, y = (there[1], there[0]) if swap else there
    assert sweref(x, y, system) == pytest.approx((e, n), abs=0.01)


@pytest.mark.parametrize("system", sorted(crs.KNOWN))
def test_every_locality_lies_inside_sweden_in_every_system(system: str) -> None:
    with Path(shared("geo/geonames_orter_SE.csv")).open(encoding="utf-8") as file:
        found = np.array([(float(r["longitude"]), float(r["latitude"])) for r in csv.DictReader(file)])
    x, y = crs._transformer(crs.WGS84, system).transform(found[:, 0], found[:, 1])
    assert crs.EXTENTS[system].holds(x, y).all()


@pytest.mark.parametrize("system", sorted(crs.KNOWN))
def test_eastings_and_northings_never_overlap(system: str) -> None:
    extent = crs.EXTENTS[system]
    assert extent.east < extent.south


def test_what_is_not_a_number_is_turned_nowhere() -> None:
    x, y = crs.upright(np.array([np.nan, 15.0]), np.array([58.0, np.nan]), crs.WGS84)
    assert np.isnan(x[0])
    assert y[0] == 58.0
    assert x[1] == 15.0
    assert np.isnan(y[1])
