"""What the picture reads of a located report, and the fact as the views count it.

Not the whole contract: geo has checked that, and reading is what costs most here, so msgspec does it, which is faster
than pydantic. The stored JSON is the whole message, so that another definition may read more of it; a test
holds these fields against the contract.
"""

from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import DecodeError, Meta, Struct, json

from schemas.taxonomy import ZERO_REPORT, counts_as_event
from services.analysis.views import MILLION, Weight, monday, shares, swedish_day
from services.runtime.errors import Unreadable

NO_CELL = 0


Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with an offset."""


class Report(Struct, frozen=True, gc=False):
    """The fields of ``schemas.reports.ReportReceived`` that the picture reads."""

    kommun: str
    report_id: UUID
    revision: int
    event_type: Annotated[str, Meta(pattern=r"^[A-G](?:\d{1,2}|-X\d{1,3})$")]
    source: str
    time_from: Moment
    time_to: Moment
    minted_at: Moment
    received_at: Moment
    organisation: str | None = None
    reporter_token: str | None = None
    count: int = 1
    ongoing: bool = False
    merged_into: str | None = None
    withdrawn: bool = False
    invented: bool = False
    anonymised: bool = False


class Area(Struct, frozen=True, gc=False):
    """A layer and one of its areas."""

    layer: str
    area: str


class PlaceRef(Struct, frozen=True, gc=False):
    """A named place that holds the point."""

    place_id: UUID


class Placement(Struct, frozen=True, gc=False):
    """The fields of ``schemas.locations.Placement`` that the picture reads."""

    placement: int
    placed_at: Moment
    precision: str
    areas: list[Area]
    cells: dict[str, str] = {}
    places: list[PlaceRef] = []


class LocatedReport(Struct, frozen=True, gc=False):
    """A located report as far as the picture reads it."""

    kommun: str
    report: Report
    placement: Placement


_DECODER = json.Decoder(LocatedReport)


def read(message: bytes | str) -> LocatedReport:
    """The fact in a message's JSON; Unreadable names the field and the rule, never the content."""
    try:
        return _DECODER.decode(message)
    except DecodeError as wrong:
        raise Unreadable(str(wrong)) from None


class AreaShare(NamedTuple):
    """An area of a layer, and its share of a report in millionths: each layer's shares sum to one million."""

    layer: str
    area: str
    share: int


class AreaSet(NamedTuple):
    """The areas of all layers that a report lies in, under one number: views keep one row for all layers."""

    number: int
    shares: tuple[AreaShare, ...]


class Counted(NamedTuple):
    """A report that counts, in the terms of the views; days and weeks are Europe/Stockholm (contract 7)."""

    kommun: str
    day: date
    week: date
    areas: AreaSet
    event_type: str
    source: str
    organisation: str
    precision: str
    r9: int
    r10: int
    weight: Weight
    time_from: datetime
    time_to: datetime
    ongoing: bool
    received_at: datetime


class Present(NamedTuple):
    """A reporter's report of whatever kind: somebody was there and looked. ``kind`` is event, zero or calendar."""

    kommun: str
    areas: AreaSet
    organisation: str
    reporter_token: str
    kind: str
    time_from: datetime
    weight: Weight


def why_not_counted(fact: LocatedReport) -> str | None:
    """Why the fact contributes nothing: withdrawn, merged, not_an_event; None when it counts.

    Zero reports and the calendar never count (contract 8).
    """
    if fact.report.withdrawn:
        return "withdrawn"
    if fact.report.merged_into is not None:
        return "merged"
    return None if counts_as_event(fact.report.event_type) else "not_an_event"


def counted(fact: LocatedReport) -> Counted | None:
    """The fact as the views count it, None when it does not count."""
    report, placement = fact.report, fact.placement
    if report.withdrawn or report.merged_into is not None or not counts_as_event(report.event_type):
        return None
    day, cells = swedish_day(report.time_from), placement.cells
    return Counted(
        fact.kommun,
        day,
        monday(day),
        area_set(tuple([(ref.layer, ref.area) for ref in placement.areas])),
        report.event_type,
        report.source,
        report.organisation or "",
        placement.precision,
        int(cells["9"], 16) if "9" in cells else NO_CELL,
        int(cells["10"], 16) if "10" in cells else NO_CELL,
        Weight(MILLION, MILLION * report.count),
        report.time_from,
        report.time_to,
        report.ongoing,
        report.received_at,
    )


def present(fact: LocatedReport) -> Present | None:
    """The fact as a sign that a reporter was active; None for systems, and for what was withdrawn.

    A merged report counts: it is the same event, but another pair of eyes.
    """
    report = fact.report
    if report.reporter_token is None or report.withdrawn:
        return None
    return Present(
        fact.kommun,
        area_set(tuple([(ref.layer, ref.area) for ref in fact.placement.areas])),
        report.organisation or "",
        report.reporter_token,
        _kind(report.event_type),
        report.time_from,
        Weight(MILLION, MILLION * report.count),
    )


def _kind(event_type: str) -> str:
    """G is not all calm: a place that has become better is something to report."""
    if event_type == ZERO_REPORT:
        return "zero"
    return "calendar" if event_type[0] == "F" else "event"


@lru_cache(maxsize=65_536)
def area_set(refs: tuple[tuple[str, str], ...]) -> AreaSet:
    """The set of these (layer, area) pairs; its number follows from them alone, whatever their order."""
    pairs = sorted(set(refs))
    number = int.from_bytes(blake2b(repr(pairs).encode(), digest_size=8).digest()) >> 1  # fits PostgreSQL's bigint
    found: list[AreaShare] = []
    for layer in sorted({layer for layer, _ in pairs}):
        areas = [area for name, area in pairs if name == layer]
        found += [AreaShare(layer, a, share) for a, share in zip(areas, shares(len(areas)), strict=True)]
    return AreaSet(number, tuple(found))
