"""Context hops, ingest → geo → analysis: what happens elsewhere (polisen.se), never summed with reports.

Texts (headline, summary) stay in ingest; the places as the publisher wrote them travel because geo needs them.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from schemas.values import Contract, Kommun, Lan, UtcTime, Version

PlaceName = Annotated[str, StringConstraints(max_length=120)]


class ContextReceived(Contract):
    """The newest version of one published item. ``kommun`` is always the context owner ``0000``.

    ``occurred_at`` is the time that the publisher states in the headline, ``None`` where none can be read;
    ``published_at`` is the publisher's own timestamp.
    """

    kommun: Kommun
    context_id: UUID
    revision: Version
    publisher: Literal["polisen"]
    publisher_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    event_type: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    published_at: UtcTime
    occurred_at: UtcTime | None = None
    location_name: PlaceName | None = None
    title_place: PlaceName | None = None
    url_path: Annotated[str, StringConstraints(max_length=300)] | None = None
    withdrawn: bool = False
    minted_at: UtcTime


class ContextPlacement(Contract):
    """County or municipality at best: such precision gives no area and no cell."""

    placement: Version
    placed_at: UtcTime
    precision: Literal["kommun", "lan", "none"]
    located_kommun: Kommun | None = None
    located_lan: Lan | None = None


class ContextLocated(Contract):
    """A published item with the kommun or län that its place name stands for."""

    kommun: Kommun
    context: ContextReceived
    placement: ContextPlacement
