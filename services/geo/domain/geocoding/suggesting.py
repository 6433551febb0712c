"""Help while typing: what begins like this, and what is meant when nothing does."""

from math import hypot
from typing import TypeVar

from services.geo.domain.geocoding.answers import Candidate
from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.hints import Point
from services.geo.domain.geocoding.places import Place
from services.geo.domain.geocoding.register import Register, Street
from services.geo.domain.geocoding.words import key_of, read

Named = TypeVar("Named", Street, Place)
_ENOUGH = 40
"""Candidates that are ranked by distance; more would cost time and nobody sees them."""


def suggest(geocoder: Geocoder, typed: str, limit: int, near: Point | None = None) -> list[Candidate]:
    """Addresses when a number was begun, else streets and places; at most ``limit``, shortest or nearest first."""
    _, tokens = read(typed)
    if not tokens:
        return []
    if len(tokens) > 1 and tokens[-1].kind == "number" and tokens[-1].text.isalnum():
        name = key_of(" ".join(t.text for t in tokens[:-1]))
        streets = [s for s in geocoder.streets.beginning(name, _ENOUGH) if s.key == name or len(name) > 3]
        found = [c for s in _ranked(streets, near)[:5] for c in _numbers(geocoder.register, s, tokens[-1].text.upper())]
        if found:
            return found[:limit]
    key = "".join(t.key for t in tokens)
    named: list[Street | Place] = [
        *_ranked(geocoder.streets.beginning(key, _ENOUGH), near),
        *_ranked(geocoder.places.beginning(key, _ENOUGH), near),
    ]
    if named:
        exact = [x for x in named if key_of(x.name) == key]
        rest = [x for x in named if key_of(x.name) != key]
        return [_candidate(geocoder.register, x) for x in (exact + rest)[:limit]]
    return list(geocoder.find(typed, near).candidates[:limit])


def _ranked(found: list[Named], near: Point | None) -> list[Named]:
    if near is None:
        return found
    return sorted(found, key=lambda x: hypot(x.e - near.e, x.n - near.n))


def _numbers(register: Register, street: Street, begun: str) -> list[Candidate]:
    """The street's addresses whose number begins so: the number itself first, then its letters, then longer ones."""
    rows = [
        r
        for r in range(street.start, street.end)
        if f"{register.number[r]}{register.letter[r]}".startswith(begun) and register.number[r] >= 0
    ]
    rows.sort(key=lambda r: (len(str(register.number[r])), register.number[r], register.letter[r]))
    return [
        Candidate(
            register.label(r), "address", register.e[r], register.n[r], 20.0, 1.0, register.source, register.vintage,
            street.district,
        )
        for r in rows[:20]
    ]  # fmt: skip


def _candidate(register: Register, found: Street | Place) -> Candidate:
    if isinstance(found, Place):
        place = (found.precision, found.e, found.n, found.radius_m, 1.0, found.source, found.vintage)
        return Candidate(found.name, *place, area=found.area)
    street = (found.e, found.n, found.radius_m, 1.0, register.source, register.vintage, found.district)
    return Candidate(found.name, "street", *street)
