"""Taking away what was written to a report: for what the guard let through. The report counts as before."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from services.ingest.handlers.reports import Reports
from services.ingest.web.photos import Looker
from services.runtime import read_log
from services.runtime.problems import not_found

router = APIRouter(include_in_schema=False)


@router.post("/rapporttext/ta-bort")
async def remove(request: Request, person: Looker, report_id: Annotated[UUID, Form()]) -> RedirectResponse:
    """Delete the text for good and note who did; back to the report."""
    reports: Reports = request.app.state.reports
    if await reports.find(person.kommun, report_id) is None:
        raise not_found("report")
    await read_log.note(request.app.state.database, person, "text", str(report_id), "removal")
    await reports.forget_text(person.kommun, report_id)
    return RedirectResponse(f"/rapporter/{report_id}?borttagen=ja", 303)
