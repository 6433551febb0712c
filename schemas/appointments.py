"""Side hops from ingest: who is appointed to report (the exposure of the statistics), and who must be forgotten."""

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.values import AreaCode, Contract, Kommun, UtcTime, Version

ReporterToken = Annotated[str, StringConstraints(min_length=8, max_length=64)]


class AppointmentChanged(Contract):
    """One reporter's appointment: an opaque token, never a person. Times are half-open, ``until`` None = still."""

    kommun: Kommun
    reporter_token: ReporterToken
    revision: Version
    organisation: UUID | None = None
    areas: tuple[AreaCode, ...] = ()
    since: UtcTime
    until: UtcTime | None = None
    trained: bool = False
    minted_at: UtcTime


class PersonErased(Contract):
    """Every trace of this opaque id must go from every room."""

    kommun: Kommun
    person_id: UUID
    revision: Version
    minted_at: UtcTime
