"""The list of areas, types and places, with what they had lately: the way to their cards."""

from dataclasses import replace
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from schemas.taxonomy import current
from services.analysis.api.counts import EXACT
from services.analysis.domain.selection import Selection, reports
from services.analysis.gateways import Geometry
from services.analysis.handlers import judging
from services.analysis.web import beside
from services.analysis.web.beside import PATH, REGSO
from services.analysis.web.overview import wanted
from services.pages.frame import frame
from services.pages.render import page
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)


async def ask(database: Database, kommun: str, chosen: Selection) -> judging.Table:
    """What the database says of all areas and types, and what that bears."""
    return await judging.table(database, kommun, chosen, ["area", "type"])


@router.get(PATH)
async def listed(request: Request, principal: Visitor) -> Response:
    """Every area, place and type, with what they had lately."""
    chosen = wanted(request, principal, PATH)
    if isinstance(chosen, Response):
        return chosen
    token = token_of(request) or ""
    geometry: Geometry = request.app.state.geometry
    database: Database = request.app.state.database
    judged = await ask(database, principal.kommun, chosen)
    by_area, by_type = (beside.counted(judged.counts[name]) for name in ("area", "type"))
    known = await geometry.own_areas(principal.kommun, token) or {}
    places = [
        (layer["title"], [(a["name"], f"{PATH}/{layer['layer']}/{quote(a['area'])}") for a in found])
        for layer in await geometry.layers(token) or ()
        if layer["kind"] == "places" and (found := await geometry.areas(layer["layer"], token))
    ]
    when = beside.when(request, chosen)
    rows = [
        beside.row(name, f"{PATH}/{REGSO}/{code}{when}", by_area.get(code, (0, 0)), replace(chosen, areas=(code,)))
        | {"judged": judged.areas[code]}
        for code, name in known.items()
    ]
    kinds = [one | {"judged": judged.kinds[one["code"]]} for one in beside.kinds(by_type, when, chosen)]
    context = frame(principal, PATH) | {
        "chosen": chosen,
        "total": round(reports(sum(now for now, _ in judged.counts["area"].values()))),
        "rows": sorted(rows, key=beside.most),
        "kinds": kinds,
        "groups": [(g.label, f"/typer/{g.code}") for g in current().groups if g.kind in {"event", "state"}],
        "places": places,
        "exact": principal.may(*EXACT),
    }
    return page("analysis/areas.html", context)
