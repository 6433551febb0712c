"""HTTP in: text to place, point to address, help while typing, and the names that a phone keeps for offline use."""

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from schemas.locations import Precision
from services.geo.domain import coordinates, crs, publishing
from services.geo.domain.geocoding.answers import Answer, Candidate
from services.geo.domain.geocoding.hints import Point
from services.geo.domain.geocoding.places import Place
from services.geo.domain.geocoding.register import Street
from services.geo.domain.geocoding.suggesting import suggest
from services.geo.registers.loading import Loaded, of_one
from services.runtime.http import Caller
from services.runtime.problems import Problem
from services.runtime.rates import Rate
from services.runtime.tokens import Principal

LONGEST = 300
"""Characters of a text that is looked up; a report's place has at most 120."""
MOST_TEXTS = 500
REVERSE_METRES = 500.0
router = APIRouter(prefix="/v1", tags=["geocoding"])
OneText = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Text = Annotated[str, Query(min_length=1, max_length=LONGEST)]
Degrees = Annotated[float | None, Query(ge=-180, le=180)]


class CandidateOut(BaseModel):
    """One place: WGS84 degrees and EPSG:3006 metres; the true place is within ``radius_m``."""

    label: str
    precision: Precision
    lon: float
    lat: float
    e: float
    n: float
    radius_m: float
    confidence: float
    district: str
    area: str | None
    source: str
    vintage: str


class AnswerOut(BaseModel):
    """What a text names. ``found``: the first candidate is it; ``ambiguous`` and ``suggested``: a person settles."""

    outcome: Literal["found", "ambiguous", "suggested", "none"]
    matched: str
    notes: tuple[str, ...]
    candidates: list[CandidateOut]


class AddressOut(BaseModel):
    """The address nearest to a point."""

    label: str
    distance_m: float
    lon: float
    lat: float
    e: float
    n: float
    source: str
    vintage: str


class TextsIn(BaseModel):
    """Many texts at once."""

    texts: Annotated[list[OneText], Field(min_length=1, max_length=MOST_TEXTS)]


class Typed(BaseModel):
    """What was typed so far, and where the one who types is."""

    q: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    limit: Annotated[int, Field(ge=1, le=20)] = 8
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-180, le=180)] = None


async def _loaded(request: Request, principal: Principal, cost: int = 1) -> Loaded:
    """The geocoder of the caller's municipality; 429 when the client asks too often."""
    rate: Rate = request.app.state.lookups_rate
    await rate.count(principal.subject, cost=cost)
    state = request.app.state
    return await of_one(state.database, state.atlas, state.geocoders, principal.kommun)


def _near(lon: float | None, lat: float | None) -> Point | None:
    """The sender's point; a half one or one that cannot be is refused."""
    if lon is None and lat is None:
        return None
    if lon is None or lat is None or not crs.possible(lon, lat, crs.WGS84):
        raise Problem(422, "bad-point", "Punkten går inte att använda. Ange både lon och lat i grader (WGS84).")
    e, n = crs.to_sweref(np.array([lon]), np.array([lat]), crs.WGS84)
    if not (np.isfinite(e[0]) and np.isfinite(n[0])):
        raise Problem(422, "bad-point", "Punkten går inte att använda. Ange både lon och lat i grader (WGS84).")
    return Point(float(e[0]), float(n[0]))


def _degrees(e: float, n: float) -> tuple[float, float]:
    lon, lat = crs.to_wgs84(np.array([e]), np.array([n]))
    return round(float(lon[0]), 6), round(float(lat[0]), 6)


def _out(candidate: Candidate) -> CandidateOut:
    lon, lat = _degrees(candidate.e, candidate.n)
    return CandidateOut(
        label=candidate.label,
        precision=candidate.precision,
        lon=lon,
        lat=lat,
        e=candidate.e,
        n=candidate.n,
        radius_m=candidate.radius_m,
        confidence=candidate.confidence,
        district=candidate.district,
        area=candidate.area,
        source=candidate.source,
        vintage=candidate.vintage,
    )


def _answer(answer: Answer) -> AnswerOut:
    return AnswerOut(
        outcome=answer.outcome,
        matched=answer.matched,
        notes=answer.notes,
        candidates=[_out(c) for c in answer.candidates],
    )


def _find(loaded: Loaded, text: str, near: Point | None) -> Answer:
    """What a text names: coordinates that stand in it, else a place of the municipality."""
    written = coordinates.read(text)
    if written is None:
        return loaded.geocoder.find(text, near)
    e, n = (float(v[0]) for v in crs.to_sweref(np.array([written.x]), np.array([written.y]), written.crs))
    point = Candidate(text.strip(), "gps", round(e, 1), round(n, 1), written.radius_m, 1.0, "", "")
    return Answer("found", (point,), text.strip())


@router.get("/geocode")
async def geocode(
    request: Request, principal: Caller, text: Text, lon: Degrees = None, lat: Degrees = None
) -> dict[str, Any]:
    """The place that a text names in the caller's municipality, with every candidate where it may be several."""
    near = _near(lon, lat)
    loaded = await _loaded(request, principal)
    answer = _answer(_find(loaded, text, near))
    return answer.model_dump() | {"register": loaded.version, "credit": loaded.credit}


@router.post("/geocode")
async def geocode_many(request: Request, principal: Caller, body: TextsIn) -> dict[str, Any]:
    """The same for up to 500 texts, answered in their order; they count as that many calls."""
    loaded = await _loaded(request, principal, cost=len(body.texts))

    def all_of_them() -> list[dict[str, Any]]:
        return [_answer(_find(loaded, text, None)).model_dump() for text in body.texts]

    answers = await run_in_threadpool(all_of_them)  # up to two seconds for texts made to be slow
    return {"answers": answers, "register": loaded.version, "credit": loaded.credit}


@router.get("/reverse")
async def reverse(request: Request, principal: Caller, lon: float, lat: float) -> dict[str, Any]:
    """The nearest address of the caller's municipality within 500 m, and the area; null for what is not there."""
    near = _near(lon, lat)
    loaded = await _loaded(request, principal)
    register = loaded.geocoder.register
    found = None if near is None else register.nearest(near.e, near.n, REVERSE_METRES)
    address = None
    if found is not None:
        e, n = register.e[found.row], register.n[found.row]
        at = _degrees(e, n)
        address = AddressOut(
            label=register.label(found.row),
            distance_m=round(found.distance_m, 1),
            lon=at[0],
            lat=at[1],
            e=e,
            n=n,
            source=register.source,
            vintage=register.vintage,
        ).model_dump()
    return {
        "address": address,
        "area": publishing.locate(lon, lat, request.app.state.layers),
        "register": loaded.version,
        "credit": loaded.credit,
    }


@router.get("/suggest")
async def suggestions(
    request: Request,
    principal: Caller,
    query: Annotated[Typed, Query()],
) -> dict[str, Any]:
    """Addresses, streets and places that begin with what was typed, nearest first where there is a point."""
    near = _near(query.lon, query.lat)
    loaded = await _loaded(request, principal)
    found = suggest(loaded.geocoder, query.q, query.limit, near)
    return {"suggestions": [_out(c).model_dump() for c in found], "credit": loaded.credit}


@router.get("/names")
async def names(request: Request, response: Response, principal: Caller) -> Any:
    """All street and place names of the municipality with a point each, small enough for a phone to keep."""
    loaded = await _loaded(request, principal)
    geocoder = loaded.geocoder
    tag = (
        '"'
        + hashlib.sha256(f"{principal.kommun} {loaded.number} {loaded.layers} {loaded.taught}".encode()).hexdigest()[
            :16
        ]
        + '"'
    )
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    streets = geocoder.register.streets
    places = geocoder.places.all
    named: list[Street | Place] = [*streets, *places]
    lon, lat = crs.to_wgs84(np.array([x.e for x in named]), np.array([x.n for x in named]))
    points = zip(named, lon.round(4).tolist(), lat.round(4).tolist(), strict=True)
    listed = [[x.name, x_lon, x_lat] for x, x_lon, x_lat in points]
    return {
        "register": loaded.version,
        "credit": loaded.credit,
        "streets": listed[: len(streets)],
        "places": listed[len(streets) :],
    }
