"""The demo: an invented municipality's people and reports on Nässjö's real map.

Everything is labelled as invented: the municipality is registered so, and every event and page carries the mark.
Three years of history (``town``) by the door's own use case, so that late reports are late; the last ones whose place
somebody wrote by the public API.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np

from deploy.local import squares
from deploy.local.layout import Layout
from deploy.local.settling import AT_ONCE, counted, look_back, settle
from deploy.local.town import SYSTEMS, Town, hour
from deploy.local.up import Step
from services.geo.domain.geocoding.register import AddressRows
from services.geo.importing.addresses import Tally
from services.geo.registers.keeping import Described, Prepared, keep
from services.ingest.handlers.keys import Keys
from services.ingest.handlers.people import COMMIT_SECONDS, People
from services.runtime.database import Database

KOMMUN, NAME = "0682", "Nässjö"
SEED = 682
DAYS = 84
REPORTS = 420
PEOPLE = (
    ("Robin Exempel", "rapportor@exempel.invalid", ["rapportor"], "Exempelbostäder AB"),
    ("Sam Påhitt", "analytiker@exempel.invalid", ["analytiker", "rapportor"], "Nässjö kommun"),
    ("Kim Exempel", "est@exempel.invalid", ["est_medlem"], "Nässjö kommun"),
    ("Alex Påhitt", "admin@exempel.invalid", ["administrator", "analytiker"], "Nässjö kommun"),
)
"""Invented people, one per role; their codes are found in the outbox viewer."""
_SYSTEMS = (
    ("Exempelbostäders felanmälan", "Exempelbostäder AB", "fastighetsbolag", 0.45),
    ("Kommunens felanmälan", "Nässjö kommun", "felanmalan", 0.20),
    ("Fältgruppens app", "Nässjö kommun", "rapportor", 0.35),
)
_SPOTS = (
    (14.6968, 57.6533, 8), (14.6935, 57.6553, 5), (14.7055, 57.6517, 3), (14.6870, 57.6478, 3), (14.6812, 57.6604, 3),
    (14.7102, 57.6580, 2), (14.4690, 57.7020, 2), (14.4800, 57.4900, 2), (14.7900, 57.7100, 1), (14.8300, 57.5900, 1),
)  # fmt: skip
"""(longitude, latitude, weight): where things happen in the demo; invented points on the real map."""
_TYPES = (("A1", 9), ("A2", 3), ("A5", 2), ("B1", 6), ("B2", 3), ("B5", 2), ("C1", 1), ("C4", 3), ("C5", 3), ("C10", 3),
          ("D1", 2), ("D2", 4), ("E1", 3), ("E2", 1), ("E3", 4), ("E7", 2), ("A3", 1))  # fmt: skip


_WRITTEN = {
    5: "Exempelgatan 12", 17: "Vid lekplatsen", 25: "Skolvägen 5", 33: "utanför Resecentrum", 41: "påhitsvägen 7b",
    50: "Provgränd 3",
}  # fmt: skip
"""Places as people write them: plain, too vague, in two kommundelar, by name, with a slip, far from the position."""
_STREETS = (
    ("Exempelgatan", "Nässjö", 481_300, 6_390_300, 40, 14.0, 2.0),
    ("Påhittsvägen", "Nässjö", 481_100, 6_390_700, 30, 3.0, -16.0),
    ("Provgränd", "Nässjö", 481_900, 6_390_500, 12, 10.0, 10.0),
    ("Bangårdsgatan", "Nässjö", 481_600, 6_389_900, 24, 15.0, 0.0),
    ("Skolvägen", "Handskeryd", 482_300, 6_389_600, 20, 12.0, 6.0),
    ("Skolvägen", "Anneberg", 490_900, 6_398_000, 20, 12.0, -6.0),
)  # fmt: skip
"""Invented streets on the real map: name, kommundel, first E and N (EPSG:3006), numbers, metres east and north each."""


def invented_addresses() -> AddressRows:
    """The demo's address register; every seventh number has an entrance B, one address a popular name."""
    street: list[str] = []
    number: list[int] = []
    letter: list[str] = []
    part: list[str] = []
    popular: list[str] = []
    e: list[float] = []
    n: list[float] = []
    for name, kommundel, east, north, count, step_e, step_n in _STREETS:
        for k in range(1, count + 1):
            for entrance in ("", "B") if k % 7 == 0 else ("",):
                street.append(name)
                number.append(k)
                letter.append(entrance)
                part.append(kommundel)
                popular.append("Resecentrum" if (name, k) == ("Bangårdsgatan", 1) else "")
                e.append(east + step_e * k + (4 if entrance else 0))
                n.append(north + step_n * k)
    blank = [""] * len(street)
    town = ["Nässjö"] * len(street)
    return AddressRows(street, number, letter, blank, part, blank, town, popular, np.array(e), np.array(n))


async def _addresses(layout: Layout) -> None:
    rows = invented_addresses()
    described = Described(KOMMUN, "kommun", "2026-11-01", "CC0", "Påhittade adresser")
    database = Database(layout.database_url("lagesbild_geo_work"), pool_size=1)
    try:
        streets = len({(s, p) for s, p in zip(rows.street, rows.kommundel, strict=True)})
        await keep(database, Prepared(described, "påhittade.csv", {}, [], Tally(read=len(rows)), rows, streets))
    finally:
        await database.close()


def written_reports(now: datetime, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Reports of the last twelve weeks whose place somebody wrote, oldest first; ``_system`` = index of the system."""
    chance = random.Random(seed)  # noqa: S311 - a demo, not a secret
    moments = sorted(_moment(chance, now) for _ in range(REPORTS))
    for number, moment in enumerate(moments):
        written = _WRITTEN.get(number % 60)
        if written is None:
            continue
        recent = moment > now - timedelta(days=14)
        types, weights = zip(*_TYPES, strict=True)
        more_graffiti = [w * 2 if recent and t == "A1" else w for t, w in zip(types, weights, strict=True)]
        code = chance.choices(types, more_graffiti)[0]
        lon, lat, _ = chance.choices(_SPOTS, [w for _, _, w in _SPOTS])[0]
        place: dict[str, Any] = {
            "coordinates": {
                "x": round(lon + chance.gauss(0, 0.0035), 5),
                "y": round(lat + chance.gauss(0, 0.0018), 5),
                "accuracy_m": chance.choice([8, 12, 20, 35]),
            }
        }
        place = {"text": written} if number % 60 != 50 else place | {"text": written}
        width = timedelta(hours=chance.choice([0, 0, 0, 10, 60])) if code[0] == "A" else timedelta()
        yield {
            "_system": chance.choices(range(len(_SYSTEMS)), [w for *_, w in _SYSTEMS])[0],
            "id": f"demo-{seed}-{number}",
            "source_version": 1,
            "event_type": code,
            "time_from": (moment - width).isoformat(),
            "time_to": moment.isoformat(),
            "place": place,
            "environment": "semi_public" if code in {"B2", "B3"} else "public",
            "confirmed": chance.random() < 0.7,
            "count": chance.choice([1, 1, 1, 2, 3]),
            "ongoing": code[0] == "E" and recent,
        }


def _moment(chance: random.Random, now: datetime) -> datetime:
    """Evenings and weekends heavier; never later than an hour ago."""
    while True:
        day = now - timedelta(days=chance.uniform(0.05, DAYS))
        moment = day.replace(
            hour=chance.choices(range(24), [1] * 7 + [3] * 9 + [5] * 6 + [4] * 2)[0],
            minute=chance.randrange(60),
            second=0,
            microsecond=0,
        )
        if moment < now - timedelta(hours=1) and (moment.weekday() >= 4 or chance.random() < 0.7):
            return moment


def _serious(now: datetime) -> dict[str, Any]:
    """What makes the latest report one that somebody must be told of at once."""
    moment = (now - timedelta(minutes=20)).isoformat()
    place = {"coordinates": {"x": 14.6968, "y": 57.6533, "accuracy_m": 8}}
    return {
        "event_type": "A3",
        "severity": 4,
        "time_from": moment,
        "time_to": moment,
        "place": place,
        "confirmed": True,
    }


async def furnish(layout: Layout, step: Step) -> None:
    """Make municipality, people, subscription and reports, once per data directory; safe after a stop half-way."""
    marker = layout.data / "demo.json"
    if marker.exists():
        return
    step("Invented municipality, people and reports")
    database = Database(layout.database_url("lagesbild_ingest_serve"), pool_size=AT_ONCE)
    try:
        people = People(database)
        await people.create_municipality(KOMMUN, NAME, invented=True)
        _, admin = await Keys(database).create(
            KOMMUN, system="demo", organisation="Lägesbild", source="rapportor",
            scopes=["people:write", "subscriptions:write"], instead=True,
        )  # fmt: skip
        systems = [
            await Keys(database).create(
                KOMMUN, system=s, organisation=o, source=source, scopes=["reports:write"], instead=True
            )
            for s, o, source, _ in _SYSTEMS
        ]
        await squares.draw(layout, KOMMUN)
        town = Town(_began(layout))
        reports = await settle(database, KOMMUN, town, [client for client, _ in systems[: len(SYSTEMS)]])
    finally:
        await database.close()
    await asyncio.sleep(COMMIT_SECONDS)  # a token is older than that by what it may not have seen, and keys were ended
    await _addresses(layout)
    async with httpx.AsyncClient(base_url=layout.public_url, timeout=30, trust_env=False) as http:
        await _people(http, admin)
        written = list(written_reports(datetime.now(UTC)))
        await _send(http, [key for _, key in systems], [*written[:-1], written[-1] | _serious(datetime.now(UTC))])
    picture = Database(layout.database_url("lagesbild_analysis_work"), pool_size=2)
    try:
        await counted(picture, KOMMUN, reports)
        await look_back(picture, KOMMUN, datetime.now(UTC))
    finally:
        await picture.close()
    marker.write_text(json.dumps({"kommun": KOMMUN, "people": [email for _, email, *_ in PEOPLE]}))


def _began(layout: Layout) -> datetime:
    """The hour that the town's history ends at: the first attempt's, so that one that was stopped goes on with it."""
    kept = layout.data / "demo-began.txt"
    if not kept.exists():
        kept.write_text(hour(datetime.now(UTC)).isoformat())
    return datetime.fromisoformat(kept.read_text())


async def _people(http: httpx.AsyncClient, key: str) -> None:
    token = (await http.post("/v1/token", headers={"Authorization": f"Bearer {key}"})).json()["access_token"]
    for name, email, roles, organisation in PEOPLE:
        body = {"name": name, "email": email, "roles": roles, "organisation": organisation}
        answer = await http.post("/v1/people", json=body, headers={"Authorization": f"Bearer {key}"})
        answer.raise_for_status()
        if "est_medlem" in roles:
            follow = {"min_severity": 3, "person_id": answer.json()["person_id"]}
            (
                await http.post("/v1/subscriptions", json=follow, headers={"Authorization": f"Bearer {token}"})
            ).raise_for_status()


async def _send(http: httpx.AsyncClient, keys: list[str], reports: list[dict[str, Any]]) -> None:
    """Hand in all reports, eight at a time."""
    gate = asyncio.Semaphore(8)

    async def one(report: dict[str, Any]) -> None:
        key = keys[report.pop("_system")]
        async with gate:
            answer = await http.post("/v1/reports", json=report, headers={"Authorization": f"Bearer {key}"})
        answer.raise_for_status()

    await asyncio.gather(*(one(report) for report in reports))
