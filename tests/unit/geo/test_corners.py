"""Surfaces as lists of corners: written, read again, and every way in which a list is none."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from services.geo.domain import corners
from services.geo.domain.corners import BadCorners

E0, N0 = 481_300.0, 6_390_300.0


@given(
    radii=st.lists(st.floats(20, 3_000), min_size=3, max_size=40),
    e=st.floats(400_000, 800_000),
    n=st.floats(6_200_000, 7_500_000),
)
def test_what_is_written_is_read_again(radii: list[float], e: float, n: float) -> None:
    turns = [2 * math.pi * i / len(radii) for i in range(len(radii))]
    star = shapely.Polygon([(e + r * math.cos(t), n + r * math.sin(t)) for r, t in zip(radii, turns, strict=True)])
    again = corners.read(corners.write(star))
    assert shapely.hausdorff_distance(star, again) < 0.2
    assert len(again.exterior.coords) - 1 == len(radii)


def test_holes_and_parts_survive() -> None:
    ring = shapely.Point(E0, N0).buffer(500).difference(shapely.Point(E0, N0).buffer(200))
    whole = shapely.MultiPolygon([ring, shapely.box(E0 + 900, N0, E0 + 1_000, N0 + 50)])
    written = corners.write(whole)
    assert written.count("hål") == 1
    again = corners.read(written)
    assert again.area == pytest.approx(whole.area, rel=1e-3)
    assert len(again.geoms) == 2


def test_holes_may_have_different_numbers_of_corners() -> None:
    square = shapely.box(E0, N0, E0 + 1_000, N0 + 1_000)
    holes = [shapely.box(E0 + 100, N0 + 100, E0 + 200, N0 + 200), shapely.Point(E0 + 600, N0 + 600).buffer(100)]
    pierced = square.difference(shapely.union_all(holes))
    assert corners.read(corners.write(pierced)).area == pytest.approx(pierced.area, rel=1e-4)


def test_all_spellings_of_coordinates_are_corners() -> None:
    metres = "6390300 481300\n6390300 481400\n6390400 481400"
    assert corners.read(metres).area == pytest.approx(5_000)
    mixed = "57,653300, 14,696800\n57°39'15\"N 14°41'48\"E\n57.654 14.698"
    assert corners.read(mixed).area > 100


@pytest.mark.parametrize(
    ("written", "what", "line"),
    [
        ("", "corners_none", 0),
        ("\n\n", "corners_none", 0),
        ("57.1, 14.1\n57.2, 14.2", "corners_line", 1),
        ("57.1000, 14.1000\n57.2000, 14.2000", "corners_few", 0),
        ("57.1000, 14.1000\nhär\n57.2000, 14.2000", "corners_line", 2),
        ("hål\n57.1000, 14.1000", "corners_hole", 1),
        ("57.1000, 14.1000\n57.2000, 14.2000\n57.1000, 14.2000\n57.2000, 14.1000", "corners_cross", 0),
        ("48.8566, 2.3522\n48.8566, 2.4000\n48.9000, 2.4000", "corners_line", 1),
        ("0.0000, 0.0000\n0.0001, 0.0000\n0.0001, 0.0001", "corners_line", 1),
        ("\n".join(["57.1000, 14.1000"] * 6_000), "corners_many", 0),
        ("1" + " " * 399_000 + "1", "corners_line", 1),
    ],
)
def test_a_list_that_is_no_surface_says_why(written: str, what: str, line: int) -> None:
    with pytest.raises(BadCorners) as refused:
        corners.read(written)
    assert (refused.value.what, refused.value.line) == (what, line)


def test_parts_that_lie_over_each_other_are_refused() -> None:
    square = corners.write(shapely.box(E0, N0, E0 + 100, N0 + 100))
    shifted = corners.write(shapely.box(E0 + 50, N0, E0 + 150, N0 + 100))
    with pytest.raises(BadCorners, match="overlap"):
        corners.read(f"{square}\n\n{shifted}")
