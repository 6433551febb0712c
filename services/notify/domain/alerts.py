"""An alert: one thing that is going on and that people were told about, whatever number of notices it gathers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.domain.notices import TOLD_ONE_BY_ONE
from services.notify.domain.plan import To

LASTING = ("report", "case", "silent_source")
"""Kinds that somebody can take; the others are only to be read."""
OWN = ("feedback", "code")
"""Kinds that are one person's own matter: nobody else may read them."""


@dataclass(slots=True)
class Alert:
    """One thing that is going on. ``event``: the newest notice's; ``notices``: how many it has gathered."""

    kommun: str
    alert_id: UUID
    dedup_key: str
    kind: str
    subject_id: UUID
    event: dict[str, Any]
    correlation_id: str
    state: str
    notices: int
    severity: int | None
    event_type: str | None
    area: str | None
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    owner: UUID | None = None
    taken_at: datetime | None = None
    rule: str = ""
    then_to: tuple[To, ...] = ()
    step: int = 0
    answer_minutes: int | None = None
    answer_by: datetime | None = None
    urgent: bool = False

    @property
    def grave(self) -> bool:
        """Whether it is looked at before the others: somebody must answer at any hour, or it is of the gravest."""
        return self.urgent or (self.severity or 0) >= TOLD_ONE_BY_ONE
