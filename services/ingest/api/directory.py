"""The directory, for the other rooms: who may be told, who reported, what is kept how long. No public API."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.ingest.api.caller import DoorCaller, room_only
from services.ingest.handlers.organisations import Organisations
from services.ingest.handlers.people import People
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.retaining import DataClass, Retaining
from services.runtime import read_log
from services.runtime.problems import not_allowed, not_found
from services.runtime.tokens import Principal, subject_digest

router = APIRouter(prefix="/v1/directory", include_in_schema=False)

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


@router.get("")
async def directory_list(request: Request, principal: DoorCaller) -> dict[str, list[Listed]]:
    """Everybody in a municipality who may be told; for the rooms only. Nobody is named, so no reading is logged."""
    room_only(principal)
    people: People = request.app.state.people
    rows = await people.told(principal.kommun, TOLD)
    return {"people": [Listed.model_validate(r, from_attributes=True) for r in rows]}


@router.get("/names")
async def directory_names(request: Request, principal: DoorCaller) -> dict[UUID, str]:
    """Who those are who may be told, for the people who decide on routing; the reading is logged."""
    if principal.kind != "person" or not principal.may("analytiker", "administrator"):
        raise not_allowed("analytiker or administrator")
    people: People = request.app.state.people
    await read_log.note(request.app.state.database, principal, "person", "everybody who may be told", "routing")
    return {r.person_id: r.name for r in await people.told(principal.kommun, TOLD)}


@router.get("/organisations")
async def directory_organisations(request: Request, principal: DoorCaller) -> dict[UUID, str]:
    """What the organisations are called, for who reads numbers per organisation; nobody is named."""
    if not principal.may("analytiker", "administrator", "directory:read"):
        raise not_allowed("analytiker or administrator")
    organisations: Organisations = request.app.state.organisations
    return {row.organisation_id: row.name for row in await organisations.all(principal.kommun)}


@router.get("/reporters")
async def directory_reporters(
    request: Request, principal: DoorCaller, first: date, last: date, known: AwareDatetime
) -> dict[UUID, dict[str, int]]:
    """Who had reported how much of what in these days by a moment, for word of it; for the rooms only, and logged."""
    room_only(principal)
    await read_log.note(request.app.state.database, principal, "person", "everybody who reported", "feedback")
    reports: Reports = request.app.state.reports
    return await reports.by_people(principal.kommun, first, last, known)


class Sought(BaseModel):
    """Addresses out of a duty rota."""

    model_config = ConfigDict(extra="forbid")
    mails: Annotated[list[Annotated[str, StringConstraints(max_length=200)]], Field(max_length=500)]


@router.post("/find")
async def directory_find(request: Request, body: Sought, principal: DoorCaller) -> dict[str, UUID]:
    """Whose these addresses are; for the rooms only. The answer holds nothing that was not asked with."""
    room_only(principal)
    people: People = request.app.state.people
    return await people.by_mails(principal.kommun, body.mails, TOLD)


class Asked(BaseModel):
    """Ids that a room holds."""

    model_config = ConfigDict(extra="forbid")
    people: Annotated[list[UUID], Field(max_length=500)]


@router.post("/known")
async def directory_known(request: Request, body: Asked, principal: DoorCaller) -> list[UUID]:
    """Those of these who have not been erased, so that a room can find what it still holds of others; rooms only."""
    room_only(principal)
    people: People = request.app.state.people
    return await people.known(principal.kommun, body.people)


class Reached(Asked):
    """Whom a room has something to say to; ``feedback``: also those who only report."""

    feedback: bool = False


@router.post("/addresses")
async def directory_addresses(request: Request, body: Reached, principal: DoorCaller) -> dict[UUID, str]:
    """How to reach these; for the rooms only, which keep it as a copy. Each is noted as read."""
    room_only(principal)
    people: People = request.app.state.people
    read = [subject_of(principal, person) for person in sorted(set(body.people))]
    await read_log.note_each(request.app.state.database, principal, "person", read, "delivery")
    roles = TOLD | {"rapportor"} if body.feedback else TOLD
    return await people.addresses(principal.kommun, body.people, roles)


class Reporter(BaseModel):
    """The opaque token that a report carries."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, StringConstraints(min_length=8, max_length=64)]


@router.post("/reporter")
async def directory_reporter(request: Request, body: Reporter, principal: DoorCaller) -> dict[str, UUID]:
    """Who is behind a report's token, for word of what became of it; for the rooms only, and logged."""
    room_only(principal)
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


@router.get("/retention/{data_class}")
async def retention(request: Request, data_class: DataClass, principal: DoorCaller) -> dict[str, AwareDatetime | None]:
    """What came in before which moment is to be deleted, None where nobody has decided; for the rooms only."""
    room_only(principal)
    retaining: Retaining = request.app.state.retaining
    return {"before": await retaining.due(principal.kommun, data_class)}


@router.post("/retention/{data_class}")
async def retained(request: Request, data_class: DataClass, body: Retained, principal: DoorCaller) -> dict[str, bool]:
    """Write down in the protocol what a room is deleting; for the rooms only."""
    room_only(principal)
    retaining: Retaining = request.app.state.retaining
    return {"noted": await retaining.done_elsewhere(principal.kommun, data_class, body.before, body.count)}
