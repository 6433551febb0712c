"""Getting in, for programs: tokens for keys and for rooms, published keys, people, the directory."""

import hmac
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from schemas.values import Kommun
from services.ingest.api.caller import DoorCaller, key_of
from services.ingest.domain import ADDRESS
from services.ingest.handlers.appointing import Appointing, UnknownMunicipality
from services.ingest.handlers.organisations import Organisations
from services.ingest.handlers.people import People
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.retaining import DataClass, Retaining
from services.ingest.settings import IngestSettings
from services.runtime import openapi, read_log
from services.runtime.problems import Problem, not_allowed, not_authenticated, not_found
from services.runtime.tokens import TOKEN_SECONDS, Principal, subject_digest

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


TOLD = {"analytiker", "est_medlem", "administrator"}
"""Who may follow places and be told; others have no page on which to stop it."""


def subject_of(principal: Principal, person: UUID) -> str:
    """How the read log names a person: the log cannot be changed, so their id must not stand in it."""
    return subject_digest(principal.kommun, str(person))


class Listed(BaseModel):
    """Somebody who may be told: no name, no address."""

    person_id: UUID
    roles: list[str]
    organisation_id: UUID | None
    organisation: str


@router.get("/v1/directory", include_in_schema=False)
async def directory_list(request: Request, principal: DoorCaller) -> dict[str, list[Listed]]:
    """Everybody in a municipality who may be told; for the rooms only. Nobody is named, so no reading is logged."""
    _room_only(principal)
    people: People = request.app.state.people
    rows = await people.told(principal.kommun, TOLD)
    return {"people": [Listed.model_validate(r, from_attributes=True) for r in rows]}


@router.get("/v1/directory/names", include_in_schema=False)
async def directory_names(request: Request, principal: DoorCaller) -> dict[UUID, str]:
    """Who those are who may be told, for the people who decide on routing; the reading is logged."""
    if principal.kind != "person" or not principal.may("analytiker", "administrator"):
        raise not_allowed("analytiker or administrator")
    people: People = request.app.state.people
    await read_log.note(request.app.state.database, principal, "person", "everybody who may be told", "routing")
    return {r.person_id: r.name for r in await people.told(principal.kommun, TOLD)}


@router.get("/v1/directory/organisations", include_in_schema=False)
async def directory_organisations(request: Request, principal: DoorCaller) -> dict[UUID, str]:
    """What the organisations are called, for who reads numbers per organisation; nobody is named."""
    if not principal.may("analytiker", "administrator", "directory:read"):
        raise not_allowed("analytiker or administrator")
    organisations: Organisations = request.app.state.organisations
    return {row.organisation_id: row.name for row in await organisations.all(principal.kommun)}


@router.get("/v1/directory/reporters", include_in_schema=False)
async def directory_reporters(
    request: Request, principal: DoorCaller, first: date, last: date
) -> dict[UUID, dict[str, int]]:
    """Who reported how much of what in these days, for word of what became of it; for the rooms only, and logged."""
    _room_only(principal)
    await read_log.note(request.app.state.database, principal, "person", "everybody who reported", "feedback")
    reports: Reports = request.app.state.reports
    return await reports.by_people(principal.kommun, first, last)


class Sought(BaseModel):
    """Addresses out of a duty rota."""

    model_config = ConfigDict(extra="forbid")
    mails: Annotated[list[Annotated[str, StringConstraints(max_length=200)]], Field(max_length=500)]


@router.post("/v1/directory/find", include_in_schema=False)
async def directory_find(request: Request, body: Sought, principal: DoorCaller) -> dict[str, UUID]:
    """Whose these addresses are; for the rooms only. The answer holds nothing that was not asked with."""
    _room_only(principal)
    people: People = request.app.state.people
    return await people.by_mails(principal.kommun, body.mails, TOLD)


class Reporter(BaseModel):
    """The opaque token that a report carries."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, StringConstraints(min_length=8, max_length=64)]


@router.post("/v1/directory/reporter", include_in_schema=False)
async def directory_reporter(request: Request, body: Reporter, principal: DoorCaller) -> dict[str, UUID]:
    """Who is behind a report's token, for word of what became of it; for the rooms only, and logged."""
    _room_only(principal)
    await read_log.note(request.app.state.database, principal, "person", "who reported", "feedback")
    people: People = request.app.state.people
    person = await people.of_token(principal.kommun, body.token)
    if person is None:
        raise not_found("person")
    return {"person_id": person}


class Retained(BaseModel):
    """What another room has deleted by the municipality's decision."""

    model_config = ConfigDict(extra="forbid")
    before: AwareDatetime
    count: Annotated[int, Field(ge=1)]


@router.get("/v1/directory/retention/{data_class}", include_in_schema=False)
async def retention(request: Request, data_class: DataClass, principal: DoorCaller) -> dict[str, AwareDatetime | None]:
    """What came in before which moment is to be deleted, None where nobody has decided; for the rooms only."""
    _room_only(principal)
    retaining: Retaining = request.app.state.retaining
    return {"before": await retaining.due(principal.kommun, data_class)}


@router.post("/v1/directory/retention/{data_class}", include_in_schema=False)
async def retained(request: Request, data_class: DataClass, body: Retained, principal: DoorCaller) -> dict[str, bool]:
    """Write down in the protocol what a room is deleting; for the rooms only."""
    _room_only(principal)
    retaining: Retaining = request.app.state.retaining
    return {"noted": await retaining.done_elsewhere(principal.kommun, data_class, body.before, body.count)}


def _room_only(principal: Principal) -> None:
    if principal.kind != "service" or not principal.may("directory:read"):
        raise not_allowed("directory:read")


@router.get("/v1/directory/{person_id}", include_in_schema=False)
async def directory(request: Request, person_id: UUID, principal: DoorCaller, feedback: bool = False) -> dict[str, str]:
    """How to reach a person; for the rooms only, which keep it as a copy. ``feedback``: also those who only report."""
    _room_only(principal)
    people: People = request.app.state.people
    await read_log.note(request.app.state.database, principal, "person", subject_of(principal, person_id), "delivery")
    row = await people.person(principal.kommun, person_id)
    if row is None or not row.active or not (TOLD | ({"rapportor"} if feedback else set())) & set(row.roles):
        raise not_found("person")
    return {"email": row.email}
