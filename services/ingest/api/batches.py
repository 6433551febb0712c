"""``/v1/reports:batch`` (answered at once) and ``/v1/batches`` (kept, handled, fetched): one JSON report a line."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from services.ingest.api.caller import DoorCaller
from services.ingest.api.reports import may_write
from services.ingest.handlers.batches import KEEP_DAYS, Batches
from services.ingest.handlers.people import People
from services.runtime.problems import Problem, ProblemBody, not_found
from services.runtime.rates import Rate
from services.runtime.tokens import Principal

router = APIRouter(prefix="/v1", tags=["batches"])
MOST_LINES = 10_000
MOST_BYTES = 16 * 2**20
LARGEST_UPLOAD = 4 * 2**30
NDJSON = "application/x-ndjson"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            NDJSON: {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "one report a line, as for POST /v1/reports",
                }
            }
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemBody, "content": {"application/problem+json": {}}}
    for status in (400, 401, 403, 404, 409, 413, 415, 429)
}
_LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One answer a line: line, status, and id, report_id, number, outcome, revision or a problem.",
        "content": {NDJSON: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _only_ndjson(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {NDJSON, "application/ndjson", "application/jsonl"}:
        raise Problem(
            415, "unsupported-media-type", "Formatet går inte att läsa.", f"Send {NDJSON}, one report a line."
        )


async def _sender(request: Request, principal: Principal) -> Any:
    may_write(principal)
    _only_ndjson(request)
    people: People = request.app.state.people
    return await people.sender(principal)


@router.post(
    "/reports:batch",
    max_body_size=MOST_BYTES,
    openapi_extra=_BODY,
    responses=_PROBLEMS | _LINES,
    response_class=StreamingResponse,
)
async def post_batch(request: Request, principal: DoorCaller) -> Response:
    """Hand in up to 10 000 reports, each answered in a line of its own; a bad line never fails the others.

    Answers come in the order of the lines, each committed before it is given out. Sending a batch again is safe.
    """
    sender = await _sender(request, principal)
    lines = (await request.body()).split(b"\n")
    count = sum(1 for line in lines if line.strip())
    if count == 0:
        raise Problem(400, "bad-request", "Det finns inga rader.", "Send one report a line.")
    if count > MOST_LINES:
        detail = f"At most {MOST_LINES} lines are answered at once. Use POST /v1/batches."
        raise Problem(413, "too-large", "Det är för många rader på en gång.", detail)
    lines_rate: Rate = request.app.state.lines_rate
    await lines_rate.count(str(sender.client_id), cost=count)
    batches: Batches = request.app.state.batches
    return StreamingResponse(batches.answer_now(sender, lines, request.state.correlation_id), media_type=NDJSON)


class BatchState(BaseModel):
    """How far an upload has come; its answers are kept for thirty days after it is finished."""

    batch_id: UUID
    state: Literal["receiving", "waiting", "working", "finished"]
    lines: int
    handled: int
    outcomes: dict[str, int]
    """The delivery report: how many lines were created, corrected, withdrawn, superseded, refused. A line that was
    handed in before counts as it did the first time."""
    created_at: datetime
    finished_at: datetime | None


@router.post(
    "/batches",
    status_code=202,
    max_body_size=LARGEST_UPLOAD,
    openapi_extra=_BODY,
    responses=_PROBLEMS,
)
async def post_upload(request: Request, principal: DoorCaller) -> JSONResponse:
    """Upload any number of reports; they are stored at once and handled afterwards. Ask the address in Location."""
    sender = await _sender(request, principal)
    if sender.sandbox:
        detail = "Try POST /v1/reports:batch: it is answered at once."
        raise Problem(403, "sandbox", "Testnyckeln sparar ingenting.", detail)
    rate: Rate = request.app.state.requests_rate
    await rate.count("upload", str(sender.client_id), cost=10)
    uploads: Rate = request.app.state.upload_lines_rate

    async def admit(lines: int) -> None:
        await uploads.count(str(sender.client_id), cost=lines)

    batches: Batches = request.app.state.batches
    batch, lines = await batches.keep(sender, request.stream(), request.state.correlation_id, admit)
    location = f"/v1/batches/{batch}"
    return JSONResponse({"batch_id": str(batch), "lines": lines}, 202, headers={"Location": location})


async def _mine(request: Request, principal: Principal, batch_id: UUID) -> Any:
    may_write(principal)
    people: People = request.app.state.people
    batches: Batches = request.app.state.batches
    sender = await people.sender(principal)
    row = await batches.find(principal.kommun, batch_id)
    if row is None or row.client_id != sender.client_id:
        raise not_found("batch of yours")
    return row


Batch = Annotated[UUID, Path()]


@router.get("/batches/{batch_id}", responses=_PROBLEMS)
async def get_batch(request: Request, batch_id: Batch, principal: DoorCaller) -> BatchState:
    """How far an upload of yours has come."""
    row = await _mine(request, principal, batch_id)
    if not row.complete:
        state: Literal["receiving", "waiting", "working", "finished"] = "receiving"
    else:
        state = "finished" if row.finished_at else "working" if row.handled else "waiting"
    return BatchState(
        batch_id=row.batch_id,
        state=state,
        lines=row.lines,
        handled=row.handled,
        outcomes=row.outcomes,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


@router.get("/batches/{batch_id}/result", responses=_PROBLEMS | _LINES, response_class=StreamingResponse)
async def get_result(request: Request, batch_id: Batch, principal: DoorCaller) -> Response:
    """What became of every line, once all are handled; kept for thirty days."""
    row = await _mine(request, principal, batch_id)
    if row.finished_at is None:
        detail = f"{row.handled} of {row.lines} lines are handled."
        raise Problem(409, "unfinished", "Alla rader är inte klara än.", detail, headers={"Retry-After": "5"})
    batches: Batches = request.app.state.batches

    headers = {"Content-Disposition": f'attachment; filename="svar-{batch_id}.ndjson"', "X-Kept-Days": str(KEEP_DAYS)}
    answers = batches.answers(principal.kommun, batch_id)
    return StreamingResponse(answers, media_type=NDJSON, headers=headers)
