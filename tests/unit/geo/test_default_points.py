"""The default point of a form is told from places where much happens, on real data and made up."""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq

from services.geo.domain import placing
from services.geo.domain.default_points import Repeated, stand_out
from tests.support.addresses import silent
from tests.support.data import shared
from tests.support.facts import given
from tests.unit.geo.test_areas import layers


def test_boston_s_default_point_stands_out_of_forty_thousand_points() -> None:
    table = pq.read_table(shared("events/boston_311_2015.parquet"), columns=["LATITUDE", "LONGITUDE"])
    counted = Counter(zip(table["LONGITUDE"].to_pylist(), table["LATITUDE"].to_pylist(), strict=True))
    usual = float(np.percentile(list(counted.values()), 99, method="lower"))
    most = [Repeated(e, n, reports) for (e, n), reports in counted.most_common(10)]
    found = stand_out(most, usual)
    assert (found[0].n, found[0].e, found[0].reports) == (42.3594, -71.0587, 17_070)
    assert len(found) == 2, "the other one is the city hall itself"


def test_buildings_that_report_often_do_not_stand_out() -> None:
    assert stand_out([Repeated(0, 0, 60), Repeated(1, 1, 55)], usual=40.0) == []
    assert stand_out([Repeated(0, 0, 15)], usual=1.0) == [], "too few to say anything"


def test_a_report_at_a_default_point_is_placed_and_flagged() -> None:
    known = layers()
    place = {"coordinates": {"x": 14.6968, "y": 57.6533}}
    report = given(place=place)
    (plain,) = placing.settle([report], known, silent)
    assert plain.point is not None
    defaults = {"0682": frozenset({(plain.point.e, plain.point.n)})}
    (flagged,) = placing.settle([report], known, silent, defaults=defaults)
    assert (flagged.regso, flagged.notes) == (plain.regso, ("default_point",))
    (other,) = placing.settle([given(kommun="0686", place=place)], known, silent, defaults=defaults)
    assert other.notes == ()
