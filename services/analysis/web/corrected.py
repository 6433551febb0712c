"""What an adopted lägesbild would say today, beside what was adopted: all that later corrections would change."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from services.analysis.domain.corrections import Changed
from services.analysis.gateways import Geometry
from services.analysis.handlers.correcting import Correcting
from services.analysis.web import picture_words
from services.analysis.web.access import missing
from services.analysis.web.pictures import PATH, readable
from services.pages.frame import frame
from services.pages.labels import place_label, type_label, upper_first
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import decimal, whole
from services.runtime.http import Visitor, token_of

router = APIRouter(include_in_schema=False)
PARTS = ("totals", "findings", "areas", "places", "kinds", "states", "sources", "reporters")
WORDS = {"sure", "unsure", "thin"}


@router.get(PATH + "/{number}/rattelser")
async def listed(request: Request, principal: Visitor, number: str) -> Response:
    """The page; a draft has none, it is written anew instead."""
    version = await readable(request, principal, number)
    if isinstance(version, Response):
        return version
    if version.state != "adopted":
        return missing(principal, PATH)
    correcting: Correcting = request.app.state.correcting
    found = await correcting.everything(principal.kommun, version)
    geometry: Geometry = request.app.state.geometry
    now = await geometry.spoken_of(token_of(request) or "", version.document)
    names = now | version.document["names"]  # what was adopted is called what it was called then
    parts = [(part, [_line(one, names) for one in found if one.part == part]) for part in PARTS]
    context = frame(principal, PATH) | {
        "number": number,
        "parts": [(text(f"corrected.{part}"), part, rows) for part, rows in parts if rows],
    }
    context["invented"] = context["invented"] or version.document["invented"]
    return page("analysis/corrected.html", context)


def _line(one: Changed, names: Mapping[str, str]) -> dict[str, Any]:
    row = one.row
    said = [text(f"source.{row['source']}")] if "source" in row else []
    said += [type_label(row["kind"])] if "kind" in row else []
    said += [place_label(row["area"], names)] if "area" in row else []
    said += [picture_words.named(row["place"], names)] if "place" in row else []
    return {
        "about": upper_first(", ".join(said)) if said else "",
        "what": text(f"corrected.what_{one.what}"),
        "adopted": _said(one, one.adopted),
        "today": _said(one, one.today),
    }


def _said(one: Changed, value: str | float | None) -> str:
    if value is None and one.part == "findings":
        return text("corrected.no_finding")
    if value is None:
        return "–" if one.what in {"expected", "word", "year_before"} else "0"
    if isinstance(value, str):
        return text(f"overview.{value}") if value in WORDS else value
    return whole(value) if isinstance(value, int) else decimal(value)
