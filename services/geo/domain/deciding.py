"""What a person decided about a report's place, and which reports ask for a decision."""

from hashlib import blake2b
from typing import Literal, NamedTuple

from msgspec import json

from schemas.locations import Precision
from schemas.taxonomy import counts_as_event
from services.geo.domain.reading import Place, Report

Kind = Literal["point", "nowhere", "as_is"]
"""``point``: it was there. ``nowhere``: at none of the candidates. ``as_is``: the first answer is right."""
Why = Literal[
    "ambiguous",
    "not_found",
    "text_conflict",
    "elsewhere",
    "default_point",
    "rough",
    "coordinates",
    "area",
    "no_register",
]
SETTLED = "settled"
_REASONS: dict[str, Why] = {
    "ambiguous": "ambiguous", "not_found": "not_found", "elsewhere": "elsewhere", "unknown_crs": "coordinates",
    "impossible_coordinates": "coordinates", "outside_sweden": "coordinates", "unknown_area": "area",
    "no_register": "no_register",
}  # fmt: skip
_NOTES: tuple[Why, ...] = ("text_conflict", "default_point")


class Decision(NamedTuple):
    """A person's decision. E and N in EPSG:3006, metres, for ``point``."""

    kind: Kind
    e: float = 0.0
    n: float = 0.0
    precision: Precision = "gps"
    radius_m: float | None = None


def place_key(place: Place) -> str:
    """A digest of the place as the sender gave it: a decision holds for as long as it stays the same."""
    return blake2b(json.encode(place), digest_size=12).hexdigest()


def asks_for_review(report: Report, precision: str, reason: str | None, notes: tuple[str, ...]) -> Why | None:
    """Why a person should look at where the report was placed; None when nobody need."""
    if SETTLED in notes or report.withdrawn or report.merged_into is not None or not counts_as_event(report.event_type):
        return None
    if reason is not None:
        return _REASONS.get(reason)
    if precision in {"locality", "postort"}:
        return "rough"
    return next((note for note in _NOTES if note in notes), None)


def without_questions(notes: tuple[str, ...]) -> tuple[str, ...]:
    """The notes of a placement that a person looked at: what was asked is answered."""
    return (*(n for n in notes if n not in _NOTES), SETTLED)
