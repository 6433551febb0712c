"""``/v1/reports``: hand in, correct, withdraw, ask what became of it; ``/v1/event-types``."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from schemas.taxonomy import current
from schemas.values import Severity
from services.ingest.api.caller import DoorCaller
from services.ingest.api.cloudevents import STRUCTURED, EventRoute
from services.ingest.domain import Refusal, ReportIn, Sender, short_number
from services.ingest.gateways.corridor import Corridor, Fate
from services.ingest.handlers.people import People
from services.ingest.handlers.refusing import missing_id, problem_of
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.submitting import Answer, Unfinished, VersionConflict
from services.ingest.store.photos import NewPhoto
from services.runtime import read_log
from services.runtime.problems import Problem, ProblemBody, not_allowed, not_found
from services.runtime.rates import Rate
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["reports"], route_class=EventRoute)
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "content": {"application/problem+json": {}}}
    for status in (400, 401, 403, 409, 422, 429)
}


class ReportAnswer(BaseModel):
    """What the door answers: the report's identity and what the call did."""

    report_id: UUID
    id: str
    number: str
    outcome: str
    revision: int | None
    sandbox: bool = False
    """True for a sandbox key: everything was checked, nothing was stored."""


async def submit(
    reports: Reports, sender: Sender, report: ReportIn, correlation: str, photo: NewPhoto | None = None
) -> Answer:
    """The handler's answer, its refusals as problems."""
    try:
        return await reports.submit(sender, report, correlation, photo=photo)
    except (Refusal, Unfinished, VersionConflict) as refused:
        raise problem_of(refused) from None


def _sender_id(report: ReportIn, key: str | None) -> ReportIn:
    """The report with its id; the header is optional and must agree with the body."""
    given = key.strip().strip('"') if key else None
    if report.id is None and not given:
        raise missing_id()
    if report.id is not None and given and given != report.id:
        raise Problem(422, "id-mismatch", "Id i rapporten och i huvudet är olika.", "id and Idempotency-Key disagree.")
    return report if report.id is not None else report.model_copy(update={"id": given})


WRITES = ("rapportor", "administrator", "analytiker")
"""The roles that hand in reports by themselves."""


def may_write(principal: Principal) -> None:
    """403 unless the caller may hand in reports."""
    if not principal.may("reports:write", *WRITES):
        raise not_allowed("reports:write")


_EVENT = {
    "requestBody": {
        "content": {
            STRUCTURED: {
                "schema": {
                    "type": "object",
                    "required": ["specversion", "id", "source", "type", "data"],
                    "properties": {
                        "specversion": {"const": "1.0"},
                        "id": {"type": "string"},
                        "source": {"type": "string"},
                        "type": {"const": "se.lagesbild.report.v1"},
                        "subject": {"type": "string", "description": "the report's id, if it has none itself"},
                        "data": {"$ref": "#/components/schemas/ReportIn"},
                    },
                }
            }
        }
    }
}


@router.post("/reports", status_code=201, response_model=ReportAnswer, responses=_PROBLEMS, openapi_extra=_EVENT)
async def post_report(
    request: Request,
    report: ReportIn,
    principal: DoorCaller,
    idempotency_key: Annotated[str | None, Header(max_length=202)] = None,
) -> JSONResponse:
    """Hand in a report, a correction (a higher ``source_version``) or a withdrawal (``withdrawn: true``).

    201: new. 200: corrected, withdrawn, or ``superseded`` by a newer version that is already here. The same id,
    version and content gets the first answer again, for ever, with the header ``Idempotent-Replayed``.
    """
    may_write(principal)
    rate: Rate = request.app.state.requests_rate
    await rate.count(principal.subject)
    identified = _sender_id(report, idempotency_key)
    people: People = request.app.state.people
    sender = await people.sender(principal)
    return _answer(await submit(request.app.state.reports, sender, identified, request.state.correlation_id))


def _answer(answer: Answer) -> JSONResponse:
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    if answer.status == 201:
        headers["Location"] = f"/v1/reports/{answer.body['report_id']}"
    return JSONResponse(answer.body, answer.status, headers=headers)


@router.delete("/reports/{report_id}", response_model=ReportAnswer, responses=_PROBLEMS)
async def withdraw_report(request: Request, report_id: UUID, principal: DoorCaller) -> JSONResponse:
    """Withdraw one of your own reports. It stays with its versions and counts no more."""
    may_write(principal)
    people: People = request.app.state.people
    sender = await people.sender(principal)
    try:
        answer = await request.app.state.reports.withdraw(sender, report_id, request.state.correlation_id)
    except Unfinished:
        raise Problem(409, "unfinished", "Ett annat anrop pågår. Försök igen.", headers={"Retry-After": "1"}) from None
    if answer is None:
        raise not_found("report of yours")
    return _answer(answer)


class ReportState(BaseModel):
    """A report and what became of it. A step that has not happened yet, or whose room is away, is null."""

    report_id: UUID
    number: str
    revision: int
    withdrawn: bool
    received: datetime
    placed: dict[str, Any] | None
    counted: dict[str, Any] | None
    refused: str | None
    text_lost: bool = False
    """The report was taken back from the topics after a restore; its text was not there. Sending it again mends it."""
    away: tuple[str, ...] = ()


def state_of(row: Any, fate: Fate) -> ReportState:
    """The report's state from the door's row and the other rooms' answers.

    ``refused`` says why it does not count although it has arrived: withdrawn, merged, or of a type that never counts.
    """
    counted = fate.fact
    reason = counted.get("reason") if counted is not None and not counted.get("counted") else None
    return ReportState(
        report_id=row.report_id,
        number=short_number(row.report_id),
        revision=row.revision,
        withdrawn=row.content["withdrawn"],
        received=row.received_at,
        placed=fate.placement,
        counted=counted,
        refused=reason,
        text_lost=row.taken_back and row.event["has_text"],
        away=fate.away,
    )


@router.get("/reports/{report_id}", response_model=ReportState, responses=_PROBLEMS)
async def get_report(request: Request, report_id: UUID, principal: DoorCaller) -> ReportState:
    """What became of a report: received, placed, counted; asked from the other rooms.

    Senders see their own; ``reports:read`` and analysts see the municipality's.
    """
    people: People = request.app.state.people
    reports: Reports = request.app.state.reports
    corridor: Corridor = request.app.state.corridor
    row = await reports.find(principal.kommun, report_id)
    sender = None if principal.kind == "service" else await people.sender(principal)
    own = row is not None and sender is not None and row.client_id == sender.client_id
    if row is None or not (own or principal.may("reports:read", "analytiker", "administrator")):
        raise not_found("report")
    if not own:
        await read_log.note(request.app.state.database, principal, "report", str(report_id), "follow_up")
    return state_of(row, await corridor.fate(report_id, await people.token(principal)))


class ReportText(BaseModel):
    """What the sender wrote; null when there is nothing, or nothing any more."""

    text: str | None


@router.get("/reports/{report_id}/text", responses=_PROBLEMS)
async def get_text(request: Request, report_id: UUID, principal: DoorCaller) -> ReportText:
    """What was written to a report of the municipality, for analysts. Every read is noted."""
    if not principal.may("analytiker", "administrator"):
        raise not_allowed("analytiker or administrator")
    reports: Reports = request.app.state.reports
    if await reports.find(principal.kommun, report_id) is None:
        raise not_found("report")
    await read_log.note(request.app.state.database, principal, "text", str(report_id), "follow_up")
    return ReportText(text=await reports.text_of(principal.kommun, report_id))


PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""One line of text: PostgreSQL takes no NUL, and a label has no line breaks."""


class EventTypeBody(BaseModel):
    """A local event type: its name and default severity."""

    model_config = ConfigDict(extra="forbid")
    label: Annotated[str, StringConstraints(min_length=2, max_length=60, strip_whitespace=True, pattern=PLAIN)]
    severity: Severity = 1


@router.get("/event-types")
async def event_types(request: Request, principal: DoorCaller) -> dict[str, Any]:
    """The taxonomy in force with the municipality's own additions."""
    taxonomy = current()
    local = await request.app.state.reports.local_types(principal.kommun)
    own = [
        {"code": code, "label": label, "severity": severity, "local": True} for code, (label, severity) in local.items()
    ]
    return {
        "version": taxonomy.version,
        "groups": [g.model_dump() for g in taxonomy.groups],
        "types": [t.model_dump() | {"local": False} for t in taxonomy.types] + own,
    }


@router.put("/event-types/{code}", status_code=204, responses=_PROBLEMS)
async def put_event_type(
    request: Request,
    code: Annotated[str, Path(pattern=r"^[A-G]-X\d{1,3}$")],
    body: EventTypeBody,
    principal: DoorCaller,
) -> None:
    """Add or rename a local type, ``A-X1``. Level 1 and the shared types can never be changed."""
    if not principal.may("people:write", "administrator"):
        raise not_allowed("administrator")
    await request.app.state.reports.put_type(principal.kommun, code, body.label, body.severity)
