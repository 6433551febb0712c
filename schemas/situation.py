"""Hop 3, analysis → notify: the picture changed (a case, a silent source, a lägesbild)."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.values import AreaRef, Contract, EventGroup, EventType, Kommun, UtcTime, Version


class SituationChanged(Contract):
    """One document's change of state. Numbers are frozen with the document; a later correction is a new revision."""

    kommun: Kommun
    situation_id: UUID
    revision: Version
    kind: Literal["case", "silent_source", "lagesbild"]
    state: Literal["opened", "changed", "closed", "drafted", "adopted"]
    event_type: EventType | None = None
    event_group: EventGroup | None = None
    """Of what is about a whole group of types; readers of before know nothing of it."""
    area: AreaRef | None = None
    organisation: UUID | None = None
    number: Annotated[str, StringConstraints(max_length=16)] | None = None
    observed: Annotated[int, Field(ge=0)] | None = None
    expected: Annotated[float, Field(ge=0)] | None = None
    since: UtcTime | None = None
    minted_at: UtcTime
