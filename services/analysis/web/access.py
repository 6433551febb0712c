"""Who sees what of the picture's pages, and what the others are told."""

from fastapi import Response
from fastapi.responses import HTMLResponse

from services.analysis.api.counts import READERS, WRITERS
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.tokens import Principal


def message(principal: Principal, path: str, heading: str, detail: str | None, status: int) -> HTMLResponse:
    """A page that says what is the matter and what to do."""
    return page("message.html", frame(principal, path) | {"heading": heading, "detail": detail}, status)


def reads(principal: Principal) -> bool:
    """Who sees numbers and adopted pictures: the people who may read numbers."""
    return principal.kind == "person" and principal.may(*READERS)


def writes(principal: Principal) -> bool:
    """Who assesses and adopts."""
    return principal.kind == "person" and principal.may(*WRITERS)


def denied(principal: Principal, path: str = "/oversikt") -> Response:
    """The page for the others."""
    return message(principal, path, text("error.denied"), text("error.denied_who"), 403)


def missing(principal: Principal, path: str = "/oversikt") -> Response:
    """There is no such thing here, or none for this reader."""
    return message(principal, path, text("error.not_found"), None, 404)
