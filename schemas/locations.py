"""Hop 2, geo → analysis and notify: the report with its placement."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.reports import ReportReceived
from schemas.values import AreaRef, Contract, Kommun, Lan, UtcTime, Version

Cell = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{15}$")]
"""An H3 cell."""

Precision = Literal[
    "gps",
    "address",
    "address_other_letter",
    "near_number",
    "street",
    "crossing",
    "place",
    "area",
    "locality",
    "postort",
    "kommun",
    "lan",
    "none",
]
UnplacedReason = Literal[
    "no_place",
    "outside_sweden",
    "unknown_crs",
    "impossible_coordinates",
    "no_register",
    "unknown_area",
    "ambiguous",
    "not_found",
    "too_rough",
    "elsewhere",
]
Note = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
"""What a reader of a placement should know: ``axes_turned``, ``text_conflict`` (text and point more than 200 m apart),
``default_point`` (a point repeated far above all others), ``typo``, ``number_missing``, ``other_postal_code``,
``settled`` (by a person), ``placed_again`` (looked up anew: nobody is told). Readers ignore others."""


class Point(Contract):
    """One point in both systems of reference: WGS84 degrees and SWEREF 99 TM (EPSG:3006) metres."""

    lon: float
    lat: float
    e: float
    n: float


class PlaceRef(Contract):
    """A named place (torg, resecentrum, skolgård) that contains the point."""

    place_id: UUID
    version: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class Placement(Contract):
    """Where geo settled a report, and how sure it is.

    ``areas`` has exactly one entry for every layer that geo knew, ``unplaced`` where the layer has no answer, so
    that each layer's totals include every report. ``cells`` maps H3 resolution to cell, for aggregation only.
    """

    placement: Version
    placed_at: UtcTime
    precision: Precision
    reason: UnplacedReason | None = None
    radius_m: Annotated[float, Field(ge=0)] | None = None
    point: Point | None = None
    located_kommun: Kommun | None = None
    located_lan: Lan | None = None
    areas: tuple[AreaRef, ...]
    places: tuple[PlaceRef, ...] = ()
    cells: dict[str, Cell] = {}
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How often a text like this one is placed right; None for what was not read from a text."""
    register_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Source and vintage of the addresses that a text was looked up in."""
    notes: tuple[Note, ...] = ()


class ReportLocated(Contract):
    """A report revision with a placement; (revision, placement), compared in that order, says which is newer."""

    kommun: Kommun
    report: ReportReceived
    placement: Placement
