"""Who calls the door: a key, or a token. Keys are known here only; other rooms get the token that a key buys."""

from typing import Annotated

from fastapi import Depends, Request

from services.ingest.handlers.people import People
from services.ingest.secrets import KEY_PREFIX
from services.runtime.http import bearer, principal
from services.runtime.problems import not_allowed
from services.runtime.tokens import NotAuthenticated, Principal


def key_of(request: Request) -> str:
    """The API key in the header; NotAuthenticated for none."""
    value = bearer(request)
    if value is None or not value.startswith(KEY_PREFIX):
        raise NotAuthenticated("no key")
    return value


async def caller(request: Request) -> Principal:
    """The principal of a key or token, or 401."""
    value = bearer(request)
    if value is not None and value.startswith(KEY_PREFIX):
        people: People = request.app.state.people
        return await people.by_key(value)
    return await principal(request)


DoorCaller = Annotated[Principal, Depends(caller)]


def room_only(principal: Principal) -> None:
    """403 for anybody but another room that acts on its own behalf."""
    if principal.kind != "service" or not principal.may("directory:read"):
        raise not_allowed("directory:read")
