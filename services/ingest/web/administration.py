"""The administrator's pages of people: who there is, what they may do, for whom they report, and who is silent.

The administrator is known by the device session, so that a form is never lost to a token that ran out, and a change of
their own roles counts at once.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field, StringConstraints

from services.ingest.federation import ROLES
from services.ingest.gateways.corridor import Corridor
from services.ingest.handlers.appointing import (
    Appointing,
    Gone,
    LastAdministrator,
    NotAppointed,
    Overlapping,
    Person,
    Taken,
)
from services.ingest.handlers.organisations import Organisations
from services.ingest.handlers.people import People
from services.ingest.web import periods
from services.ingest.web.login import signed_in
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime import read_log
from services.runtime.http import LoginNeeded
from services.runtime.mail import ADDRESS
from services.runtime.problems import not_allowed
from services.runtime.tokens import Principal, subject_digest

router = APIRouter(include_in_schema=False)
PATH = "/administration"
NEW = "~ny"
QUIET = timedelta(days=14)
"""An appointed reporter who has sent nothing for this long, not even *Lugnt*, is shown as silent."""
Name = Annotated[str, StringConstraints(min_length=2, max_length=120, strip_whitespace=True)]


async def administrator(request: Request) -> Principal:
    """The administrator behind this browser; the login for nobody, 403 for anybody else."""
    person = await signed_in(request)
    if person is None:
        raise LoginNeeded
    if not person.may("administrator"):
        raise not_allowed("administrator")
    return person


Administrator = Annotated[Principal, Depends(administrator)]


Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))]
"""A day of an appointment; "9999-12-31" is written by leaving it empty."""


class PersonForm(BaseModel):
    """What the form says of a person."""

    name: Name
    email: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    organisation: UUID | None
    roles: list[str] = Field(default_factory=list)
    active: bool = False


class AppointmentForm(BaseModel):
    """What the form says of an appointment. Days in Sweden; the last one counts, empty is still."""

    organisation: UUID
    areas: list[str] = Field(default_factory=list)
    areas_shown: bool = False
    since: Day
    until: Day | Literal[""] = ""
    trained: bool = False


@router.get(PATH)
async def people(request: Request, person: Administrator) -> HTMLResponse:
    """Everybody, with what they may do, when they last reported and until when they are appointed."""
    await read_log.note(request.app.state.database, person, "people", PATH, "administration")
    found = await appointing_of(request).people(person.kommun)
    now = datetime.now(UTC)
    rows = [_row(one, now) for one in found]
    context = frame(person, PATH) | {"rows": rows, "silent": sum(r["state"] == "silent" for r in rows)}
    return page("ingest/people.html", context)


def organisations_of(request: Request) -> Organisations:
    """The use cases of organisations, as the room was wired."""
    found: Organisations = request.app.state.organisations
    return found


def appointing_of(request: Request) -> Appointing:
    """The use cases, as the room was wired."""
    found: Appointing = request.app.state.appointing
    return found


def _row(one: Person, now: datetime) -> dict[str, Any]:
    row, appointment = one.row, one.appointment
    state = "locked" if not row.active else "none" if appointment is None else "active"
    if appointment is not None and row.active:
        latest = max(filter(None, (row.last_report, appointment.since)))
        state = "silent" if now - latest > QUIET else "active"
    return {
        "id": str(row.person_id),
        "name": row.name,
        "organisation": row.organisation or "",
        "roles": ", ".join(text(f"role.{r}") for r in ROLES if r in row.roles),
        "until": periods.last_day(appointment.until) if appointment is not None and appointment.until else None,
        "trained": appointment is not None and appointment.trained,
        "appointed": appointment is not None,
        "last": writing.day_with_year(row.last_report.astimezone(writing.SWEDEN).date()) if row.last_report else None,
        "state": state,
    }


@router.get(PATH + "/person/{ident}")
async def one(request: Request, person: Administrator, ident: str, hur: str = "") -> HTMLResponse:
    """One person, or the empty form for a new one."""
    return await _person_page(request, person, ident, notice=hur)


async def _person_page(
    request: Request,
    person: Principal,
    ident: str,
    *,
    notice: str = "",
    wrong: str | None = None,
    form: PersonForm | None = None,
) -> HTMLResponse:
    appointing, found = appointing_of(request), None
    if ident != NEW:
        try:
            whose = subject_digest(person.kommun, str(UUID(ident)))
            await read_log.note(request.app.state.database, person, "person", whose, "administration")
            found = await appointing.person(person.kommun, UUID(ident))
        except (ValueError, Gone):
            return missing(person)
    corridor: Corridor = request.app.state.corridor
    signed: People = request.app.state.people
    areas = await corridor.area_names(person.kommun, await signed.token(person))
    row = found.row if found is not None else None
    context = frame(person, PATH) | {
        "ident": ident,
        "row": row,
        "form": form or (_filled(found) if found is not None else _empty()),
        "roles": [(r, text(f"role.{r}"), text(f"role_hint.{r}")) for r in ROLES],
        "organisations": [(str(o.organisation_id), o.name) for o in await organisations_of(request).all(person.kommun)],
        "areas": areas + [(c, c) for c in _strange(found, areas)],
        "appointments": [periods.shown(a, dict(areas)) for a in found.appointments] if found is not None else [],
        "today": datetime.now(writing.SWEDEN).date(),
        "notice": text(f"people.{notice}") if notice in {"saved", "appointed", "known"} else None,
        "wrong": wrong,
        "oneself": row is not None and str(row.person_id) == person.subject,
    }
    return page("ingest/person.html", context, 422 if wrong else 200)


def _strange(found: Person | None, areas: list[tuple[str, str]]) -> list[str]:
    """Codes that were chosen earlier and that today's list lacks; none while there is no list at all."""
    if found is None or not areas:
        return []
    known = {code for code, _ in areas}
    return sorted({code for a in found.appointments for code in a.areas} - known)


def _empty() -> PersonForm:
    return PersonForm.model_construct(name="", email="", organisation=None, roles=["rapportor"])


def _filled(found: Person) -> PersonForm:
    row = found.row
    return PersonForm.model_construct(
        name=row.name, email=row.email, organisation=row.organisation_id, roles=list(row.roles), active=row.active
    )


def missing(person: Principal) -> HTMLResponse:
    """The page for a person, an organisation or a key that is not there, or another municipality's."""
    context = {"heading": text("error.not_found"), "detail": None}
    return page("message.html", frame(person, PATH) | context, 404)


@router.post(PATH + "/person/{ident}")
async def save(request: Request, person: Administrator, ident: str, form: Annotated[PersonForm, Form()]) -> Response:
    """Register a new person, or change one."""
    appointing = appointing_of(request)
    wrong = _wrong(form)
    if wrong is not None or form.organisation is None:
        return await _person_page(request, person, ident, wrong=text(wrong or "people.no_organisation"), form=form)
    roles = [r for r in ROLES if r in form.roles]
    try:
        if ident == NEW:
            made, new = await appointing.register(
                person.kommun, name=form.name, email=form.email, roles=roles, organisation=form.organisation
            )
            return RedirectResponse(f"{PATH}/person/{made}?hur={'saved' if new else 'known'}", 303)
        await appointing.change(
            person.kommun,
            UUID(ident),
            name=form.name,
            roles=roles,
            organisation=form.organisation,
            active=form.active,
            email=form.email,
        )
    except LastAdministrator:
        return await _person_page(request, person, ident, wrong=text("people.last_administrator"), form=form)
    except Taken:
        return await _person_page(request, person, ident, wrong=text("people.taken"), form=form)
    except (ValueError, Gone):
        return missing(person)
    return RedirectResponse(f"{PATH}/person/{ident}?hur=saved", 303)


def _wrong(form: PersonForm) -> str | None:
    """What is missing in the form, as a key of the texts."""
    if not set(form.roles) & set(ROLES):
        return "people.no_role"
    if form.organisation is None:
        return "people.no_organisation"
    if not re.match(ADDRESS, form.email):
        return "login.wrong_email"
    return None


@router.post(PATH + "/person/{ident}/uppdrag/{appointment}")
async def appoint(
    request: Request, person: Administrator, ident: UUID, appointment: str, form: Annotated[AppointmentForm, Form()]
) -> Response:
    """Appoint a person, or change an appointment."""
    last = form.until if isinstance(form.until, date) else None
    if last is not None and last < form.since:
        return await _person_page(request, person, str(ident), wrong=text("people.ends_before"))
    appointing = appointing_of(request)
    try:
        known = {str(a.appointment_id): a for a in (await appointing.person(person.kommun, ident)).appointments}
        before = known.get(appointment)
        since, until = periods.times(form.since, last, before)
        await appointing.appoint(
            person.kommun,
            ident,
            organisation=form.organisation,
            # Without the boxes, as while geo is away, what was chosen stays.
            areas=form.areas if form.areas_shown or before is None else before.areas,
            since=since,
            until=until,
            trained=form.trained,
            appointment=None if appointment == NEW else UUID(appointment),
        )
    except NotAppointed:
        return await _person_page(request, person, str(ident), wrong=text("people.not_reporter"))
    except Overlapping:
        return await _person_page(request, person, str(ident), wrong=text("people.overlapping"))
    except (ValueError, Gone):
        return missing(person)
    return RedirectResponse(f"{PATH}/person/{ident}?hur=appointed", 303)


@router.post(PATH + "/person/{ident}/radera")
async def erase(request: Request, person: Administrator, ident: UUID, sure: Annotated[str, Form()] = "") -> Response:
    """Forget a person."""
    if sure != "ja":
        return await _person_page(request, person, str(ident), wrong=text("people.erase_unsure"))
    try:
        await appointing_of(request).erase(person.kommun, ident)
    except LastAdministrator:
        return await _person_page(request, person, str(ident), wrong=text("people.last_administrator"))
    except Gone:
        return missing(person)
    return RedirectResponse(PATH, 303)
