"""Where a report is: pure decisions over a batch, from what the sender gave to areas, cells and a reason."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import hypot
from typing import NamedTuple
from uuid import UUID

import numpy as np

from schemas.locations import Precision, UnplacedReason
from services.geo.domain import coordinates, crs
from services.geo.domain.deciding import Decision, without_questions
from services.geo.domain.geocoding.answers import Answer, Candidate
from services.geo.domain.reading import Coordinates, Report
from services.geo.domain.writing import AreaRef, PlaceRef, Point
from services.geo.layers.own import NO_LAYERS, Own
from services.geo.layers.shipped import Layers

NOBODYS: Mapping[str, Own] = {}
NOTHING_DECIDED: "Decisions" = {}
NO_DEFAULTS: Mapping[str, frozenset[tuple[float, float]]] = {}


USABLE = 0.6
"""Confidence below which a place read from a text is left for people to settle."""
CONFLICT_METRES = 200.0
"""Text and point this far apart, beyond the text's own radius, contradict each other (geo reference §7.1 rule 9)."""
BUFFER_METRES = 10_000.0
"""How far outside its municipality a point of a local zone may lie. Read in the wrong zone it still lands in some
kommun 99.7 times in a hundred (geo reference §5), so the sender's own is asked for."""
_ROUGH = frozenset({"locality", "postort"})
"""Precisions that tell the municipality and no area."""


class Settled(NamedTuple):
    """A placement without its number."""

    precision: Precision
    reason: UnplacedReason | None = None
    radius_m: float | None = None
    point: Point | None = None
    regso: str | None = None
    kommun: str | None = None
    lan: str | None = None
    confidence: float | None = None
    register_version: str | None = None
    notes: tuple[str, ...] = ()
    own: tuple[AreaRef, ...] = ()
    """Areas in the municipality's own layers and the national ones, one for each."""
    places: tuple[PlaceRef, ...] = ()

    def with_note(self, note: str) -> "Settled":
        """The same with one more note."""
        return self._replace(notes=(*self.notes, note))


class Read(NamedTuple):
    """What a municipality's addresses and names make of a text, and which register says so."""

    answer: Answer
    register_version: str | None


Reader = Callable[[str, str, tuple[float, float] | None], Read]
"""(municipality, text, where the sender was in EPSG:3006) → what the text says."""


class _Pointed(NamedTuple):
    """A point to look up: which report, the numbers, and what the answer says besides."""

    report: int
    x: float
    y: float
    precision: Precision
    radius_m: float | None
    read: Read | None = None
    decided: bool = False


Decisions = Mapping[tuple[str, UUID], Decision]
"""(municipality, report) → what a person decided about the place that it still has."""


def settle(
    reports: Sequence[Report],
    layers: Layers,
    reader: Reader,
    *,
    own: Mapping[str, Own] = NOBODYS,
    decisions: Decisions = NOTHING_DECIDED,
    defaults: Mapping[str, frozenset[tuple[float, float]]] = NO_DEFAULTS,
) -> list[Settled]:
    """Where each report is; all points in one bulk test.

    What a person decided wins, then coordinates, an area code, text.
    """
    given = [
        _decided(i, r, decisions[r.kommun, r.report_id], layers, reader)
        if (r.kommun, r.report_id) in decisions
        else _given(i, r, layers, reader)
        for i, r in enumerate(reports)
    ]
    answers = [g if isinstance(g, Settled) else Settled("none", "no_place") for g in given]
    by_crs: dict[str, list[_Pointed]] = defaultdict(list)
    for found in given:
        if not isinstance(found, Settled):
            by_crs[found[0]].append(found[1])
    for system, points in by_crs.items():
        for at, settled in zip(points, _look_up(system, points, layers), strict=True):
            report = reports[at.report]
            answers[at.report] = _checked(at, settled, report, layers, reader)
            point = settled.point
            if point is not None and at.precision == "gps" and (point.e, point.n) in defaults.get(report.kommun, ()):
                answers[at.report] = answers[at.report].with_note("default_point")
    for i, report in enumerate(reports if decisions else ()):
        if (report.kommun, report.report_id) in decisions:
            answers[i] = answers[i]._replace(notes=without_questions(answers[i].notes))
    return _in_own(reports, answers, own) if any(o != NO_LAYERS for o in own.values()) else answers


def _checked(
    at: _Pointed, settled: Settled, report: Report, layers: Layers, reader: Reader
) -> Settled:  # fmt: skip
    """A point that was looked up, held against the municipality and the text; not one that a person chose."""
    given = report.place.coordinates
    if at.decided:
        return settled
    if given is not None and given.crs in crs.ZONES and _elsewhere(settled, report.kommun, layers):
        return Settled("none", "elsewhere")
    return settled if at.read else _compared(settled, report, reader)


def _decided(
    i: int, report: Report, decision: Decision, layers: Layers, reader: Reader
) -> Settled | tuple[str, _Pointed]:
    """What a person decided; ``as_is`` lets the answer stand as it comes."""
    if decision.kind == "nowhere":
        return Settled("none", "not_found")
    if decision.kind == "as_is":
        return _given(i, report, layers, reader)
    at = _Pointed(i, decision.e, decision.n, decision.precision, decision.radius_m, decided=True)
    return crs.SWEREF99_TM, at


def _in_own(reports: Sequence[Report], settled: Sequence[Settled], own: Mapping[str, Own]) -> list[Settled]:
    """The same answers with the areas of the municipalities' own layers, and the named places around each point."""
    answers = list(settled)
    points: dict[str, list[int]] = defaultdict(list)
    for i, (report, answer) in enumerate(zip(reports, settled, strict=True)):
        mine = own.get(report.kommun, NO_LAYERS)
        if answer.point is not None and answer.reason is None:
            points[report.kommun].append(i)
        elif report.place.coordinates is None and report.place.area_code is not None:
            known = mine.by_code(report.place.area_code)
            if known is not None and answer.reason == "unknown_area":
                answers[i] = Settled("area", None, kommun=report.kommun, own=known)
            else:
                answers[i] = answer._replace(own=mine.nowhere)
        else:
            answers[i] = answer._replace(own=mine.nowhere)
    for kommun, indices in points.items():
        where = [(p.e, p.n) for i in indices if (p := settled[i].point) is not None]
        for i, (areas, places) in zip(indices, own.get(kommun, NO_LAYERS).look_up(where), strict=True):
            answers[i] = settled[i]._replace(own=areas, places=places)
    return answers


def _given(i: int, report: Report, layers: Layers, reader: Reader) -> Settled | tuple[str, _Pointed]:
    """What a report's place comes to: the answer, or a point to look up and its system."""
    place, point = report.place, report.place.coordinates
    if point is not None:
        reason = _refused(point)
        pointed = _Pointed(i, point.x, point.y, "gps", point.accuracy_m)
        return (point.crs, pointed) if reason is None else Settled("none", reason)
    if place.area_code is not None or place.text is None:
        return Settled("none", "no_place") if place.area_code is None else _by_code(place.area_code, layers)
    written = coordinates.read(place.text)
    if written is not None:
        return written.crs, _Pointed(i, written.x, written.y, "gps", written.radius_m)
    read = reader(report.kommun, place.text, None)
    found = _of_text(read, report.kommun, layers)
    if isinstance(found, Settled):
        return found
    return crs.SWEREF99_TM, _Pointed(i, found.e, found.n, found.precision, found.radius_m, read)


def _look_up(system: str, pointed: Sequence[_Pointed], layers: Layers) -> Iterator[Settled]:
    """The points of one system with their areas; axes that were swapped are put right and said so."""
    given_x, given_y = np.array([p.x for p in pointed]), np.array([p.y for p in pointed])
    x, y = crs.upright(given_x, given_y, system)
    turned = (x != given_x).tolist()
    e, n = crs.to_sweref(x, y, system)
    lon, lat = (x, y) if system == crs.WGS84 else crs.to_wgs84(e, n)
    finite = np.isfinite(e) & np.isfinite(n)
    found = layers.index.find(np.where(finite, e, 0.0), np.where(finite, n, 0.0)).tolist()
    rows = zip(pointed, finite.tolist(), turned, found, *(v.tolist() for v in (lon, lat, e, n)), strict=True)
    for at, real, was_turned, area_index, *numbers in rows:
        point = _point(*numbers) if real else None
        notes = ("axes_turned",) if was_turned else ()
        if area_index < 0 or point is None:
            yield Settled(at.precision, "outside_sweden", at.radius_m, point, notes=notes)
            continue
        area = layers.regso[area_index]
        settled = Settled(at.precision, None, at.radius_m, point, area.code, area.kommun, area.lan, notes=notes)
        yield settled if at.read is None else _said(settled, at.read)


def _said(settled: Settled, read: Read) -> Settled:
    """What was read from a text, with how sure it is and which register says so."""
    best = read.answer.candidates[0]
    return settled._replace(confidence=best.confidence, register_version=read.register_version, notes=read.answer.notes)


def _of_text(read: Read, kommun: str, layers: Layers) -> Settled | Candidate:
    """A candidate whose point must be looked up, or the answer that needs no point."""
    best = read.answer.best
    if best is None:
        unknown: UnplacedReason = "not_found" if read.register_version else "no_register"
        return Settled("none", "ambiguous" if read.answer.outcome == "ambiguous" else unknown)
    if best.confidence < USABLE and best.precision not in _ROUGH:
        return Settled("none", "ambiguous")
    if best.precision in _ROUGH:
        known = layers.kommuner.get(kommun)
        return _said(Settled(best.precision, None, kommun=kommun, lan=known.lan if known else None), read)
    if best.area is not None:
        return _said(_by_code(best.area, layers), read)
    return best


def _compared(settled: Settled, report: Report, reader: Reader) -> Settled:
    """The sender's point, kept; flagged when the text names a place that lies elsewhere."""
    if report.place.text is None or settled.point is None:
        return settled
    at = (settled.point.e, settled.point.n)
    best = reader(report.kommun, report.place.text, at).answer.best
    if best is None or best.precision in _ROUGH or best.area is not None or best.confidence < USABLE:
        return settled
    reach = CONFLICT_METRES + (best.radius_m if best.precision in {"street", "place"} else 0.0)
    if hypot(best.e - at[0], best.n - at[1]) > reach + (settled.radius_m or 0.0):
        return settled.with_note("text_conflict")
    return settled


def _elsewhere(settled: Settled, kommun: str, layers: Layers) -> bool:
    """Whether a point of a local zone or RT90 lies far from its municipality: its zone is another one than was said."""
    if settled.kommun == kommun or kommun not in layers.kommuner or settled.point is None:
        return False
    return layers.distance_to_kommun(kommun, settled.point.e, settled.point.n) > BUFFER_METRES


def _refused(given: Coordinates) -> UnplacedReason | None:
    """Why coordinates cannot be looked up."""
    if given.crs not in crs.KNOWN:
        return "unknown_crs"
    return None if crs.possible(given.x, given.y, given.crs) else "impossible_coordinates"


def _point(lon: float, lat: float, e: float, n: float) -> Point:
    """Rounded to what a phone can know: a decimetre."""
    return Point(round(lon, 6), round(lat, 6), round(e, 1), round(n, 1))


def _by_code(code: str, layers: Layers) -> Settled:
    if (area := layers.by_code.get(code)) is not None:
        return Settled("area", None, regso=area.code, kommun=area.kommun, lan=area.lan)
    if (kommun := layers.kommuner.get(code)) is not None:
        return Settled("kommun", None, kommun=kommun.code, lan=kommun.lan)
    if code in layers.lan:
        return Settled("lan", None, lan=code)
    return Settled("none", "unknown_area")
