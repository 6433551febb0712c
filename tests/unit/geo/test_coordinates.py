"""Coordinates as people write them, and texts that only look like it."""

import pytest

from services.geo.domain import coordinates, crs

NASSJO = (14.6968, 57.6533)


@pytest.mark.parametrize(
    "text",
    [
        "57.6533, 14.6968", "57,6533 14,6968", "57,6533, 14,6968", "57.6533,14.6968", "14.6968 57.6533",
        "N57.6533 E14.6968", "57.6533° N, 14.6968° E", "14,6968 Ö 57,6533 N", "lat 57.6533 lon 14.6968",
        "Koordinater: 57.6533; 14.6968", "(57.6533/14.6968)", "57°39'11.88\"N 14°41'48.48\"E",
        "57° 39' 11,88\" N, 14° 41' 48,48\" Ö", "57°39′11.88″ 14°41′48.48″", "57 39 11.88 N 14 41 48.48 E",
        "N 57° 39.198' E 14° 41.808'", "57°39,198' N 14°41,808' Ö", "GPS 57.65330 14.69680",
    ],
)  # fmt: skip
def test_degrees_in_many_spellings_are_one_point(text: str) -> None:
    found = coordinates.read(text)
    assert found is not None, text
    assert found.crs == crs.WGS84
    assert (found.x, found.y) == pytest.approx(NASSJO, abs=2e-6)


@pytest.mark.parametrize(
    "text", ["6390123 481234", "N 6390123,0 E 481234,0", "481234, 6390123", "sweref 99 tm: 6390123 481234"]
)
def test_sweref_99_tm_in_either_order(text: str) -> None:
    assert coordinates.read(text) == (481_234.0, 6_390_123.0, crs.SWEREF99_TM, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "", "Storgatan 5", "Storgatan 12, 571 31 Nässjö", "57.6533", "57.6533 14.6968 vid kiosken", "1.000 2.000",
        "0.0000 0.0000", "59.9139 -10.75", "48.8566 2.3522", "nan nan", "6390123", "123456 789012",
        "ring 0380-123456 eller 070-1234567", "2026.123 11.456", "99°99'99\" 99°99'99\"", "57.6533 14.6968 15.0000",
        "1" * 500, "57.65, 14.69",
    ],
)  # fmt: skip
def test_other_texts_are_not_coordinates(text: str) -> None:
    assert coordinates.read(text) is None, text


def test_the_radius_follows_the_decimals() -> None:
    three, five = coordinates.read("57.653 14.696"), coordinates.read("57.65330 14.69680")
    assert three is not None
    assert five is not None
    assert (three.radius_m, five.radius_m) == (64.0, 0.64)
