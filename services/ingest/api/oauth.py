"""OAuth 2.0 client credentials (RFC 6749 §4.4), which integration platforms know. The secret is an API key."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field

from services.ingest.handlers.people import People
from services.runtime.rates import Rate
from services.runtime.tokens import TOKEN_SECONDS, NotAuthenticated

router = APIRouter(prefix="/v1/oauth", tags=["access"])
_basic = HTTPBasic(auto_error=False)
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthForm(BaseModel):
    """The request (RFC 6749 §4.4.2); client and secret stand in the header instead, if the client prefers."""

    grant_type: Annotated[str, Field(max_length=60)] = ""
    client_id: Annotated[str, Field(max_length=60)] = ""
    client_secret: Annotated[str, Field(max_length=200)] = ""
    scope: Annotated[str, Field(max_length=200)] = ""


class OAuthAnswer(BaseModel):
    """A bearer token for every room (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(BaseModel):
    """What was wrong (RFC 6749 §5.2)."""

    error: str
    error_description: str


def _error(error: str, description: str, status: int = 400) -> JSONResponse:
    headers = _NOT_STORED | ({"WWW-Authenticate": 'Basic realm="lagesbild"'} if status == 401 else {})
    return JSONResponse({"error": error, "error_description": description}, status, headers=headers)


_ERRORS: dict[int | str, dict[str, object]] = {400: {"model": OAuthError}, 401: {"model": OAuthError}}


@router.post("/token", response_model=OAuthAnswer, responses=_ERRORS)
async def oauth_token(
    request: Request,
    credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    form: Annotated[OAuthForm, Form()],
) -> JSONResponse:
    """A short token for a system: its client id, and an API key as the secret, in the header or in the form.

    ``scope`` may ask for fewer scopes than the key has. A key of another client is refused like a wrong one.
    """
    if form.grant_type != "client_credentials":
        return _error("unsupported_grant_type", "grant_type must be client_credentials.")
    wanted_client = credentials.username if credentials is not None else form.client_id
    secret = credentials.password if credentials is not None else form.client_secret
    people: People = request.app.state.people
    rate: Rate = request.app.state.logins_rate
    await rate.count("oauth", request.client.host if request.client is not None else "unknown", wanted_client[:60])
    try:
        principal = await people.by_key(secret)
        known = str(UUID(wanted_client)) == principal.subject
    except (NotAuthenticated, ValueError):
        known = False
    if not known:
        return _error("invalid_client", "Unknown client, or not one of its keys.", 401)
    asked = frozenset(form.scope.split())
    if not asked <= principal.scopes:
        return _error("invalid_scope", f"The key has: {' '.join(sorted(principal.scopes))}.")
    # A sandbox key stays one whatever it asks for: its scope takes away and must never be dropped.
    granted = asked | (principal.scopes & {"sandbox"}) if asked else principal.scopes
    chosen = replace(principal, scopes=granted)
    answer = {
        "access_token": await people.token(chosen),
        "token_type": "Bearer",
        "expires_in": TOKEN_SECONDS - 5,
        "scope": " ".join(sorted(granted)),
    }
    return JSONResponse(answer, headers=_NOT_STORED)
