"""The administrator's page of logins: which groups of the municipality's own directory give which role here."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.ingest.federation import ROLES, Provider
from services.ingest.handlers.federating import Federating
from services.ingest.web.administration import PATH, Administrator, missing
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text

router = APIRouter(include_in_schema=False)
HERE = PATH + "/inloggning"
MOST_GROUPS, LONGEST_GROUP = 100, 200


@router.get(HERE)
async def providers(request: Request, person: Administrator, hur: str = "") -> HTMLResponse:
    """The municipality's providers with their groups."""
    federating: Federating = request.app.state.federating
    own = [_shown(p) for p in await federating.providers() if p.kommun == person.kommun]
    context = frame(person, PATH) | {"providers": own, "saved": hur == "saved"}
    return page("ingest/providers.html", context)


def _shown(provider: Provider) -> dict[str, Any]:
    roles = [(r, text(f"role.{r}"), "\n".join(provider.roles.get(r, ()))) for r in ROLES]
    kind = text(f"providers.kind_{provider.kind}")
    return {"id": provider.ident, "name": provider.name, "kind": kind, "required": provider.required, "roles": roles}


@router.post(HERE + "/{ident}")
async def map_roles(request: Request, person: Administrator, ident: UUID) -> Response:
    """Which groups give which role."""
    federating: Federating = request.app.state.federating
    form = await request.form()
    groups = {role: _lines(str(form.get(role, ""))) for role in ROLES}
    if not await federating.map_roles(person.kommun, ident, groups):
        return missing(person)
    return RedirectResponse(f"{HERE}?hur=saved", 303)


def _lines(written: str) -> list[str]:
    found = [line.strip()[:LONGEST_GROUP] for line in written.splitlines()]
    return [line for line in found if line][:MOST_GROUPS]
