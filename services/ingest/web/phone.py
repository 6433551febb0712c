"""The reporter's pages without coverage: the service worker that keeps them, and the texts that their queue says."""

import hashlib
from functools import cache
from importlib import resources

from fastapi import APIRouter, Response
from markupsafe import Markup

from services.pages.render import environment, json_block
from services.pages.texts import catalogue, text

router = APIRouter(include_in_schema=False)
FILES = (
    "style.css", "report.js", "place.js", "phone.js", "queue.js", "guard.js", "guard.json",
    "photo.js", "mark.svg", "app.webmanifest", "icon-192.png",
)  # fmt: skip
"""What the two pages need: kept on the phone, all of one version, replaced together."""
QUEUE_MODULES = ("phone.js", "queue.js")
MODULES = ("report.js", "place.js", *QUEUE_MODULES)
"""The scripts that the form waits for."""
PAGES = ("/rapportera", "/mina-rapporter")
_SAID = ("error_what", "error_where", "error_when")


@cache
def version() -> str:
    """Changes when any of the files does."""
    folder = resources.files("services.pages") / "static"
    parts = [folder.joinpath(name).read_bytes() for name in FILES]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@cache
def texts() -> Markup:
    """The sentences of the queue as JSON to stand in a page."""
    said = {key.removeprefix("phone."): value for key, value in catalogue().items() if key.startswith("phone.")}
    said |= {key: text(f"report.{key}") for key in _SAID}
    guard = {key.removeprefix("guard."): value for key, value in catalogue().items() if key.startswith("guard.")}
    return json_block(said | {"guard": guard})


@router.get("/sw.js")
async def service_worker() -> Response:
    """The service worker; at the root, since it answers for pages there."""
    made = environment().get_template("ingest/sw.js").render(version=version(), files=FILES, pages=PAGES)
    return Response(made, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
