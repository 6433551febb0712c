"""Hop 1, ingest → geo: a report was received, corrected, merged or withdrawn.

One report is one fact: one event type at one place and time interval. No free text and no person travels here.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.values import Contract, Environment, EventType, Kommun, PlaceAsGiven, Severity, Source, UtcTime, Version


class ReportReceived(Contract):
    """The newest revision of one report as its sender stands for it.

    Identity is (kommun, report_id); a higher ``revision`` replaces every lower one. ``time_from`` ≤ ``time_to``,
    equal for a known moment; the width is what the sender does not know. ``withdrawn`` and ``merged_into`` make
    the report contribute nothing. ``invented`` marks demonstration data wherever it is shown.
    """

    kommun: Kommun
    report_id: UUID
    revision: Version
    submission_id: UUID
    event_type: EventType
    source: Source
    organisation: UUID | None = None
    reporter_token: Annotated[str, StringConstraints(min_length=8, max_length=64)] | None = None
    time_from: UtcTime
    time_to: UtcTime
    place: PlaceAsGiven = PlaceAsGiven()
    environment: Environment = "unknown"
    confirmed: bool = False
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    severity: Severity
    ongoing: bool = False
    recurring: bool = False
    has_text: bool = False
    has_photo: bool = False
    merged_into: UUID | None = None
    withdrawn: bool = False
    invented: bool = False
    anonymised: bool = False
    """Gallring: who, the written place and the coordinates are gone for good; its areas are to be kept as they were."""
    received_at: UtcTime
    """When the first version of the report was accepted."""
    minted_at: UtcTime
    """When this revision was minted; "as we knew it" goes by this."""
