"""A local SMTP sink with a page to read what it caught: nothing leaves the machine.

Mail is kept as one file each, so that a restart loses nothing. The page shows bodies in a sandboxed frame with a
policy of its own.
"""

import argparse
import email
import email.policy
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.controller import Controller
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from services.pages.frame import frame
from services.pages.render import page

_POLICY = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; frame-ancestors 'none'"
_FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Sink:
    """aiosmtpd's handler: write the mail to its file, then accept it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Accept every mail."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
        part = self._folder / f"{name}.part"
        part.write_bytes(envelope.content)
        part.rename(self._folder / f"{name}.eml")
        return "250 Message accepted for delivery"


def read(path: Path) -> EmailMessage:
    """A kept mail."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _kept(folder: Path) -> list[Path]:
    """The kept mails, newest first."""
    return sorted(folder.glob("*.eml"), reverse=True)


def _entry(path: Path, mail: EmailMessage) -> dict[str, Any]:
    stamp = datetime.strptime(path.stem.split("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    at = parsedate_to_datetime(mail["Date"]) if mail["Date"] else stamp
    return {
        "id": path.stem,
        "subject": mail["Subject"] or "",
        "to": mail["To"] or "",
        "from": mail["From"] or "",
        "at": at,
    }


def _found(folder: Path, ident: str) -> Path | None:
    path = folder / f"{ident}.eml"
    return path if ident.replace("-", "").isalnum() and path.exists() else None


def _page(mails: list[dict[str, Any]], mail: dict[str, Any] | None, status: int = 200) -> HTMLResponse:
    answer = page("mailbox.html", frame(None, "/utkorg") | {"mails": mails, "mail": mail}, status)
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _text(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    return str(plain.get_content()) if plain is not None else ""


def build(folder: Path) -> FastAPI:
    """The pages."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def alive() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/utkorg")
    async def listing() -> HTMLResponse:
        return _page([_entry(path, read(path)) for path in _kept(folder)[:200]], None)

    @app.get("/utkorg/mejl.json")
    async def everything(to: str = "") -> JSONResponse:
        """Mails with their plain text, newest first, all or those ``to`` one address: for tests and scripts."""
        entries = []
        for path in _kept(folder):
            if to and to.encode() not in path.read_bytes():  # thousands lie here in time; parsing one takes a while
                continue
            mail = read(path)
            if to and mail["To"] != to:
                continue
            entry = _entry(path, mail)
            more = {"at": entry["at"].isoformat(), "message_id": mail["Message-ID"], "text": _text(mail)}
            entries.append(entry | more)
        return JSONResponse(entries)

    @app.get("/utkorg/{ident}")
    async def one(ident: str) -> HTMLResponse:
        path = _found(folder, ident)
        if path is None:
            return _page([], None, 404)
        mail = read(path)
        more = {"text": _text(mail), "has_html": mail.get_body(("html",)) is not None}
        return _page([], _entry(path, mail) | more)

    @app.get("/utkorg/{ident}/innehall")
    async def body(ident: str) -> HTMLResponse:
        path = _found(folder, ident)
        part = read(path).get_body(("html",)) if path is not None else None
        answer = HTMLResponse(part.get_content() if part is not None else "", 200 if part is not None else 404)
        answer.headers["Content-Security-Policy"] = _FRAME_POLICY
        return answer

    return app


def main() -> None:
    """Run sink and page until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    controller = Controller(Sink(chosen.folder), hostname="127.0.0.1", port=chosen.smtp_port)
    controller.start()
    try:
        uvicorn.run(build(chosen.folder), host="127.0.0.1", port=chosen.http_port, log_level="warning")
    finally:
        controller.stop()


if __name__ == "__main__":
    main()
