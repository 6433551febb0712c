"""The administrator's page of the municipality's own rules: free text, local event types, how long things are kept."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field, StringConstraints

from schemas.taxonomy import current
from services.ingest.api.reports import PLAIN
from services.ingest.domain import FreeText
from services.ingest.handlers.people import People
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.retaining import CLASSES, MOST_MONTHS, DataClass, Retaining
from services.ingest.store.retention import Rule
from services.ingest.web.administration import PATH, Administrator
from services.ingest.web.pages import GROUP_ORDER
from services.pages import writing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text

router = APIRouter(include_in_schema=False)
HERE = PATH + "/regler"
Line = Annotated[str, StringConstraints(min_length=2, max_length=120, strip_whitespace=True, pattern=PLAIN)]
_FREE_TEXTS: tuple[FreeText, ...] = ("people", "everybody", "nobody")


class TypeForm(BaseModel):
    """A local event type."""

    group: Literal["A", "B", "C", "D", "E", "G"]
    label: Annotated[str, StringConstraints(min_length=2, max_length=60, strip_whitespace=True, pattern=PLAIN)]
    severity: Annotated[int, Field(ge=1, le=4)] = 1


class KeepForm(BaseModel):
    """How long a kind of data is kept, and by which decision."""

    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)]
    decision: Line
    decided_on: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 12, 31))]


@router.get(HERE)
async def rules(request: Request, person: Administrator, hur: str = "") -> HTMLResponse:
    """What the municipality has decided, and what was done by it."""
    people: People = request.app.state.people
    reports: Reports = request.app.state.reports
    retaining: Retaining = request.app.state.retaining
    municipality = await people.municipality(person.kommun)
    decided = await retaining.rules(person.kommun)
    local = await reports.local_types(person.kommun)
    context = frame(person, PATH) | {
        "saved": hur == "saved",
        "free_text": municipality.free_text if municipality is not None else "people",
        "free_texts": [(f, text(f"rules.free_{f}")) for f in _FREE_TEXTS],
        "groups": [current().group(g) for g in GROUP_ORDER],
        "local": [{"code": code, "label": label, "severity": level} for code, (label, level) in local.items()],
        "classes": [(c, text(f"rules.class_{c}"), text(f"rules.class_{c}_hint"), decided.get(c)) for c in CLASSES],
        "protocol": [_done(row) for row in await retaining.protocol(person.kommun)],
        "most_months": MOST_MONTHS,
    }
    return page("ingest/rules.html", context)


def _done(row: Any) -> dict[str, Any]:
    return {
        "at": writing.moment(row.at),
        "what": text(f"rules.class_{row.data_class}"),
        "before": writing.day_with_year(row.received_before.astimezone(writing.SWEDEN).date()),
        "count": row.reports,
        "decision": f"{row.decision}, {writing.day_with_year(row.decided_on)}",
    }


def _saved() -> RedirectResponse:
    return RedirectResponse(f"{HERE}?hur=saved", 303)


@router.post(HERE + "/fritext")
async def free_text(request: Request, person: Administrator, who: Annotated[FreeText, Form()]) -> Response:
    """From whom free text is taken in."""
    people: People = request.app.state.people
    await people.put_free_text(person.kommun, who)
    return _saved()


@router.post(HERE + "/typer")
async def add_type(request: Request, person: Administrator, form: Annotated[TypeForm, Form()]) -> Response:
    """Add a local event type under the next code of its group."""
    reports: Reports = request.app.state.reports
    await reports.add_type(person.kommun, form.group, form.label, form.severity)
    return _saved()


@router.post(HERE + "/typer/{code}")
async def rename_type(
    request: Request,
    person: Administrator,
    code: str,
    label: Annotated[str, Form(min_length=2, max_length=60, pattern=PLAIN)],
) -> Response:
    """Another name for a local type; its code, and what was reported under it, stay."""
    reports: Reports = request.app.state.reports
    known = await reports.local_types(person.kommun)
    if code in known:
        await reports.put_type(person.kommun, code, label.strip(), known[code][1])
    return _saved()


@router.post(HERE + "/gallring/{data_class}")
async def keep(
    request: Request,
    person: Administrator,
    data_class: DataClass,
    form: Annotated[KeepForm, Form()],
) -> Response:
    """Keep a kind of data so long, by this decision."""
    retaining: Retaining = request.app.state.retaining
    await retaining.decide(person.kommun, Rule(data_class, form.months, form.decision, form.decided_on), data_class)
    return _saved()


@router.post(HERE + "/gallring/{data_class}/upphav")
async def keep_all(request: Request, person: Administrator, data_class: DataClass) -> Response:
    """Take a decision back: nothing of this kind is deleted."""
    retaining: Retaining = request.app.state.retaining
    await retaining.decide(person.kommun, None, data_class)
    return _saved()
