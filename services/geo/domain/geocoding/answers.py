"""What comes of a written place: never a bare point, and ambiguity is an answer of its own."""

from dataclasses import dataclass, field
from typing import Literal

from schemas.locations import Precision

Outcome = Literal["found", "ambiguous", "suggested", "none"]
"""``found`` may be used; ``ambiguous`` and ``suggested`` are for people to settle; ``none`` names no place."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place that the text may mean. E and N in EPSG:3006, metres; the true place is within ``radius_m`` of them."""

    label: str
    precision: Precision
    e: float
    n: float
    radius_m: float
    confidence: float
    """How often an answer like this one is right, 0–1; calibrated by ``lagesbild check geocoder``."""
    source: str
    vintage: str
    district: str = ""
    area: str | None = None
    """The area's code, where the text names an area and not a point."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one text. ``matched`` is the part of the text that was understood, as it was written."""

    outcome: Outcome
    candidates: tuple[Candidate, ...] = ()
    matched: str = ""
    notes: tuple[str, ...] = field(default=())
    """What a reader should know: ``typo``, ``number_missing``, ``other_postal_code``, ``several_districts``."""

    @property
    def best(self) -> Candidate | None:
        """The place, when one was found."""
        return self.candidates[0] if self.outcome == "found" else None


NOTHING = Answer("none")
