"""The small words that every hop shares: kommun, event type, source, place as given.

Each alias validates by itself, so that a message that passes a model is safe to use as a key.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

CONTEXT_OWNER = "0000"
"""The reserved owner of what happens elsewhere (polisen.se): readable by all municipalities, written by none."""

PLACE_TEXT_LIMIT = 120
"""Longest place as written, in characters; the only text that may travel in the log."""


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # no ValueError, so that pydantic would let it through
        raise ValueError("the moment is outside the calendar") from None


Kommun = Annotated[str, StringConstraints(pattern=r"^\d{4}$")]
"""Municipality code as text with leading zeros, ``0682``; ``0000`` is the context owner."""

EventType = Annotated[str, StringConstraints(pattern=r"^[A-G](?:\d{1,2}|-X\d{1,3})$")]
"""Taxonomy code: ``A1``, or a municipality's own ``A-X1``. Level 1 is always its first letter."""

EventGroup = Annotated[str, StringConstraints(pattern=r"^[A-G]$")]
"""Level 1 of the taxonomy."""

Lan = Annotated[str, StringConstraints(pattern=r"^\d{2}$")]
"""County code as text with leading zeros, ``06``."""

AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-zÅÄÖåäö_-]{2,32}$")]
"""Code of an area in some layer."""

UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment with an offset, kept in UTC."""

Version = Annotated[int, Field(ge=0, lt=2**53)]
"""A minted number: restore epoch in the bits above 2**32, counter below. Fits a JavaScript number."""

Source = Literal["rapportor", "fastighetsbolag", "felanmalan", "tips", "polis"]
Environment = Literal["public", "semi_public", "unknown"]
Severity = Annotated[int, Field(ge=1, le=4)]


class Contract(BaseModel):
    """Base of every message: immutable; unknown fields are ignored so that producers may be upgraded first."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null", allow_inf_nan=False)


class Coordinates(Contract):
    """A point as the sender gave it: ``x`` is longitude or easting, ``y`` latitude or northing, in ``crs``."""

    x: float
    y: float
    crs: Annotated[str, StringConstraints(pattern=r"^EPSG:\d{4,5}$")] = "EPSG:4326"
    accuracy_m: Annotated[float, Field(ge=0, le=1_000_000)] | None = None


class PlaceAsGiven(Contract):
    """Where, as the sender said it; any combination, and none at all for a zero report."""

    coordinates: Coordinates | None = None
    text: Annotated[str, StringConstraints(max_length=PLACE_TEXT_LIMIT, min_length=1)] | None = None
    area_code: AreaCode | None = None


class AreaRef(Contract):
    """One area in one version of one layer; ``area`` is ``unplaced`` where the layer has no answer."""

    layer: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
    version: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    area: Annotated[str, StringConstraints(min_length=1, max_length=32)]


UNPLACED = "unplaced"
