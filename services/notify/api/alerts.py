"""``/v1/alerts``: what is going on that people were told about, and what one does about it. Looking changes nothing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from services.notify.domain.alerts import Alert
from services.notify.handlers.answering import Answering
from services.notify.store import alerts as store
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
ROLES = ("analytiker", "est_medlem", "administrator")
FOR_ALL = ("analytiker", "administrator")
"""Who may want an alert quiet for everybody."""


class AlertOut(BaseModel):
    """An alert as it stands. ``owned``: somebody has taken it; ``mine``: you have."""

    alert_id: UUID
    kind: str
    state: str
    subject_id: UUID
    event_type: str | None
    area: str | None
    severity: int | None
    notices: int
    grave: bool
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None
    owned: bool
    mine: bool
    taken_at: datetime | None


class SilenceIn(BaseModel):
    """For oneself, or for everybody."""

    model_config = ConfigDict(extra="forbid")
    everybody: bool = False


class AnswerIn(BaseModel):
    """Whether it was useful."""

    model_config = ConfigDict(extra="forbid")
    useful: bool


def person_of(principal: Principal) -> UUID:
    """The person who acts: alerts are for people with a role in the work."""
    if principal.kind != "person" or not principal.may(*ROLES):
        raise not_allowed(" or ".join(ROLES))
    return UUID(principal.subject)


def shown(alert: Alert, person: UUID) -> AlertOut:
    """Without who has it: others see that somebody does."""
    values = {name: getattr(alert, name) for name in AlertOut.model_fields if name not in {"owned", "mine"}}
    return AlertOut(**values, owned=alert.owner is not None, mine=alert.owner == person)


def _there(alert: Alert | None, person: UUID) -> AlertOut:
    """The alert as it is now; 404 where there is none."""
    if alert is None:
        raise not_found("alert")
    return shown(alert, person)


@router.get("")
async def listed(
    request: Request,
    principal: Caller,
    over: Annotated[bool, Query(description="those that are over")] = False,
    before: Annotated[UUID | None, Query(description="the last alert of the page before: those that follow it")] = None,
) -> list[AlertOut]:
    """The alerts that go on, the grave first, then the latest; a hundred at a time."""
    person = person_of(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.listed(connection, principal.kommun, over=over, before=before)
    return [shown(a, person) for a in found]


@router.get("/{alert_id}")
async def one(request: Request, principal: Caller, alert_id: UUID) -> AlertOut:
    """One alert."""
    person = person_of(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        return _there(await store.readable(connection, principal.kommun, alert_id, person), person)


@router.post("/{alert_id}/take")
async def take(request: Request, principal: Caller, alert_id: UUID, over: bool = False) -> AlertOut:
    """``Jag tar den``. Who comes second sees that somebody has it; an analyst may take it ``over``."""
    person = person_of(principal)
    if over and not principal.may(*FOR_ALL):
        raise not_allowed(" or ".join(FOR_ALL))
    answering: Answering = request.app.state.answering
    return _there(await answering.take(principal.kommun, alert_id, person, over=over), person)


@router.delete("/{alert_id}/take")
async def let_go(request: Request, principal: Caller, alert_id: UUID) -> AlertOut:
    """Let it go again."""
    person = person_of(principal)
    answering: Answering = request.app.state.answering
    return _there(await answering.let_go(principal.kommun, alert_id, person), person)


@router.post("/{alert_id}/resolve")
async def resolve(request: Request, principal: Caller, alert_id: UUID) -> AlertOut:
    """It is dealt with: by whoever has taken it, or an analyst. What comes afterwards is a new alert."""
    person = person_of(principal)
    answering: Answering = request.app.state.answering
    return _there(await answering.resolve(principal.kommun, alert_id, person, any_one=principal.may(*FOR_ALL)), person)


@router.post("/{alert_id}/silence")
async def silence(request: Request, principal: Caller, alert_id: UUID, body: SilenceIn) -> dict[str, datetime]:
    """Nothing more about this until the next meeting, but what is urgent."""
    person = person_of(principal)
    if body.everybody and not principal.may(*FOR_ALL):
        raise not_allowed(" or ".join(FOR_ALL))
    answering: Answering = request.app.state.answering
    until = await answering.silence(principal.kommun, alert_id, person, everybody=body.everybody)
    if until is None:
        raise not_found("alert")
    return {"until": until}


@router.delete("/{alert_id}/silence", status_code=204)
async def hear(
    request: Request,
    principal: Caller,
    alert_id: UUID,
    everybody: Annotated[bool, Query(description="also the silence for everybody")] = False,
) -> None:
    """An end to the silence: what waited for it comes, within the hours that are yours."""
    person = person_of(principal)
    if everybody and not principal.may(*FOR_ALL):
        raise not_allowed(" or ".join(FOR_ALL))
    answering: Answering = request.app.state.answering
    if not await answering.hear(principal.kommun, alert_id, person, everybody=everybody):
        raise not_found("alert")


@router.post("/{alert_id}/answer", status_code=204)
async def answer(request: Request, principal: Caller, alert_id: UUID, body: AnswerIn) -> None:
    """Whether it was useful; the newest answer holds."""
    answering: Answering = request.app.state.answering
    if not await answering.answer(principal.kommun, alert_id, person_of(principal), useful=body.useful):
        raise not_found("alert")
