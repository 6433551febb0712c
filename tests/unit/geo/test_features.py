"""What GIS clients ask: boxes of any size and system, times, and nothing that takes the process down."""

from datetime import UTC, datetime

import numpy as np
import pytest

from services.geo.domain import features
from services.geo.domain.crs import WGS84, to_sweref
from services.geo.domain.features import BadQuery

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
MALMO, KIRUNA = (12.99, 55.6), (20.22, 67.86)


def holds(box: tuple[float, float, float, float] | None, lon: float, lat: float) -> bool:
    e, n = to_sweref(np.array([lon]), np.array([lat]), WGS84)
    return box is not None and bool(box[0] <= e[0] <= box[2] and box[1] <= n[0] <= box[3])


@pytest.mark.parametrize("written", ["-180,-90,180,90", "10,55,25,70", "-180,-90,0,180,90,9000", "0,0,90,90"])
def test_a_box_around_the_world_holds_all_of_sweden(written: str) -> None:
    box = features.box(written, None)
    assert holds(box, *MALMO)
    assert holds(box, *KIRUNA)


def test_a_box_elsewhere_holds_nothing_and_costs_nothing() -> None:
    for written, system in (("2,48,3,49", None), ("1e300,1e300,1e300,1e300", EPSG + "3006"), ("-50,-50,-40,-40", None)):
        box = features.box(written, system)
        assert box is not None
        assert features.cells(box) == []


def test_cells_are_looked_up_for_a_town_and_not_for_a_county() -> None:
    town, county = features.box("14.6,57.6,14.8,57.7", None), features.box("13,57,16,58.5", None)
    flat = features.box("6000000,200000,6000000,12900000", EPSG + "3006")
    assert town is not None
    assert county is not None
    assert flat is not None
    assert len(features.cells(town) or ()) > 10
    assert features.cells(county) is None
    assert features.cells(flat) is None


@pytest.mark.parametrize("written", ["1,2", "a,b,c,d", "15,57,14,58", "nan,1,2,3", "inf,1,2,3", ",,,"])
def test_a_box_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(BadQuery):
        features.box(written, None)


def test_days_are_whole_swedish_days_and_moments_are_moments() -> None:
    first, last = features.interval("2026-01-01/2026-01-31")
    assert first == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert last is not None
    assert datetime(2026, 1, 31, 22, 59, tzinfo=UTC) < last < datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert features.interval("2026-01-01T12:00:00Z") == (datetime(2026, 1, 1, 12, tzinfo=UTC),) * 2
    assert features.interval("../2026-01-01T12:00:00Z")[0] is None
    for wrong in ("0001-01-01T00:00:00+01:00/..", "9999-12-31/..", "x", "2026-02-01/2026-01-01", "a/b/c"):
        with pytest.raises(BadQuery):
            features.interval(wrong)
