"""``/v1/devices``, ``/v1/push-key`` and ``/v1/numbers``: where a person is reached by notification and by SMS."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.notify.api.alerts import ROLES
from services.notify.domain.preferences import Phone
from services.notify.gateways.push import Device, Keys
from services.notify.handlers.planning import BadAddress
from services.notify.handlers.reaching import Reaching
from services.notify.store import devices as store
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Caller
from services.runtime.problems import Problem, not_allowed, not_found
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["reach"])


class DeviceIn(BaseModel):
    """What ``PushSubscription.toJSON()`` gives, and what kind of device it is."""

    model_config = ConfigDict(extra="ignore")
    endpoint: Annotated[str, Field(max_length=1000, pattern=r"^https?://[^\s]+$")]
    keys: Keys
    form: Literal["phone", "computer"] = "computer"


class DeviceOut(BaseModel):
    """A device that was added."""

    device_id: UUID


class DeviceShown(DeviceOut):
    """One of your devices."""

    label: str
    added_at: datetime


class NumberIn(BaseModel):
    """A telephone number, E.164."""

    model_config = ConfigDict(extra="forbid")
    phone: Phone


class CodeIn(BaseModel):
    """The six digits of the SMS."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(pattern=r"^\d{6}$")]


class KeyOut(BaseModel):
    """``applicationServerKey``, base64url."""

    key: str


def _person(principal: Principal) -> UUID:
    if principal.kind != "person":
        raise not_allowed("a person")
    return UUID(principal.subject)


def _able(request: Request) -> None:
    if not request.app.state.push_key:
        raise Problem(409, "no-notifications", text("deliveries.no_push"))


@router.get("/push-key")
async def get_key(request: Request, principal: Caller) -> KeyOut:
    """The key by which the voice signs, for ``pushManager.subscribe``."""
    _person(principal)
    _able(request)
    return KeyOut(key=request.app.state.push_key)


@router.post("/devices", status_code=201)
async def post_device(request: Request, body: DeviceIn, principal: Caller) -> DeviceOut:
    """Show notifications here. Repeating it with the same endpoint gives the same device."""
    reaching: Reaching = request.app.state.reaching
    _able(request)
    device = Device(endpoint=body.endpoint, keys=body.keys)
    label = text(f"deliveries.device_{body.form}")
    try:
        ident = await reaching.add_device(principal.kommun, _person(principal), device, label)
    except BadAddress as bad:
        raise Problem(422, "bad-address", str(bad)) from None
    return DeviceOut(device_id=ident)


@router.get("/devices")
async def get_devices(request: Request, principal: Caller) -> list[DeviceShown]:
    """Your devices; where they are is never shown."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        rows = await store.own(connection, principal.kommun, _person(principal))
    return [DeviceShown(device_id=r.device_id, label=r.label, added_at=r.added_at) for r in rows]


@router.delete("/devices/{device_id}", status_code=204)
async def delete_device(request: Request, device_id: UUID, principal: Caller) -> None:
    """No notifications there any more."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        if not await store.end(connection, principal.kommun, _person(principal), device_id):
            raise not_found("device of yours")


@router.post("/numbers", status_code=202)
async def post_number(request: Request, body: NumberIn, principal: Caller) -> None:
    """Send a code to a number of yours; it is used when the code has come back."""
    reaching: Reaching = request.app.state.reaching
    if not principal.may(*ROLES):
        raise not_allowed(" or ".join(ROLES))
    if not request.app.state.sms:
        raise Problem(409, "no-sms", text("deliveries.no_sms"))
    if not await reaching.ask_number(principal.kommun, _person(principal), body.phone):
        raise Problem(429, "too-soon", text("deliveries.phone_soon"), headers={"Retry-After": "60"})


@router.post("/numbers/proof", status_code=204)
async def post_proof(request: Request, body: CodeIn, principal: Caller) -> None:
    """The code that came: the number is yours, and used from now on."""
    reaching: Reaching = request.app.state.reaching
    if not await reaching.prove_number(principal.kommun, _person(principal), body.code):
        raise Problem(422, "wrong-code", text("deliveries.phone_wrong"))
