"""Sources that fall silent and come back, as the drafts see them: told once each, with the draft that first says so."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Literal
from uuid import UUID, uuid5

from schemas.situation import SituationChanged
from services.analysis.handlers.telling import NAMES
from services.analysis.views import SWEDEN

Turn = tuple[Literal["opened", "closed"], str, str | None]
"""What happened, to which organisation, and the day on which it had last reported."""


def turns(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """What changed between two drafts' lists of silent organisations.

    One that was silent, reported, and is silent again has another last day: that is a new silence.
    """
    was = {(s["organisation"], s["since"]) for s in before}
    are = {(s["organisation"], s["since"]) for s in now}
    opened: list[Turn] = [("opened", organisation, since) for organisation, since in sorted(are - was, key=str)]
    closed: list[Turn] = [("closed", organisation, since) for organisation, since in sorted(was - are, key=str)]
    return opened + closed


def silence(kommun: str, turn: Turn, now: datetime) -> SituationChanged:
    """The event of one turn; the same silence has the same id, and its end a higher revision."""
    state, organisation, since = turn
    first = datetime.combine(date.fromisoformat(since), time(), SWEDEN) if since is not None else None
    return SituationChanged(
        kommun=kommun,
        situation_id=uuid5(NAMES, f"{kommun}/silent/{organisation}/{since}"),
        revision=1 if state == "opened" else 2,
        kind="silent_source",
        state=state,
        organisation=UUID(organisation),
        since=first,
        minted_at=now,
    )
