"""Vector tiles: what lies where, borders that stay shared, streets drawn from addresses, names written once."""

import math

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from services.geo.domain import streets, tiling
from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.domain.tiling import EXTENT, Drawable

E0, N0 = 481_300.0, 6_390_300.0


def tile_of(e: float, n: float, z: int) -> tuple[int, int, int]:
    lon, lat = Transformer.from_crs("EPSG:3006", "EPSG:4326", always_xy=True).transform(e, n)
    return tiling.tile_at(lon, lat, z)


def decoded(made: bytes, layer: str) -> list[tuple[dict[str, object], shapely.Geometry]]:
    read = mapbox_vector_tile.decode(made, default_options={"y_coord_down": True})
    return [(f["properties"], shapely.geometry.shape(f["geometry"])) for f in read[layer]["features"]]


@pytest.mark.parametrize("z", [5, 9, 12, 16])
def test_a_point_lies_where_the_mercator_formula_puts_it(z: int) -> None:
    point = Drawable(np.array([shapely.Point(E0, N0)], dtype=object), [{"name": "here"}])
    at = tile_of(E0, N0, z)
    [(properties, found)] = decoded(tiling.encode({"points": point}, *at), "points")
    lon, lat = Transformer.from_crs("EPSG:3006", "EPSG:4326", always_xy=True).transform(E0, N0)
    x = ((lon + 180) / 360 * 2**z - at[1]) * EXTENT
    y = ((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z - at[2]) * EXTENT
    assert properties == {"name": "here"}
    assert (found.x, found.y) == pytest.approx((x, y), abs=0.6)


@pytest.mark.parametrize("z", [9, 11, 13])
def test_neighbours_share_their_border_in_the_tile_too(z: int) -> None:
    wiggle = [(E0 + 40 * math.sin(i), N0 - 2_000 + 37 * i) for i in range(110)]
    west = shapely.Polygon([(E0 - 2_000, N0 - 2_000), *wiggle, (E0 - 2_000, wiggle[-1][1])])
    east = shapely.Polygon([(E0 + 2_000, N0 - 2_000), *wiggle, (E0 + 2_000, wiggle[-1][1])])
    both = Drawable(np.array([west, east], dtype=object), [{"area": "w"}, {"area": "e"}])
    (_, a), (_, b) = decoded(tiling.encode({"areas": both}, *tile_of(E0, N0, z)), "areas")
    assert a.is_valid
    assert b.is_valid
    assert a.intersection(b).area == 0
    # Without a sliver between them: together they have no hole, and the border is as long seen from both sides.
    assert shapely.union_all([a, b]).geom_type == "Polygon"
    assert len(shapely.union_all([a, b]).interiors) == 0


def test_tiles_that_hold_nothing_are_empty_and_those_that_do_not_exist_are_none() -> None:
    point = Drawable(np.array([shapely.Point(E0, N0)], dtype=object), [{"name": "here"}])
    assert tiling.encode({"points": point}, 9, 0, 0) == b""
    assert tiling.encode({"points": point}, 9, 511, 511) == b""
    assert not tiling.tile_exists(9, 512, 0)
    assert not tiling.tile_exists(tiling.MAX_ZOOM + 1, 0, 0)
    assert tiling.tile_exists(0, 0, 0)


def test_a_shape_that_shrinks_to_nothing_is_left_out_and_breaks_nothing() -> None:
    crumbs = [shapely.box(E0 + i, N0, E0 + i + 0.5, N0 + 0.5) for i in range(50)]
    layer = Drawable(
        np.array([*crumbs, shapely.box(E0, N0, E0 + 9_000, N0 + 9_000)], dtype=object), [{"n": i} for i in range(51)]
    )
    found = decoded(tiling.encode({"areas": layer}, *tile_of(E0 + 500, N0 + 500, 8)), "areas")
    assert [properties for properties, _ in found] == [{"n": 50}]


def rows(points: list[tuple[str, int, float, float]]) -> Register:
    blank = [""] * len(points)
    e, n = np.array([p[2] for p in points]), np.array([p[3] for p in points])
    names = [p[0] for p in points]
    return Register(
        AddressRows(names, [p[1] for p in points], blank, blank, blank, blank, blank, blank, e, n),
        source="",
        vintage="",
    )


def test_a_street_runs_between_its_two_sides_in_the_order_of_its_numbers() -> None:
    sides = [("Långgatan", i, E0 + 10 * i, N0 + (12.0 if i % 2 else -12.0)) for i in range(1, 21)]
    drawn = streets.lines(rows(sides))
    [line] = drawn.geometries
    assert list(drawn.properties) == [{"name": "Långgatan", "size": 20}]
    found = shapely.get_coordinates(line)
    assert (np.abs(found[:, 1] - N0) < 2.0).all()  # the sides lie 12 m from the middle
    assert (np.diff(found[:, 0]) > 0).all()


def test_a_gap_breaks_the_street_and_a_single_address_is_none() -> None:
    near = [("Delad väg", i, E0 + 10 * i, N0) for i in range(1, 9)]
    far = [("Delad väg", i, E0 + 600 + 10 * i, N0) for i in range(9, 17)]
    drawn = streets.lines(rows([*near, *far, ("Ensam stig", 1, E0, N0 + 500)]))
    assert [p["name"] for p in drawn.properties] == ["Delad väg"]
    assert drawn.geometries[0].geom_type == "MultiLineString"
    assert shapely.length(drawn.geometries[0]) < 160
    assert [p["number"] for p in streets.doors(rows(near)).properties] == [str(i) for i in range(1, 9)]
