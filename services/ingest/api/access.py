"""Getting in, for programs: tokens for keys and for rooms, published keys, people."""

import hmac
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Kommun
from services.ingest.api.caller import DoorCaller, key_of
from services.ingest.handlers.appointing import Appointing, UnknownMunicipality
from services.ingest.handlers.people import People
from services.ingest.settings import IngestSettings
from services.runtime import openapi
from services.runtime.mail import ADDRESS
from services.runtime.problems import Problem, not_allowed, not_authenticated
from services.runtime.tokens import TOKEN_SECONDS, Principal

router = APIRouter(tags=["access"])
_basic = HTTPBasic(auto_error=False)


class TokenAnswer(BaseModel):
    """A bearer token for every room."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme, not a secret
    expires_in: int = TOKEN_SECONDS - 5


@router.get("/.well-known/jwks.json", openapi_extra=openapi.OPEN)
async def jwks(request: Request) -> dict[str, Any]:
    """The public keys by which every room verifies tokens."""
    people: People = request.app.state.people
    return await people.public_keys()


@router.post("/v1/token")
async def token(request: Request) -> TokenAnswer:
    """A short token for the key in the Authorization header. Not for a token: it would never end."""
    people: People = request.app.state.people
    return TokenAnswer(access_token=await people.token(await people.by_key(key_of(request))))


class ServiceTokenBody(BaseModel):
    """The municipality that a room acts in."""

    model_config = ConfigDict(extra="forbid")
    kommun: Kommun


@router.post("/v1/service-token", include_in_schema=False)
async def service_token(
    request: Request, body: ServiceTokenBody, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)]
) -> TokenAnswer:
    """A short token for another room, by its own secret, in one municipality."""
    settings: IngestSettings = request.app.state.settings
    secret = settings.secret_of(credentials.username) if credentials is not None else None
    if credentials is None or secret is None or not hmac.compare_digest(secret.encode(), credentials.password.encode()):
        raise not_authenticated()
    people: People = request.app.state.people
    room = Principal(credentials.username, "service", body.kommun, scopes=ROOM_SCOPES)
    return TokenAnswer(access_token=await people.token(room))


ROOM_SCOPES = frozenset({"directory:read", "counts:read", "pictures:read"})
"""What a room may ask the others on its own behalf: whom it may tell, and what was found."""
Role = Literal["rapportor", "analytiker", "est_medlem", "kontaktcenter", "registrator", "administrator"]


class PersonBody(BaseModel):
    """A person to appoint."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    name: Annotated[str, StringConstraints(min_length=2, max_length=120)]
    email: Annotated[str, StringConstraints(pattern=ADDRESS, max_length=200)]
    roles: list[Role] = Field(min_length=1)
    organisation: Annotated[str, StringConstraints(min_length=2, max_length=120)]


@router.post("/v1/people", status_code=201)
async def create_person(request: Request, body: PersonBody, principal: DoorCaller) -> dict[str, UUID]:
    """Register and appoint a person. Repeating it with the same address gives the same person."""
    if not principal.may("people:write", "administrator"):
        raise not_allowed("people:write")
    appointing: Appointing = request.app.state.appointing
    try:
        person, _ = await appointing.register(
            principal.kommun, name=body.name, email=body.email, roles=list(body.roles), organisation=body.organisation
        )
    except UnknownMunicipality:
        raise Problem(422, "unknown-municipality", "Kommunen är inte registrerad.") from None
    return {"person_id": person}
