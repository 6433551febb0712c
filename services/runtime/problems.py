"""Errors over HTTP as problem details (RFC 9457): an absolute type, a title, and a sentence that says what to do.

The answer never repeats what was sent: it may hold personal data.
"""

import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from services.runtime.errors import is_outage
from services.runtime.logs import logger
from services.runtime.tokens import NotAuthenticated

TYPE_BASE = "https://lagesbild.se/problem/"
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""What callers are told to wait when a server is away."""
_log = logger(__name__)


class ProblemBody(BaseModel):
    """What every answer that is not a success looks like."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None


class Problem(Exception):
    """Answer with a problem. ``kind`` is stable and documented; ``title`` is for people, in Swedish."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.errors, self.headers = errors, headers

    def body(self) -> dict[str, Any]:
        """The problem as JSON values; what it has nothing to say about is left out."""
        said = ProblemBody(
            type=TYPE_BASE + self.kind,
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=[dict(e) for e in self.errors] if self.errors is not None else None,
        )
        return said.model_dump(exclude_none=True)

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(self.body(), self.status, headers=dict(self.headers or {}), media_type=MEDIA_TYPE)


def not_authenticated() -> Problem:
    """401 with the way in."""
    return Problem(
        401,
        "not-authenticated",
        "Du behöver logga in eller ange en nyckel.",
        "Send a token in the header Authorization: Bearer …",
        headers={"WWW-Authenticate": "Bearer"},
    )


def not_allowed(needs: str) -> Problem:
    """403, naming the role or scope that is missing."""
    return Problem(403, "not-allowed", "Du har inte behörighet till det här.", f"Needs {needs}.")


def not_found(what: str) -> Problem:
    """404 for a thing that is not there, or not this municipality's."""
    return Problem(404, "not-found", "Det finns inte.", f"No such {what}.")


_CODES = {"extra_forbidden": "unknown_field"}
"""Our stable codes for what the models' library calls otherwise."""


def faults(error: RequestValidationError | ValidationError) -> list[dict[str, Any]]:
    """Where and what is wrong, without the rejected input."""
    return [
        {"loc": [str(p) for p in e["loc"]], "type": _CODES.get(e["type"], e["type"]), "msg": e["msg"]}
        for e in error.errors()
    ]


_TITLES = {
    400: ("bad-request", "Det går inte att förstå anropet."),
    404: ("not-found", "Det finns inte."),
    405: ("method-not-allowed", "Så går det inte att anropa adressen."),
    413: ("too-large", "Det är för mycket på en gång."),
    415: ("unsupported-media-type", "Formatet går inte att läsa."),
}


def _allowed(request: Request) -> str:
    """The methods of every route that this path has; Starlette names those of the first one only."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))


async def _told(request: Request, problem: Problem) -> Response:
    """The problem as a program reads it, or as a page for a browser where the room has one (``problem_page``)."""
    page = getattr(request.app.state, "problem_page", None)
    if page is None or "text/html" not in request.headers.get("accept", ""):
        return problem.response()
    shown: Response = await page(request, problem)
    return shown


def install(app: FastAPI) -> None:
    """Make every error of the app a problem. Call while building: later handlers are ignored silently."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return await _told(request, error)

    @app.exception_handler(NotAuthenticated)
    async def unauthenticated(_request: Request, _error: NotAuthenticated) -> JSONResponse:
        return not_authenticated().response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        said = "Något i det du skickade stämmer inte."
        return await _told(request, Problem(422, "invalid", said, "See errors.", errors=faults(error)))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind, title = _TITLES.get(error.status_code, (f"http-{error.status_code}", "Det gick inte."))
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
        return await _told(request, Problem(error.status_code, kind, title, headers=headers))

    app.exception_handler(Exception)(unexpected)  # outside the middleware that every request goes through


def where(error: BaseException) -> str:
    """File and line of a failure, for the log in place of its message, which may repeat what somebody wrote."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(at.filename).name}:{at.lineno}"


async def unexpected(request: Request, error: Exception) -> Response:
    """The answer to what nobody foresaw: 503 while a server is away, else 500."""
    if isinstance(error, ClientDisconnect):
        return Problem(400, "bad-request", "Anropet avbröts innan allt hade kommit.").response()
    _log.error("request failed", path=request.scope.get("path"), error=type(error).__name__, where=where(error))
    problem = Problem(500, "internal", "Något gick fel hos oss. Försök igen om en stund.", type(error).__name__)
    if is_outage(error):
        said = "Tjänsten är tillfälligt nere. Försök igen om en stund."
        problem = Problem(503, "unavailable", said, headers={"Retry-After": str(RETRY_SECONDS)})
    try:
        return await _told(request, problem)
    except Exception:  # noqa: BLE001 - the page may need what is broken; the program's answer needs nothing
        return problem.response()
