"""``/v1/subscriptions``, ``/v1/preferences`` and ``/v1/deliveries``: what one is told, how, and what was sent."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Severity
from services.notify.api.plan import READERS
from services.notify.domain.plan import TypePrefix
from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Subscription
from services.notify.store import ledger
from services.notify.store import subscriptions as store
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import Problem, not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["notify"])


class SubscriptionIn(BaseModel):
    """What to be told about. ``area`` null: the whole municipality; ``types`` empty: all, ``A``: a whole group.

    ``layer``: the national one, one of the municipality's own, or ``_place`` with a named place's id as ``area``.
    ``person_id`` is for administration with the scope ``subscriptions:write``; people subscribe for themselves.
    """

    model_config = ConfigDict(extra="forbid")
    area: Annotated[str, StringConstraints(max_length=64)] | None = None
    layer: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")] = "regso"
    types: Annotated[list[TypePrefix], Field(max_length=50)] = []
    min_severity: Severity = 3
    person_id: UUID | None = None


class SubscriptionOut(BaseModel):
    """A subscription as stored."""

    subscription_id: UUID
    area: str | None
    layer: str
    types: tuple[str, ...]
    min_severity: int


def _person(principal: Principal, asked: UUID | None) -> UUID:
    """Whose subscription it is: one's own, or another's with the right to administer."""
    if principal.kind == "person" and (asked is None or str(asked) == principal.subject):
        return UUID(principal.subject)
    if asked is not None and principal.may("subscriptions:write", "administrator"):
        return asked
    raise not_allowed("a person's login, or subscriptions:write with person_id")


async def subscribe(database: Database, principal: Principal, body: SubscriptionIn) -> Subscription:
    """Keep a new subscription; one that is there already stays as it is."""
    new = Subscription(
        principal.kommun,
        uuid4(),
        _person(principal, body.person_id),
        body.layer,
        body.area,
        tuple(body.types),
        body.min_severity,
    )
    async with database.transaction(principal.kommuner) as connection:
        for one in await store.own(connection, principal.kommun, new.person_id):
            if replace(one, subscription_id=new.subscription_id) == new:
                return one
        await store.add(connection, new)
    return new


def _out(subscription: Subscription) -> SubscriptionOut:
    return SubscriptionOut(
        subscription_id=subscription.subscription_id,
        area=subscription.area,
        layer=subscription.layer,
        types=subscription.types,
        min_severity=subscription.min_severity,
    )


@router.post("/subscriptions", status_code=201)
async def post_subscription(request: Request, body: SubscriptionIn, principal: Caller) -> SubscriptionOut:
    """Follow something."""
    return _out(await subscribe(request.app.state.database, principal, body))


@router.get("/subscriptions")
async def get_subscriptions(request: Request, principal: Caller) -> list[SubscriptionOut]:
    """What you follow."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        return [_out(s) for s in await store.own(connection, principal.kommun, _person(principal, None))]


@router.delete("/subscriptions/{subscription_id}", status_code=204)
async def delete_subscription(request: Request, subscription_id: UUID, principal: Caller) -> None:
    """Stop following."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        if not await store.end(connection, principal.kommun, subscription_id, _person(principal, None)):
            raise not_found("subscription of yours")


@router.get("/preferences")
async def get_preferences(request: Request, principal: Caller) -> Preferences:
    """How you want to be told."""
    return await preferences_of(request.app.state.database, principal)


@router.put("/preferences")
async def put_preferences(request: Request, body: Preferences, principal: Caller) -> Preferences:
    """Choose how you want to be told. A number is given by ``POST /v1/numbers``; here it stays, or is taken away."""
    person = _person(principal, None)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        own = await store.own_preferences(connection, principal.kommun, person)
        if body.phone not in {None, own.phone}:
            raise Problem(422, "unproved-number", text("deliveries.phone_unproved"))
        await store.prefer(connection, principal.kommun, person, body)
        await store.know(connection, principal.kommuner)
    return body


async def preferences_of(database: Database, principal: Principal) -> Preferences:
    """How a person wants to be told; the default for who has said nothing."""
    person = _person(principal, None)
    async with database.transaction(principal.kommuner) as connection:
        return await store.own_preferences(connection, principal.kommun, person)


@router.get("/deliveries")
async def get_deliveries(request: Request, principal: Caller) -> dict[str, Any]:
    """How many messages of the municipality are in which state, and what has been sent to you."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        states = await ledger.summary(connection, principal.kommun)
        own = []
        if principal.kind == "person":
            own = await ledger.own(connection, principal.kommun, UUID(principal.subject), 50)
    return {
        "states": states,
        "own": [
            {
                "alert_id": r.alert_id,
                "kind": r.kind,
                "state": r.state,
                "reason": r.reason,
                "rules": r.rules,
                "channel": r.channel,
                "attempts": r.attempts,
                "created_at": r.created_at,
                "sent_at": r.sent_at,
            }
            for r in own
        ],
    }


@router.get("/deliveries/{delivery_id}")
async def get_delivery(request: Request, delivery_id: UUID, principal: Caller) -> dict[str, Any]:
    """One message of the municipality with every attempt; for who may read the ledger. ``cost``: 1/10 000 krona."""
    if principal.kind != "person" or not principal.may(*READERS):
        raise not_allowed(" or ".join(READERS))
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await ledger.one(connection, principal.kommun, delivery_id)
    if found is None:
        raise not_found("delivery")
    row, attempts = found
    said = ("delivery_id", "alert_id", "kind", "state", "reason", "error", "rules", "channel", "created_at", "sent_at")
    return {name: getattr(row, name) for name in (*said, "deadline", "message_id")} | {
        "attempts": [a._asdict() for a in attempts]
    }
