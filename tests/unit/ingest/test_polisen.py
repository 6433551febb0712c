"""The publisher's format: what is read, what is refused and why."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest import polisen
from services.ingest.cli import importing
from services.ingest.polisen import BadItem
from tests.support.facts import NOON

ITEM = {
    "id": 411270,
    "datetime": "2023-03-25 9:44:44 +01:00",
    "name": "25 mars 21:15, Fylleri/LOB, Stockholm",
    "summary": "Text.",
    "url": "/aktuellt/handelser/2023/mars/25/",
    "type": "Fylleri/LOB",
    "location": {"name": "Stockholm", "gps": "59.3,18.0"},
}


def test_an_hour_may_lack_its_leading_zero() -> None:
    assert polisen.read_item(ITEM, NOON).published_at == datetime(2023, 3, 25, 8, 44, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "missing_id"),
        ({"type": ""}, "missing_type"),
        ({"name": 5}, "missing_name"),
        ({"datetime": "i går"}, "bad_datetime"),
        ({"datetime": "2023-02-31 09:44:44 +01:00"}, "bad_datetime"),
    ],
)
def test_items_are_refused_with_a_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadItem) as bad:
        polisen.read_item(ITEM | change, NOON)
    assert bad.value.reason == reason


@pytest.mark.parametrize("raw", [None, 5, [], {"e": 5}, {"seen": "x", "e": ITEM}, {"seen": "2023-01-01", "e": ITEM}])
def test_lines_that_are_no_items(raw: object) -> None:
    with pytest.raises(BadItem):
        polisen.read_item(raw, NOON)


@pytest.mark.parametrize(
    ("headline", "published", "expected"),
    [
        ("25 mars 21:15, X, Y", "2023-03-25T22:00:00+01:00", "2023-03-25T20:15:00+00:00"),
        ("31 december 23.50, X, Y", "2024-01-01T00:30:00+01:00", "2023-12-31T22:50:00+00:00"),
        ("1 januari 00.10, X, Y", "2023-12-31T23:59:00+01:00", "2023-12-31T23:10:00+00:00"),
        ("25 mars, Sammanfattning natt, Y", "2023-03-25T22:00:00+01:00", None),
        ("31 februari 10.00, X, Y", "2023-03-01T22:00:00+01:00", None),
        ("Uppdatering", "2023-03-01T22:00:00+01:00", None),
    ],
)
def test_the_time_in_a_headline(headline: str, published: str, expected: str | None) -> None:
    found = polisen.occurred_at(headline, datetime.fromisoformat(published))
    assert (found.isoformat() if found else None) == expected


def test_the_place_is_what_stands_after_the_last_comma() -> None:
    assert polisen.title_place("25 mars 21:15, Rån, övrigt, Malung-Sälen") == "Malung-Sälen"
    assert polisen.title_place("Uppdatering") is None


def test_events_carry_no_headline_and_no_summary() -> None:
    event = polisen.to_event(polisen.read_item(ITEM, NOON), 1, NOON)
    assert "Text." not in event.model_dump_json()
    assert str(ITEM["name"]) not in event.model_dump_json()


def test_newest_versions_are_chosen_and_unreadable_lines_kept() -> None:
    def line(ident: int, seen: str) -> bytes:
        return json.dumps({"seen": seen, "rev": 1, "e": ITEM | {"id": ident}}).encode()

    lines = [
        line(1, "2023-03-25T10:00:00+00:00"),
        line(1, "2023-03-26T10:00:00+00:00"),
        b"{",
        line(2, "2023-03-25T10:00:00+00:00"),
    ]
    kept, older = importing.newest_only(lines)
    assert [number for number, _ in kept] == [2, 3, 4]
    assert older == 1
