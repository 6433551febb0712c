"""Who a GIS client is: a token, or an API key as bearer or as the password of a basic login, which QGIS can keep."""

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Request

from services.geo.gateways.rooms import Door
from services.runtime.asking import Away
from services.runtime.http import token_of
from services.runtime.problems import Problem
from services.runtime.tokens import NotAuthenticated, Principal, Verifier

EXACT = ("features:read", "analytiker", "administrator")
"""Who sees reports where they are; others see areas and counts."""
COUNTS = ("features:read", "counts:read", "analytiker", "est_medlem", "administrator")


def _given(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return token_of(request)
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


async def token(request: Request) -> str:
    """The caller's token, bought for a key if need be; 401 without either, 503 while the door is away."""
    value = _given(request)
    if value is None:
        raise NotAuthenticated("no token and no key")
    if value.count(".") == 2:
        return value
    door: Door = request.app.state.door
    try:
        bought = await door.token(value)
    except Away:
        raise Problem(503, "door-away", "Inloggningen svarar inte just nu. Försök igen om en stund.") from None
    if bought is None:
        raise NotAuthenticated("an unknown key")
    return bought


async def gis_caller(request: Request) -> Principal:
    """The principal of a GIS client."""
    verifier: Verifier = request.app.state.verifier
    bought = await token(request)
    try:
        return await verifier.principal(bought)
    except NotAuthenticated:
        value = _given(request)
        if value is None or value == bought:
            raise
        door: Door = request.app.state.door  # another key of the same system has ended: this one may hold still
        door.forget(value)
        return await verifier.principal(await token(request))


GisCaller = Annotated[Principal, Depends(gis_caller)]
