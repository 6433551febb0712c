"""What goes to one receiver in one message, between what is due and the channel that takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.notify.domain.alerts import Alert
from services.notify.store.people import Ends


@dataclass(frozen=True, slots=True)
class Reach:
    """How a receiver is reached: by a person's own ends, or at a place outside."""

    person: bool = False
    ends: Ends = field(default_factory=Ends)
    place: Row[Any] | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message. ``way``: which of the receiver's ways, ``ways``: how many there are.

    ``alerts``: as they were when the attempt was recorded.
    """

    kommun: str
    rows: Sequence[Row[Any]]
    ident: str
    channel: str
    way: int
    ways: int
    attempts: int
    reach: Reach
    alerts: Mapping[UUID, Alert]

    @property
    def ids(self) -> list[UUID]:
        """The entries of the ledger that it carries."""
        return [r.delivery_id for r in self.rows]

    @property
    def lead(self) -> Row[Any]:
        """The entry that has waited longest."""
        return self.rows[0]
