"""Cards as pages: one for each area, place and type; every number opens its reports."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from services.analysis.domain.picture import in_blocks
from services.analysis.domain.selection import EARLIEST, BadSelection, Selection, reports
from services.analysis.gateways import Geometry
from services.analysis.handlers.carding import Card, Carding, began, days_open, year_before
from services.analysis.handlers.place_cards import place_card
from services.analysis.statistics.counts import Interval, garwood
from services.analysis.store.cards import Subject
from services.analysis.views import SWEDEN
from services.analysis.web import beside, picture_words
from services.analysis.web.access import denied, message, missing, reads, writes
from services.analysis.web.behind import row_of
from services.analysis.web.beside import PATH, REGSO
from services.analysis.web.card_sheets import FILES, file_of
from services.analysis.web.hours import blocks, rhythm
from services.analysis.web.keeping import kept
from services.analysis.web.labels import KIND, outer_rings
from services.analysis.web.overview import read_selection
from services.pages import charts, maps
from services.pages.frame import frame
from services.pages.labels import place_label, type_label, upper_first
from services.pages.render import page
from services.pages.texts import text
from services.pages.writing import decimal, full_day, whole
from services.runtime import read_log
from services.runtime.database import Database
from services.runtime.http import Visitor, token_of
from services.runtime.tokens import Principal

router = APIRouter(include_in_schema=False)
PRELIMINARY_DAYS = 7
"""So long after its last day a period is drawn as not settled: reports come late."""
_MARKED = 5
"""The colour class of a place in its area."""
LayerName = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,32}$")]


@router.get(PATH + "/{layer}/{area}")
async def area(request: Request, principal: Visitor, layer: LayerName, area: str) -> Response:
    """The card of an area, or of a named place."""
    if not reads(principal):
        return denied(principal)
    geometry, token = request.app.state.geometry, token_of(request) or ""
    known = await geometry.areas(layer, token)
    entry = next((a for a in known or () if a["area"] == area), None)
    if known is not None and (entry is None or entry["kommun"] not in {None, principal.kommun}):
        return missing(principal, PATH)
    names = {a["area"]: a["name"] for a in known or ()}
    if layer == REGSO:  # its numbers stand also while geo is away; another municipality's code has none here
        return await _card(request, principal, Subject(layer, area, ""), names, None)
    layers = await geometry.layers(token)
    if layers is None or entry is None:
        return message(principal, PATH, text("card.away"), text("card.away_more"), 503)
    place = UUID(entry["place_id"]) if any(o["layer"] == layer and o["kind"] == "places" for o in layers) else None
    return await _card(request, principal, Subject(layer, area, ""), names, place)


@router.get("/typer/{kind}")
async def kind(request: Request, principal: Visitor, kind: str) -> Response:
    """The card of a type or group in the whole municipality."""
    if not reads(principal):
        return denied(principal)
    if not KIND.match(kind):
        return missing(principal, PATH)
    geometry: Geometry = request.app.state.geometry
    names = await geometry.names(REGSO, token_of(request) or "")
    return await _card(request, principal, Subject(REGSO, "", kind), names, None)


async def _card(
    request: Request, principal: Principal, subject: Subject, names: Mapping[str, str], place: UUID | None
) -> Response:
    database: Database = request.app.state.database
    await read_log.note(database, principal, "reports", f"{request.url.path}?{request.url.query}", "follow_up")
    try:
        chosen = read_selection(request)
    except BadSelection as bad:
        return message(principal, PATH, str(bad), None, 422)
    carding: Carding = request.app.state.carding
    geometry: Geometry = request.app.state.geometry
    token = token_of(request) or ""
    if place is not None:
        card = await place_card(database, principal.kommun, subject, place, chosen)
        names = await geometry.names(REGSO, token) | dict(names)
        around = await geometry.outlines(REGSO, principal.kommun, token)
        drawings = _inside(around, await geometry.outlines(subject.layer, principal.kommun, token), card)
    else:
        card = await carding.card(principal.kommun, subject, chosen)
        drawings = _drawn(await geometry.outlines(subject.layer, principal.kommun, token), card)
    told = _told(card, names, place, (principal.kommun, beside.when(request, chosen)))
    if place is not None and (wanted := request.query_params.get("fil")) in FILES:
        return file_of(told, wanted)
    context = frame(principal, PATH) | told
    context |= await kept(request, principal)
    context |= {
        "drawings": drawings,
        "legend": () if place is not None else maps.LEGEND,
        "trend": _trend(card),
        "eyes": card.eyes[-1] if card.eyes and (writes(principal) or not card.looked_at) else None,
        "here": request.url.path,
    }
    context["invented"] = context["invented"] or card.invented
    return page("analysis/card.html", context)


def _told(card: Card, names: Mapping[str, str], place: UUID | None, links: tuple[str, str]) -> dict[str, Any]:
    """``place``: which named place, if it is one; ``links``: whose areas have cards, and the period in addresses."""
    subject, chosen, now, is_place = card.subject, card.chosen, card.now, place is not None
    before = card.periods[-2][1] if len(card.periods) > 1 else 0
    interval = garwood(now) if card.finding is None else card.finding.interval
    title = type_label(subject.kind) if subject.kind else place_label(subject.area, names)
    sort = "kind" if subject.kind else "place" if is_place else "area"
    return {
        "title": upper_first(title),
        "crumb": text(f"card.crumb_{sort}"),
        "code": subject.kind or subject.area,
        "chosen": chosen,
        "now": now,
        "before": before,
        "low": round(interval.low),
        "high": round(interval.high),
        "word": card.finding.word if card.finding is not None else "thin",
        "expected": (expected := card.finding.expected if card.finding is not None else None),
        **beside.so_far(expected, card.missing),
        "says": _says(card),
        "year": _beside_year(card),
        "eyes_title": text("card.eyes_in", area=place_label(card.looked_at, names)) if is_place else text("card.eyes"),
        "eyes_more": _eyes_more(card),
        "periods": [(day, n, _period(chosen, day)) for day, n in reversed(card.periods)],
        "usual": card.usual,
        "rhythm_weeks": card.rhythm_weeks,
        "blocks": blocks(),
        "rhythm": rhythm(counts := in_blocks(card.rhythm)),
        "rhythm_counts": counts,
        "rhythm_query": _weeks(card),
        "open": [_standing(event, chosen.last, names) for event in card.still_open],
        "open_count": card.open_count,
        "oldest": full_day(began(card.still_open[0])) if card.still_open else None,
        **_tables(card, names, links),
        "behind": [row_of(event, names) for event in card.behind],
        "count": card.count,
        "count_said": picture_words.many("reports", card.count),
        "query": "" if is_place else chosen.query(),
        "map_query": replace(chosen, areas=()).query(),
        "of_place": f"&plats={place}" if is_place else "",
    }


def _eyes_more(card: Card) -> str:
    said = {"before": whole(card.eyes[-2] if len(card.eyes) > 1 else 0), "zero": whole(card.zero_reports)}
    if card.appointed is None:
        return text("card.eyes_more", **said)
    return text("card.eyes_appointed", appointed=whole(card.appointed), **said)


def _weeks(card: Card) -> str:
    """The query of the same in the weeks of the rhythm, as far as there are days to choose."""
    first, last = (max(EARLIEST, day) for day in card.rhythm_days)
    return replace(card.chosen, first=first, last=last).query()


def _period(chosen: Selection, first: date) -> str:
    """The query of the same in the period that begins on this day; none before there are any days to choose."""
    if first < EARLIEST:
        return ""
    return replace(chosen, first=first, last=first + timedelta(days=chosen.days - 1)).query()


def _tables(card: Card, names: Mapping[str, str], links: tuple[str, str]) -> dict[str, Any]:
    """What stands beside each other: sources, areas where the card is not of one, types where it is not of one."""
    kind, chosen = card.subject.kind, card.chosen
    sources = beside.counted(card.sources).items()
    return {
        "sources": [beside.row(text(f"source.{s}"), "", n, replace(chosen, sources=(s,))) for s, n in sources],
        "areas": _beside(card, names, *links) if kind else [],
        "kinds": [] if len(kind) > 1 else beside.kinds(beside.counted(card.kinds), links[1], chosen),
    }


def _says(card: Card) -> str:
    """The finding in the words of the lägesbild, beside the reporters where they are known."""
    finding, days = card.finding, card.chosen.days
    if finding is None:
        return text("card.too_short")
    reports_said = picture_words.many("reports", finding.observed)
    if finding.word == "thin":
        return text("card.thin", count=reports_said)
    said = [text("picture.say", count=reports_said, days=str(days), expected=decimal(finding.expected))]
    if not finding.expected:
        return f"{said[0]} {text('picture.say_new')}"
    sure = "sure" if finding.word == "sure" else "unsure"
    said.append(text(f"picture.say_{sure}_{finding.direction}", times=decimal(finding.times), **_limits(finding.ratio)))
    if finding.adjusted is not None and finding.adjusted_ratio is not None:
        limits = _limits(finding.adjusted_ratio)
        said.append(text("picture.doubt_reporters", times=decimal(finding.adjusted), **limits))
    return " ".join(said)


def _beside_year(card: Card) -> dict[str, Any] | None:
    """The same weeks a year before, and how much more it is now; the number opens its reports."""
    year, now = card.year, card.now
    if year is None:
        return None
    said = ""
    if year.word != "thin" and year.then:
        said = text("card.year_times", times=decimal(now / year.then), **_limits(year.ratio))
    return {"then": year.then, "word": year.word, "said": said, "query": year_before(card.chosen).query()}


def _limits(ratio: Interval) -> dict[str, str]:
    high = text("picture.no_limit") if ratio.high == float("inf") else decimal(ratio.high)
    return {"low": decimal(ratio.low), "high": high}


def _standing(event: Mapping[str, Any], last: date, names: Mapping[str, str]) -> dict[str, Any]:
    return row_of(event, names) | {"days": days_open(event, last)}


def _beside(card: Card, names: Mapping[str, str], kommun: str, when: str) -> list[dict[str, Any]]:
    found = [
        beside.row(
            place_label(code, names),
            f"{PATH}/{REGSO}/{code}{when}" if code.startswith(kommun) else "",
            count,
            replace(card.chosen, areas=(code,)),
        )
        for code, count in beside.counted(card.areas).items()
    ]
    return sorted(found, key=beside.most)


def _drawn(outlines: Mapping[str, Any] | None, card: Card) -> list[maps.Drawing]:
    if outlines is None or not card.areas:
        return []
    counts = {code: float(reports(now)) for code, (now, _) in card.areas.items()}
    return maps.draw(outlines["features"], counts)


def _inside(around: Mapping[str, Any] | None, places: Mapping[str, Any] | None, card: Card) -> list[maps.Drawing]:
    """The place in the area that it lies in; nothing while geo is away, or where no report says which area that is."""
    areas = [f for f in (around or {}).get("features", ()) if f["id"] == card.looked_at]
    own = [f for f in (places or {}).get("features", ()) if f["id"] == card.subject.area]
    return maps.draw(areas, {}, [ring for f in own for ring in outer_rings(f, _MARKED)]) if areas and own else []


def _trend(card: Card) -> dict[str, Any] | None:
    if len(card.periods) < 3:
        return None
    values = [(day, float(n)) for day, n in card.periods]
    band = None if card.usual is None else (float(card.usual[0]), float(card.usual[1]))
    recent = card.chosen.last >= datetime.now(UTC).astimezone(SWEDEN).date() - timedelta(days=PRELIMINARY_DAYS)
    low, high = (round(f([v for _, v in values[:-1]])) for f in (min, max))
    return {
        **charts.both(values, last_is_partial=recent, band=band),
        "recent": recent,
        "label": text("card.trend_label", low=str(low), high=str(high), last=str(card.now)),
    }
