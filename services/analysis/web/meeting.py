"""The lägesbild on the wall, one thing per screen in the order of the agenda; and two periods beside each other.

Each screen has its address, so that it works without script; keys are links that ``wall.js`` follows.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from services.analysis.domain.comparison import Comparison, Difference, between
from services.analysis.gateways import Geometry
from services.analysis.store import pictures as store
from services.analysis.store.pictures import Version
from services.analysis.web import picture_words
from services.analysis.web.access import message, missing, writes
from services.analysis.web.pictures import NOTHING, PATH, assessment, named, newest, readable
from services.pages import charts, maps
from services.pages.frame import frame
from services.pages.labels import place_label, type_label, upper_first
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import short_day, whole
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
AGENDA = ("since", "findings", "map", "open", "coming", "assessment")
MOST_ROWS = 8
PRELIMINARY = 0.05
"""From this share of late reports on it is said that a period is not settled."""


@router.get(PATH + "/{number}/mote")
async def meeting(request: Request, principal: Visitor, number: str) -> Response:
    """One screen: ``steg`` from 1."""
    version = await readable(request, principal, number)
    if isinstance(version, Response):
        return version
    geometry: Geometry = request.app.state.geometry
    outlines = await geometry.outlines("regso", principal.kommun, token_of(request) or "")
    features = [] if outlines is None else outlines["features"]
    names = await named(request, version, features)
    body = NOTHING | dict(await assessment(request, principal, version))
    told = picture_words.told(version.document, names, body["hidden"])
    earlier = await _earlier(request, principal, version)
    screens = _screens(told)
    asked = request.query_params.get("steg", "1")
    at = min(max(1, int(asked) if asked.isdecimal() and len(asked) < 4 else 1), len(screens))
    step, which = screens[at - 1]
    finding = told["findings"][which] if step == "findings" and told["findings"] else None
    context = frame(principal, PATH) | {
        "told": told,
        "version": version,
        "body": body,
        "agenda": [(text(f"meeting.step_{s}"), s == step, _first(screens, s)) for s in AGENDA],
        "step": step,
        "finding": finding,
        "bar": None
        if finding is None
        else charts.interval_bar(finding["seen"], finding["low"], finding["high"], finding["expected"]),
        "nth": which + 1,
        "before": at - 1 if at > 1 else None,
        "after": at + 1 if at < len(screens) else None,
        "last": len(screens),
        "compared": None if earlier is None else _compared(await _between(request, principal, earlier, version), names),
        "earlier": None if earlier is None else earlier.number,
        "drawing": _wall_map(features, version.document, finding),
        "chosen_area": None if finding is None else finding["area"],
        "states": told["states"][:MOST_ROWS],
        "coming": told["coming"][:MOST_ROWS],
    }
    context["invented"] = context["invented"] or version.document["invented"]
    return page("analysis/meeting.html", context)


def _screens(told: Mapping[str, Any]) -> list[tuple[str, int]]:
    """(step of the agenda, which of its things) for every screen, in order."""
    findings = [("findings", i) for i in range(max(1, len(told["findings"])))]
    return [("since", 0), *findings, *((step, 0) for step in AGENDA[2:])]


def _first(screens: list[tuple[str, int]], step: str) -> int:
    return 1 + next(i for i, (name, _) in enumerate(screens) if name == step)


async def _others(request: Request, principal: Principal, number: str) -> list[str]:
    """The numbers of the other pictures that this reader may see, the latest first."""
    database: Database = request.app.state.database
    async with database.transaction(principal.kommuner) as connection:
        found = await store.states_of(connection, principal.kommun)
    return [n for n, state in found if n != number and (state == "adopted" or writes(principal))]


async def _earlier(request: Request, principal: Principal, version: Version) -> Version | None:
    """The newest picture that this reader may see of a period that was over before this one began.

    After a change of the rule the one just before may share days with it: the same reports are no comparison.
    """
    for number in await _others(request, principal, version.number):
        if number < version.number:
            found = await newest(request, principal, number)
            if found is not None and found.document["last"] < version.document["first"]:
                return found
    return None


async def _hidden(request: Request, principal: Principal, version: Version) -> frozenset[str]:
    """The findings that somebody hid."""
    return frozenset((await assessment(request, principal, version)).get("hidden", {}))


async def _between(request: Request, principal: Principal, earlier: Version, later: Version) -> Comparison:
    hidden = (await _hidden(request, principal, earlier), await _hidden(request, principal, later))
    return between(earlier.document, later.document, hidden)


def _wall_map(
    features: list[Any], document: Mapping[str, Any], finding: Mapping[str, Any] | None
) -> maps.Drawing | None:
    """The drawing that shows most: the town where there is one, unless the finding's area is outside it."""
    counts = {a["area"]: float(a["now"]) for a in document["areas"]}
    drawn = maps.draw(features, counts)
    if not drawn:
        return None
    wanted = finding["area"] if finding is not None else ""
    holding = [d for d in reversed(drawn) if not wanted or any(s.code == wanted and s.labelled for s in d.shapes)]
    chosen = holding[0] if holding else drawn[0]
    chosen.caption = text("meeting.map_caption", caption=chosen.caption)
    return chosen


def _line(row: Difference, names: Mapping[str, str]) -> dict[str, Any]:
    name = place_label(row.area, names) if row.area else type_label(row.kind)
    return {"name": upper_first(name), "then": row.then, "now": row.now, "word": row.word}


def _compared(found: Comparison, names: Mapping[str, str]) -> dict[str, Any]:
    def said(keys: tuple[tuple[str, str], ...]) -> list[str]:
        return [upper_first(f"{type_label(kind)}, {place_label(area, names)}") for area, kind in keys]

    return {
        "total": {"then": found.total.then, "now": found.total.now, "word": found.total.word},
        "areas": [_line(row, names) for row in found.areas],
        "kinds": [_line(row, names) for row in found.kinds],
        "came": said(found.came),
        "stayed": said(found.stayed),
        "went": said(found.went),
    }


@router.get(PATH + "/{number}/jamfor")
async def compared(request: Request, principal: Visitor, number: str) -> Response:
    """A picture beside an earlier one: the one before, or ``med`` in the address."""
    version = await readable(request, principal, number)
    if isinstance(version, Response):
        return version
    asked = request.query_params.get("med")
    other = await (readable(request, principal, asked) if asked else _earlier(request, principal, version))
    if other is None:
        return missing(principal)
    if isinstance(other, Response):
        return other
    earlier, later = sorted((version, other), key=lambda v: v.document["first"])
    if later.document["first"] <= earlier.document["last"]:
        return message(principal, PATH, text("meeting.overlap"), None, 422)
    late: float = max(v.document["preliminary"] for v in (earlier, later))
    geometry: Geometry = request.app.state.geometry
    names = later.document.get("names") or await geometry.names("regso", token_of(request) or "")
    context = frame(principal, PATH) | {
        "compared": _compared(await _between(request, principal, earlier, later), names),
        "earlier": _headed(earlier),
        "later": _headed(later),
        "number": number,
        "other": other.number,
        "options": await _others(request, principal, number),
        "preliminary": whole(round(100 * late)) if late >= PRELIMINARY else None,
    }
    context["invented"] = context["invented"] or later.document["invented"]
    return page("analysis/compared.html", context)


def _headed(version: Version) -> dict[str, str]:
    first, last = (date.fromisoformat(version.document[edge]) for edge in ("first", "last"))
    return {"number": version.number, "span": f"{short_day(first)}–{short_day(last)}"}
