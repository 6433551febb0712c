"""``/v1/context:batch``: published items of polisen.se, line by line."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.ingest.api.caller import DoorCaller
from services.ingest.handlers.context import Context
from services.runtime.problems import Problem, not_allowed

router = APIRouter(prefix="/v1", tags=["context"])
MOST_LINES = 1000
MOST_BYTES = 8_388_608


class ContextLine(BaseModel):
    """What became of one line."""

    line: int
    outcome: Literal["new", "newer", "older", "same", "refused"]
    reason: str | None = None


class ContextAnswer(BaseModel):
    """One outcome per line, in order."""

    lines: list[ContextLine]


@router.post("/context:batch", response_model=ContextAnswer, max_body_size=MOST_BYTES)
async def post_context(request: Request, principal: DoorCaller) -> ContextAnswer:
    """Take in at most 1 000 lines of NDJSON, each an item or an archive line; a bad line never fails the others."""
    if not principal.may("context:write"):
        raise not_allowed("context:write")
    lines = [line for line in (await request.body()).split(b"\n") if line.strip()]
    if len(lines) > MOST_LINES:
        raise Problem(413, "too-large", "Det är för mycket på en gång.", f"At most {MOST_LINES} lines in one call.")
    context: Context = request.app.state.context
    outcomes = await context.take_in(lines, request.state.correlation_id)
    return ContextAnswer(lines=[ContextLine(line=o.line, outcome=o.outcome, reason=o.reason) for o in outcomes])
