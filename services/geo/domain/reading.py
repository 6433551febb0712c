"""A received report as geo reads it: all of the contract's fields with all of its rules, as msgspec structs.

Reading was what cost most here (22 µs a report by pydantic, of 58 in all; 3 by msgspec). What passes is what the
contract lets pass, so that readers further on may read less; a test holds these against
``schemas.reports.ReportReceived``.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import DecodeError as NotJson
from msgspec import Meta, Struct, ValidationError, json

from schemas.values import PLACE_TEXT_LIMIT, Environment, Source
from services.runtime.errors import Unreadable

Kommun = Annotated[str, Meta(pattern=r"^\d{4}\Z")]
EventType = Annotated[str, Meta(pattern=r"^[A-G](?:\d{1,2}|-X\d{1,3})\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with an offset."""
Version = Annotated[int, Meta(ge=0, lt=2**53)]


class Coordinates(Struct, frozen=True, gc=False):
    """``schemas.values.Coordinates``: a point as the sender gave it."""

    x: float
    y: float
    crs: Annotated[str, Meta(pattern=r"^EPSG:\d{4,5}\Z")] = "EPSG:4326"
    accuracy_m: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None


class Place(Struct, frozen=True, gc=False):
    """``schemas.values.PlaceAsGiven``: where, as the sender said it."""

    coordinates: Coordinates | None = None
    text: Annotated[str, Meta(min_length=1, max_length=PLACE_TEXT_LIMIT)] | None = None
    area_code: Annotated[str, Meta(pattern=r"^[0-9A-Za-zÅÄÖåäö_-]{2,32}\Z")] | None = None


class Report(Struct, frozen=True, gc=False):
    """``schemas.reports.ReportReceived``: one revision of one report."""

    kommun: Kommun
    report_id: UUID
    revision: Version
    submission_id: UUID
    event_type: EventType
    source: Source
    time_from: Moment
    time_to: Moment
    severity: Annotated[int, Meta(ge=1, le=4)]
    received_at: Moment
    minted_at: Moment
    organisation: UUID | None = None
    reporter_token: Annotated[str, Meta(min_length=8, max_length=64)] | None = None
    place: Place = Place()
    environment: Environment = "unknown"
    confirmed: bool = False
    count: Annotated[int, Meta(ge=1, le=10_000)] = 1
    ongoing: bool = False
    recurring: bool = False
    has_text: bool = False
    has_photo: bool = False
    merged_into: UUID | None = None
    withdrawn: bool = False
    invented: bool = False
    anonymised: bool = False


class _Stored(Struct, frozen=True, gc=False):
    """The part of a located report that geo reads again."""

    report: Report


_DECODER, _STORED = json.Decoder(Report), json.Decoder(_Stored)


def read(message: bytes | str) -> Report:
    """The report in a message's JSON; Unreadable names the field and the rule, never the content."""
    try:
        return _DECODER.decode(message)
    except ValidationError as wrong:
        raise Unreadable(str(wrong)) from None
    except (NotJson, UnicodeDecodeError):
        raise Unreadable("body: not JSON") from None


def read_stored(event: str) -> Report:
    """The report in a located report that geo stored."""
    return _STORED.decode(event).report
