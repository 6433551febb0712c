"""``/docs``: the published contracts of all rooms as a page, and as the documents themselves. Open to everybody."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse

from services.pages.documents import NAMES, document
from services.pages.frame import frame
from services.pages.reference import reference
from services.pages.render import page
from services.runtime.problems import not_found

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The page."""
    return page("reference.html", frame(None, "/docs") | reference() | {"names": NAMES})


@router.get("/docs/{name}.json")
async def published(name: str) -> JSONResponse:
    """One document, as it is checked in."""
    if name not in NAMES:
        raise not_found("document")
    return JSONResponse(document(name), headers={"Cache-Control": "public, max-age=3600"})
