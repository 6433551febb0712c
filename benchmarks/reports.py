"""Real-shaped reports: points inside the areas of real municipalities, a working week's types, some corrections.

Deterministic by seed. Shares (intervals, corrections, withdrawals, states) are those of a reporter's everyday as the
domain reference describes it; nothing here is a real event.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq
import shapely

from schemas.envelope import Envelope
from schemas.reports import ReportReceived
from schemas.topics import REPORT_RECEIVED
from schemas.values import Coordinates, PlaceAsGiven
from services.geo.domain.crs import to_wgs84
from services.runtime.publisher import Outgoing, message, type_of

TYPES = ("A1", "A1", "A1", "A2", "A3", "B1", "B1", "B2", "C1", "C2", "C4", "D1", "D2", "E1", "E1", "E2", "E3", "G2")
SOURCES = ("rapportor", "rapportor", "rapportor", "fastighetsbolag", "fastighetsbolag", "felanmalan")
START = datetime(2024, 1, 1, tzinfo=UTC)
A_DAY = 5
"""Reports of one municipality and day; they come in the order of time, a day or two late."""
POINTS = 400
"""Different points per municipality."""


@cache
def _places(kommuner: int) -> list[tuple[str, list[tuple[float, float]]]]:
    """(code, points in WGS84) of the municipalities with the most areas, so that 40 are real towns."""
    table = pq.read_table(str(resources.files("services.geo") / "data" / "regso_2025_full_3006.parquet"))
    codes = table["kommunkod"].to_pylist()
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    by_size = sorted(set(codes), key=lambda c: (-codes.count(c), c))[:kommuner]
    chance = np.random.default_rng(1)
    found = []
    for code in by_size:
        own = [s for s, c in zip(shapes, codes, strict=True) if c == code]
        eastings: list[float] = []
        northings: list[float] = []
        while len(eastings) < POINTS:
            area = own[int(chance.integers(len(own)))]
            west, south, east, north = area.bounds
            e, n = chance.uniform(west, east), chance.uniform(south, north)
            if shapely.intersects_xy(area, e, n):
                eastings.append(e)
                northings.append(n)
        lon, lat = to_wgs84(np.array(eastings), np.array(northings))
        found.append((code, [(round(float(x), 6), round(float(y), 6)) for x, y in zip(lon, lat, strict=True)]))
    return found


def codes(kommuner: int) -> list[str]:
    """The municipalities of the reports."""
    return [code for code, _ in _places(kommuner)]


def reports(count: int, *, kommuner: int = 40, seed: int = 1, written: Sequence[str] = ()) -> Iterator[Outgoing]:
    """``count`` messages of topic report-received; about one in thirty corrects one sent shortly before.

    With ``written`` places every fifth says where in one of these words instead of by coordinates.
    """
    chance = random.Random(seed)  # noqa: S311 - made-up reports
    places = _places(kommuner)
    recent: list[ReportReceived] = []
    for number in range(count):
        if recent and chance.random() < 0.033:
            before = recent[chance.randrange(len(recent))]
            report = before.model_copy(
                update={
                    "revision": before.revision + 1,
                    "withdrawn": chance.random() < 0.2,
                    "ongoing": False,
                    "time_to": before.time_to + timedelta(days=chance.randrange(3)),
                }
            )
        else:
            report = _report(chance, places, number / (A_DAY * kommuner), UUID(int=chance.getrandbits(128), version=4))
            if written and number % 5 == 0:
                report = report.model_copy(update={"place": PlaceAsGiven(text=chance.choice(written))})
        if len(recent) < 500:
            recent.append(report)
        else:
            recent[number % 500] = report
        envelope = Envelope(
            id=str(UUID(int=chance.getrandbits(128), version=4)),
            source="/lagesbild/ingest",
            type=type_of(REPORT_RECEIVED),
            time=report.minted_at,
            partitionkey=report.kommun,
            correlationid=f"{chance.getrandbits(64):016x}",
        )
        yield message(REPORT_RECEIVED, report, envelope)


def _report(
    chance: random.Random, places: list[tuple[str, list[tuple[float, float]]]], day: float, ident: UUID
) -> ReportReceived:
    kommun, points = places[chance.randrange(len(places))]
    lon, lat = points[chance.randrange(len(points))]
    begun = START + timedelta(days=max(0.0, day - chance.expovariate(1.0)))
    begun = begun.replace(microsecond=0)
    width = timedelta(0) if chance.random() < 0.85 else timedelta(minutes=chance.choice((30, 60, 240, 600)))
    event_type = chance.choice(TYPES)
    return ReportReceived(
        kommun=kommun,
        report_id=ident,
        revision=1,
        submission_id=ident,
        event_type=event_type,
        source=chance.choice(SOURCES),
        organisation=UUID(int=chance.randrange(1, 9), version=4),
        reporter_token=f"{chance.randrange(300):016x}",
        time_from=begun,
        time_to=begun + width,
        place=PlaceAsGiven(coordinates=Coordinates(x=lon, y=lat, accuracy_m=10)),
        environment="public",
        count=1 if chance.random() < 0.9 else chance.randrange(2, 6),
        severity=chance.randrange(1, 4),
        ongoing=event_type.startswith("E"),
        has_text=chance.random() < 0.5,
        received_at=begun + width,
        minted_at=begun + width,
    )
