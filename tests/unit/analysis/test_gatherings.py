"""A gathering on the signals' page: its own cells, on the areas that they touch and no others."""

from typing import Any

import h3

from services.analysis.web.signals import gathering

MIDDLE = h3.latlng_to_cell(57.6533, 14.6968, 9)


def square(code: str, west: float, south: float, side: float = 0.05) -> dict[str, Any]:
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "id": code,
        "properties": {"name": code, "label": [west + side / 2, south + side / 2]},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_the_cells_are_drawn_on_the_areas_that_they_touch() -> None:
    cells = sorted(h3.grid_disk(MIDDLE, 1))
    around, far = square("0682R001", 14.67, 57.63), square("0682R002", 15.4, 58.1)
    drawing = gathering({"cells": cells}, [around, far])
    assert drawing is not None
    assert [shape.code for shape in drawing.shapes] == ["0682R001"]
    assert len(drawing.rings) == 7
    assert drawing.caption == "Ansamlingens rutor: 7"


def test_where_no_area_is_known_there_is_no_map() -> None:
    assert gathering({"cells": [MIDDLE]}, [square("0682R002", 15.4, 58.1)]) is None
