"""One surface of a municipality's own layer as a page: its corners as a list, drawn on the map or taken from elsewhere.

The list is the truth and is enough by itself: the map writes into it. Nothing here needs a mouse or a script.
"""

from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from services.geo.domain import corners
from services.geo.domain.corners import BadCorners
from services.geo.handlers import drawing, reviewing
from services.geo.handlers.drawing import Conflict, Sheet
from services.geo.layers.packing import Feature
from services.geo.layers.shipped import Layers
from services.geo.registers.loading import own_and_loaded
from services.geo.web.layers import PATH, box_of, denied, may, missing
from services.pages import livemap
from services.pages.frame import frame
from services.pages.render import page
from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.http import Visitor
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
NEW = "~ny"
"""In the place of a code: a surface that is not there yet. No code has a ~."""


class Filled(BaseModel):
    """The form. ``edition`` is that of the draft which the page showed."""

    edition: int
    name: Annotated[str, Field(max_length=120)] = ""
    environment: Annotated[str, Field(max_length=60)] = ""
    owner: Annotated[str, Field(max_length=120)] = ""
    corners: Annotated[str, Field(max_length=400_000)] = ""


class Help(BaseModel):
    """Where the corners are to come from: round an address, or another area as ``layer:code``."""

    adress: Annotated[str, Field(max_length=120)] = ""
    radie: Annotated[float, Field(ge=5, le=5_000)] = 50.0
    kopia: Annotated[str, Field(max_length=80)] = ""


class Shown(NamedTuple):
    """The page: a surface of a layer, what its form holds, and what is wrong with it, by field."""

    sheet: Sheet
    code: str
    filled: Filled
    wrong: dict[str, str]
    helped: Help = Help()


@router.get(PATH + "/{layer}/yta/{code}")
async def edit(
    request: Request, principal: Visitor, layer: str, code: str, helped: Annotated[Help, Query()]
) -> Response:
    """The form, with the surface as it is or as it was asked to begin."""
    if not may(principal):
        return denied(principal)
    found, feature = await _sought(request, principal, layer, code)
    if found is None:
        return missing(principal)
    filled = Filled(edition=found.edition)
    if feature is not None:
        written = corners.write(feature.geometry)
        filled = Filled(
            edition=found.edition,
            name=feature.name,
            environment=feature.environment,
            owner=feature.owner,
            corners=written,
        )
    surface, wrong = await _begun(request, principal, helped)
    if surface is not None:
        named = filled.name or helped.adress
        filled = filled.model_copy(update={"corners": corners.write(surface), "name": named})
    return await _form(request, principal, Shown(found, code, filled, wrong, helped))


@router.post(PATH + "/{layer}/yta/{code}")
async def save(
    request: Request, principal: Visitor, layer: str, code: str, form: Annotated[Filled, Form()]
) -> Response:
    """Keep it in the draft."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    found, _ = await _sought(request, principal, layer, code)
    if found is None:
        return missing(principal)
    made, wrong = _made(form, found, code, principal.kommun, request.app.state.layers)
    if made is None:
        return await _form(request, principal, Shown(found, code, form, wrong))
    try:
        await drawing.put(database, principal.kommun, found, made, edition=form.edition)
    except Conflict:
        again = form.model_copy(update={"edition": found.edition})
        return await _form(request, principal, Shown(found, code, again, {"page": text("layers.conflict")}))
    return RedirectResponse(f"{PATH}/{layer}?hur=saved", 303)


@router.post(PATH + "/{layer}/yta/{code}/ta-bort")
async def remove(
    request: Request, principal: Visitor, layer: str, code: str, edition: Annotated[int, Form()]
) -> Response:
    """Take it out of the draft."""
    if not may(principal):
        return denied(principal)
    database: Database = request.app.state.database
    found = await drawing.sheet(database, principal.kommun, layer)
    if found is None:
        return missing(principal)
    try:
        await drawing.remove(database, principal.kommun, found, code, edition=edition)
    except Conflict:
        return RedirectResponse(f"{PATH}/{layer}?hur=conflict", 303)
    return RedirectResponse(f"{PATH}/{layer}?hur=removed", 303)


async def _sought(request: Request, principal: Principal, layer: str, code: str) -> tuple[Sheet | None, Feature | None]:
    """The layer and the surface of a code, which a new one has not yet; nothing where there is none of that code."""
    found = await drawing.sheet(request.app.state.database, principal.kommun, layer)
    feature = None if found is None else found.feature(code)
    return (None, None) if feature is None and code != NEW else (found, feature)


def _made(form: Filled, found: Sheet, code: str, kommun: str, layers: Layers) -> tuple[Feature | None, dict[str, str]]:
    """The surface that the form describes, or None and what is wrong, by field."""
    name = " ".join(form.name.split())
    try:
        surface = corners.read(form.corners)
    except BadCorners as bad:
        return None, {"corners": text(f"layers.{bad.what}", line=bad.line)}
    if not name:
        return None, {"name": text("layers.name_missing")}
    if _elsewhere(surface, kommun, layers):
        return None, {"corners": text("layers.mostly_outside")}
    before = found.feature(code)
    own = drawing.free_code(name, found) if before is None else code
    made = Feature(own, name, surface, " ".join(form.environment.split()), " ".join(form.owner.split()))
    return drawing.with_surface(before, made), {}


def _elsewhere(surface: Any, kommun: str, layers: Layers) -> bool:
    """Whether most of a surface lies outside the municipality."""
    if kommun not in layers.kommuner:
        return False
    return bool(surface.intersection(layers.kommun_polygon(kommun)).area < surface.area / 2)


async def _begun(request: Request, principal: Principal, helped: Help) -> tuple[Any | None, dict[str, str]]:
    """The surface that was asked to begin with, and what was wrong with what was asked."""
    state = request.app.state
    if helped.adress.strip():
        _, loaded = await own_and_loaded(state.database, state.atlas, state.geocoders, principal.kommun)
        quoted = f"”{helped.adress.strip()}”"
        choices = reviewing.looked_up(helped.adress.strip(), loaded)
        if not choices:
            return None, {"address": text("layers.address_none", what=quoted)}
        if len(choices) > 1 and choices[0].confidence == choices[1].confidence:
            return None, {"address": text("layers.address_several", what=quoted)}
        return corners.around(choices[0].e, choices[0].n, helped.radie), {}
    layer, _, code = helped.kopia.partition(":")
    if not code:
        return None, {}
    return await _copied(request, principal, layer, code), {}


async def _copied(request: Request, principal: Principal, layer: str, code: str) -> Any | None:
    """Another area's surface: of a shipped layer of the own municipality, or of an own layer."""
    layers: Layers = request.app.state.layers
    if layer == "regso":
        return layers.regso_polygon(code)
    other = await drawing.sheet(request.app.state.database, principal.kommun, layer)
    feature = None if other is None else other.feature(code)
    return None if feature is None else feature.geometry


async def _form(request: Request, principal: Principal, shown: Shown) -> Response:
    found, code, wrong = shown.sheet, shown.code, shown.wrong
    layers: Layers = request.app.state.layers
    feature = found.feature(code)
    near = [feature.geometry] if feature is not None else [f.geometry for f in found.features]
    with suppress(BadCorners):
        near = [corners.read(shown.filled.corners)]
    address = f"{PATH}/{found.layer}/ytor.geojson?v={found.edition}"
    copies = [(f"regso:{a.code}", a.name) for a in layers.areas("regso", principal.kommun)]
    for other in await drawing.listed(request.app.state.database, principal.kommun):
        sheet = await drawing.sheet(request.app.state.database, principal.kommun, other.layer)
        copies += [(f"{other.layer}:{f.code}", f"{f.name} ({other.title})") for f in (sheet.features if sheet else ())]
    heading = text("layers.edit_new") if feature is None else text("layers.edit_title", name=feature.name)
    context = frame(principal, PATH) | {
        "sheet": found,
        "code": code,
        "heading": heading,
        "filled": shown.filled,
        "wrong": wrong,
        "helped": shown.helped,
        "copies": sorted(copies, key=lambda pair: pair[1].lower()),
        "exists": feature is not None,
        "map_settings": livemap.shapes(address, box_of(near), leave_out=code),
    }
    return page("geo/surface.html", context, 422 if wrong else 200)
