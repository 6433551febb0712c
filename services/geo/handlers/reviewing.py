"""Review: what waits, the candidates of one report, a person's choice, and taking it back.

The choice is stored and the working process places the report by it: geo's placements have one writer.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID, uuid4

import numpy as np

from schemas.locations import Precision
from services.geo.domain import coordinates, crs
from services.geo.domain.deciding import Decision, Kind, place_key
from services.geo.domain.geocoding.answers import Candidate
from services.geo.domain.geocoding.hints import Point
from services.geo.domain.reading import Coordinates, Report, read_stored
from services.geo.layers.shipped import Layers
from services.geo.registers.loading import Loaded
from services.geo.store import replacings
from services.geo.store import review as store
from services.geo.store.review import UNDONE, Decided, Taught
from services.runtime.database import Database

MOST_WAITING = 50
MOST_CANDIDATES = 9
"""One for each key."""


class Choice(NamedTuple):
    """One place that a report may be at. E and N in EPSG:3006, metres."""

    label: str
    e: float
    n: float
    precision: Precision
    radius_m: float
    confidence: float | None
    kind: Kind = "point"


class Case(NamedTuple):
    """A report that waits for a person."""

    report: Report
    why: str
    at: datetime


async def waiting(database: Database, kommun: str) -> tuple[list[Case], int]:
    """The newest cases, and how many there are (counted up to a thousand)."""
    async with database.transaction((kommun,)) as connection:
        rows = await store.waiting(connection, kommun, MOST_WAITING)
        count = len(rows) if len(rows) < MOST_WAITING else await store.count(connection, kommun)
    return [Case(read_stored(row.event), row.why, row.placed_at) for row in rows], count


def choices(case: Case, loaded: Loaded, layers: Layers) -> list[Choice]:
    """The candidates, likeliest first: the sender's own point, what the text may mean, systems that would fit."""
    given, text = case.report.place.coordinates, case.report.place.text
    found: list[Choice] = []
    near = _point(given, given.crs) if given is not None and given.crs in crs.KNOWN else None
    if near is not None and case.why in {"text_conflict", "default_point"} and given is not None:
        found.append(Choice("", near.e, near.n, "gps", given.accuracy_m or 25.0, None, "as_is"))
    if given is not None and case.why in {"elsewhere", "coordinates"}:
        found += _by_other_systems(given, case.report.kommun, layers)
    if text is not None:
        found += looked_up(text, loaded, near)
    return found[:MOST_CANDIDATES]


def looked_up(text: str, loaded: Loaded, near: Point | None = None) -> list[Choice]:
    """What a text may mean: coordinates that stand in it, else the geocoder's candidates."""
    written = coordinates.read(text)
    if written is not None:
        at = _point(Coordinates(x=written.x, y=written.y), written.crs)
        return [] if at is None else [Choice(text.strip(), at.e, at.n, "gps", max(5.0, written.radius_m), None)]
    found = loaded.geocoder.find(text, near).candidates or loaded.geocoder.guesses(text)
    return [_choice(c) for c in found[:MOST_CANDIDATES]]


def _choice(candidate: Candidate) -> Choice:
    """A candidate to choose. A locality or an area is confirmed as that: it must not become an exact point."""
    label = f"{candidate.label}, {candidate.district}" if candidate.district else candidate.label
    rough = candidate.area is not None or candidate.precision in {"locality", "postort"}
    kind: Kind = "as_is" if rough else "point"
    at = (candidate.e, candidate.n, candidate.precision, candidate.radius_m, candidate.confidence)
    return Choice(label, *at, kind)


def _by_other_systems(given: Coordinates, kommun: str, layers: Layers) -> list[Choice]:
    """Where the numbers would lie in the municipality, if the sender meant another system than was said."""
    found = []
    for system in layers.fitting_systems(np.array([given.x]), np.array([given.y]), kommun):
        at = _point(given, system)
        if at is not None:
            found.append(Choice(system, at.e, at.n, "gps", given.accuracy_m or 25.0, None))
    return found


def _point(given: Coordinates, system: str) -> Point | None:
    x, y = crs.upright(np.array([given.x]), np.array([given.y]), system)
    e, n = crs.to_sweref(x, y, system)
    return Point(float(e[0]), float(n[0])) if np.isfinite(e[0]) and np.isfinite(n[0]) else None


async def case(database: Database, kommun: str, report: UUID) -> Case | None:
    """One report, waiting or not."""
    async with database.transaction((kommun,)) as connection:
        row = await store.one(connection, kommun, report)
    return None if row is None else Case(read_stored(row.event), row.why, row.placed_at)


async def settle(database: Database, found: Case, chosen: Choice | None, *, by: str, learn: str | None) -> None:
    """Keep a person's choice, None for "none of them", and ask for the report to be placed by it.

    ``learn``: a name that the municipality uses for the chosen point from now on.
    """
    kind: Kind = "nowhere" if chosen is None else chosen.kind
    decision = Decision(kind)
    if chosen is not None:
        decision = Decision(kind, chosen.e, chosen.n, chosen.precision, chosen.radius_m)
    label = "" if chosen is None else chosen.label
    await _decide(database, found.report, decision, label=label, by=by, learn=learn)


async def undo(database: Database, found: Case, *, by: str) -> None:
    """Take the choice back: the report is placed as if nobody had decided."""
    await _decide(database, found.report, Decision(UNDONE), label="", by=by, learn=None)  # type: ignore[arg-type]  # no kind of decision


async def _decide(
    database: Database, report: Report, decision: Decision, *, label: str, by: str, learn: str | None
) -> None:
    kommun, ident = report.kommun, report.report_id
    async with database.transaction((kommun,)) as connection:
        decided = Decided(place_key(report.place), decision)
        await store.decide(connection, kommun, ident, decided, label=label[:120], by=by)
        if learn and decision.kind == "point":
            taught = Taught(learn[:120], decision.e, decision.n, decision.radius_m or 50.0)
            await store.teach(connection, kommun, taught)
        if decision.kind == UNDONE and report.place.text is not None:
            known = {t.name.lower(): t for t in await store.names(connection, kommun)}
            if (taken_back := known.get(report.place.text[:120].lower())) is not None:
                await store.teach(connection, kommun, taken_back, forgotten=True)
        await replacings.ask(
            connection, kommun, uuid4(), scope=str(ident), reason="a person's choice", at=datetime.now(UTC)
        )


def digest(found: Case, offered: Sequence[Choice]) -> str:
    """Of the place and the candidates as they are shown: a choice among others than these is no choice."""
    shown = [(c.label, c.e, c.n, c.precision, c.kind) for c in offered]
    return blake2b(f"{place_key(found.report.place)} {shown}".encode(), digest_size=8).hexdigest()


def ranked(found: Sequence[Case], report: UUID | None) -> tuple[Case | None, UUID | None, UUID | None]:
    """The case to show, and those before and after it."""
    ids = [c.report.report_id for c in found]
    at = ids.index(report) if report in ids else 0
    if not found:
        return None, None, None
    before = ids[at - 1] if at > 0 else None
    after = ids[at + 1] if at + 1 < len(ids) else None
    return found[at], before, after
