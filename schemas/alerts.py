"""Hop 4, notify → analysis: whether an alert was useful."""

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from schemas.values import Contract, Kommun, UtcTime, Version


class AlertAnswered(Contract):
    """One receiver's answer to one alert; a newer revision replaces it. The receiver is not named."""

    kommun: Kommun
    alert_id: UUID
    revision: Version
    rule: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    subject_id: UUID
    useful: bool
    answered_at: UtcTime
