"""A report after gallring: its areas as they were, the middle of its cell, its code where a layer has a new version."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from services.geo.domain.anonymised import as_before, middle
from services.geo.domain.writing import AreaRef, Placement, Point

NOW = datetime(2026, 11, 28, tzinfo=UTC)
CELLS = {"9": "891f0598d57ffff", "10": "8a1f0598d577fff"}


def placement(areas: list[tuple[str, str, str]], **more: Any) -> Placement:
    about: dict[str, Any] = {
        "placement": 1, "placed_at": NOW, "precision": "gps", "reason": None, "radius_m": 5.0,
        "point": Point(14.6968, 57.6533, 1.0, 2.0), "located_kommun": "0682", "located_lan": "06",
        "areas": tuple(AreaRef(*a) for a in areas), "cells": CELLS,
    }  # fmt: skip
    return Placement(**about | more)


def test_areas_of_the_same_version_are_kept_and_later_ones_looked_up() -> None:
    before = placement([("regso", "2025", "0682R001"), ("own", "1", "a")])
    fresh = placement([("regso", "2025", "0682R002"), ("own", "2", "b")], placement=7)
    after = as_before(fresh, before)
    assert [a.area for a in after.areas] == ["0682R001", "b"]
    assert after.placement == 7
    assert after.cells == CELLS
    assert after.point == middle(before)
    assert after.point != before.point


def test_what_has_no_point_keeps_its_code_in_a_later_version() -> None:
    before = placement([("regso", "2025", "0682R001")], cells={}, point=None, precision="area")
    fresh = placement([("regso", "2026", "unplaced"), ("own", "1", "unplaced")], cells={}, point=None)
    after = as_before(fresh, before)
    assert [(a.version, a.area) for a in after.areas] == [("2026", "0682R001"), ("1", "unplaced")]
    assert after.point is None


def test_nobody_is_told_when_it_was_only_placed_anew() -> None:
    before = placement([("regso", "2025", "0682R001")])
    assert "placed_again" in as_before(structs.replace(before, notes=("placed_again",)), before).notes
    assert "placed_again" not in as_before(before, before).notes
