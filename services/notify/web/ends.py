"""Where I am reached: my number, proved by a code, and the devices that show notifications. Forms of Mina utskick."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import TypeAdapter, ValidationError

from services.notify.api.alerts import ROLES
from services.notify.api.subscriptions import preferences_of
from services.notify.domain.preferences import Phone
from services.notify.handlers.reaching import Reaching
from services.notify.store import devices
from services.notify.store import subscriptions as store
from services.notify.web.access import PATH, denied, may
from services.runtime.database import Database
from services.runtime.http import Visitor

router = APIRouter(include_in_schema=False)
_PHONE: TypeAdapter[str] = TypeAdapter(Phone)


def number(written: str) -> str:
    """A telephone number as people write it, in E.164; a Swedish one when it begins with a single 0. ValueError."""
    digits = "".join(c for c in written if c in "+0123456789")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return _PHONE.validate_python("+46" + digits[1:] if digits.startswith("0") else digits)


@router.post(f"{PATH}/nummer")
async def ask(request: Request, principal: Visitor, phone: Annotated[str, Form(max_length=40)] = "") -> Response:
    """Send a code to my number."""
    if not may(principal, *ROLES) or not request.app.state.sms:
        return denied(principal)
    reaching: Reaching = request.app.state.reaching
    try:
        wanted = number(phone)
    except ValidationError:
        return RedirectResponse(f"{PATH}?fel=telefon#nummer", 303)
    if not await reaching.ask_number(principal.kommun, UUID(principal.subject), wanted):
        return RedirectResponse(f"{PATH}?fel=snart#nummer", 303)
    return RedirectResponse(f"{PATH}?klart=kod#nummer", 303)


@router.post(f"{PATH}/nummer/kod")
async def prove(request: Request, principal: Visitor, code: Annotated[str, Form(max_length=20)] = "") -> Response:
    """The code that came by SMS."""
    if not may(principal, *ROLES):
        return denied(principal)
    reaching: Reaching = request.app.state.reaching
    proved = await reaching.prove_number(principal.kommun, UUID(principal.subject), "".join(code.split()))
    return RedirectResponse(f"{PATH}?klart=nummer#sagt" if proved else f"{PATH}?fel=kod#nummer", 303)


@router.post(f"{PATH}/nummer/bort")
async def end_number(request: Request, principal: Visitor) -> Response:
    """No SMS any more."""
    if not may(principal, *ROLES):
        return denied(principal)
    database: Database = request.app.state.database
    own = await preferences_of(database, principal)
    wanted = own.model_copy(update={"phone": None})
    async with database.transaction(principal.kommuner) as connection:
        await store.prefer(connection, principal.kommun, UUID(principal.subject), wanted)
    return RedirectResponse(f"{PATH}?klart=valt#sagt", 303)


@router.post(f"{PATH}/enheter/bort")
async def end_device(request: Request, principal: Visitor, device_id: Annotated[UUID, Form()]) -> Response:
    """No notifications there any more."""
    if not may(principal, *ROLES):
        return denied(principal)
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        await devices.end(connection, principal.kommun, UUID(principal.subject), device_id)
    return RedirectResponse(f"{PATH}?klart=valt#sagt", 303)
