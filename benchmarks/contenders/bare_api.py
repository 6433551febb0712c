"""What the door is measured beside: a FastAPI app that checks the same reports by the same model, and keeps nothing."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ValidationError

from services.ingest.domain import ReportIn

app = FastAPI()


class Answer(BaseModel):
    """An answer to one report."""

    id: str | None
    status: int


@app.post("/v1/reports", status_code=201)
async def one(report: ReportIn) -> dict[str, Any]:
    """One report: valid or 422, by FastAPI itself."""
    return {"id": report.id}


@app.post("/v1/reports:list")
async def listed(reports: list[ReportIn]) -> list[Answer]:
    """A JSON list of reports, as FastAPI itself takes and answers one."""
    return [Answer(id=report.id, status=201) for report in reports]


@app.post("/v1/reports:batch")
async def many(request: Request) -> PlainTextResponse:
    """Reports, one a line; an answer a line: checked by hand, with nothing of FastAPI around a line."""
    answers = []
    for raw in (await request.body()).splitlines():
        try:
            answers.append(f'{{"id":"{ReportIn.model_validate_json(raw).id}","status":201}}')
        except ValidationError:
            answers.append('{"status":422}')
    return PlainTextResponse("\n".join(answers), media_type="application/x-ndjson")


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    """It answers."""
    return {"ready": True}
