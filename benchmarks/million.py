"""``python -m benchmarks.million``: the picture of one municipality with a million facts, on a real database.

Facts of three years are stored without views; then all views are folded from them (both families, counted and
compared), every page's numbers are read (median and 95th percentile of twenty), a draft is written, its PDF is set, and
a year is scanned by night: with all 999 replicates, and as the nightly task stops early. Writes ``million.md`` here.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import h3
import numpy as np

from benchmarks import reads, servers
from benchmarks.__main__ import machine, say
from schemas.appointments import AppointmentChanged
from services.analysis.domain import emerging
from services.analysis.domain.periods import Rule
from services.analysis.handlers.picturing import Picturing
from services.analysis.handlers.rebuilding import Rebuilding
from services.analysis.store import appointments, area_sets, pictures
from services.analysis.store import density as cells
from services.analysis.store import facts as store
from services.analysis.store.facts import Candidate, Kept
from services.analysis.views.catalogue import PRESENCE, REPORTS
from services.analysis.views.fact import LocatedReport, counted, present, read
from services.analysis.web import prints
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role

HERE = Path(__file__).parent
KOMMUN = "0682"
AREAS = [f"{KOMMUN}R{i:03}" for i in range(1, 31)]
TYPES = ("A1", "A1", "A1", "A2", "A3", "B1", "B1", "B2", "C1", "C2", "C4", "D1", "D2", "E1", "E1", "E2", "E3", "G1")
SOURCES = ("rapportor", "rapportor", "rapportor", "fastighetsbolag", "felanmalan")
DAYS = 3 * 365
TODAY = date(2026, 11, 26)
REPORTERS, ORGANISATIONS = 200, 20
PLACE = UUID(int=2)
"""A square that is one of the middle's cells."""
_STORED = """{{"kommun":"{kommun}","report":{{"kommun":"{kommun}","report_id":"{ident}","revision":1,\
"event_type":"{kind}","source":"{source}","organisation":"{organisation}","reporter_token":{token},"time_from":"{start}","time_to":"{end}",\
"count":1,"ongoing":{ongoing},"minted_at":"{received}","received_at":"{received}","severity":1,"confirmed":false,\
"has_text":false,"withdrawn":false,"invented":true}},"placement":{{"placement":1,"placed_at":"{received}",\
"precision":"gps","radius_m":10.0,"point":{{"lon":{lon},"lat":{lat},"e":{e},"n":{n}}},"areas":[\
{{"layer":"regso","version":"1","area":"{area}"}},{{"layer":"kommun","version":"1","area":"{kommun}"}}],\
"places":[{places}],"cells":{{"9":"{r9}","10":"{r10}"}}}}}}"""


def _cells() -> list[tuple[str, str, float, float]]:
    """(resolution 9, resolution 10, latitude, longitude) of the town's cells, the middle first."""
    middle = h3.latlng_to_cell(57.6533, 14.6968, 9)
    found = sorted(h3.grid_disk(middle, 14), key=lambda c: h3.grid_distance(c, middle))
    return [(c, h3.cell_to_center_child(c, 10), *h3.cell_to_latlng(c)) for c in found]


def facts(count: int) -> Iterator[str]:
    """Located reports of three years as stored text: most in the middle, reporters with two areas, some intervals."""
    dice = np.random.default_rng(1)
    town = _cells()
    where = np.minimum((dice.exponential(0.22, count) * len(town)).astype(int), len(town) - 1)
    days, minutes = dice.integers(0, DAYS, count), dice.integers(0, 1440, count)
    rest = dice.integers(0, 2**31, count)
    first = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(days=DAYS)
    for i in range(count):
        start = first + timedelta(days=int(days[i]), minutes=int(minutes[i]))
        n, (r9, r10, lat, lon) = int(rest[i]), town[where[i]]
        kind, source, area = TYPES[n % len(TYPES)], SOURCES[n % len(SOURCES)], where[i] % len(AREAS)
        reporter = (area + n % 2) % len(AREAS) + len(AREAS) * (n // 2 % (REPORTERS // len(AREAS)))
        end = start + timedelta(minutes=(30, 60, 240, 600)[n % 4]) if n % 20 < 3 else start
        yield _STORED.format(
            kommun=KOMMUN,
            ident=UUID(int=i + 1),
            kind=kind,
            source=source,
            organisation=UUID(int=1 + (reporter if source == "rapportor" else n) % ORGANISATIONS),
            token=f'"token-{reporter:05}-of-a-reporter"' if source == "rapportor" else "null",
            start=start.isoformat(),
            end=end.isoformat(),
            ongoing="true" if kind[0] == "E" and n % 50 == 0 else "false",
            received=(start + timedelta(hours=n % 48)).isoformat(),
            lon=lon,
            lat=lat,
            e=480_000 + 1000 * lon,
            n=6_300_000 + 1000 * lat,
            area=AREAS[area],
            places=f'{{"place_id":"{PLACE}","version":"1"}}' if where[i] == 3 else "",
            r9=r9,
            r10=r10,
        )


async def stored(database: Database, count: int) -> float:
    """Store the facts without views, as a rebuild finds them; seconds."""
    began, batch = time.perf_counter(), list[Candidate[LocatedReport]]()

    async def write() -> None:
        seen = [s for c in batch for s in (counted(c.fact), present(c.fact)) if s is not None]
        async with database.transaction((KOMMUN,)) as connection:
            await store.insert(connection, LocatedReport, batch)
            await area_sets.ensure(connection, seen)
        batch.clear()

    for event in facts(count):
        fact = read(event)
        kept = Kept((1, 1), event, fact.report.minted_at, fact.placement.placed_at)
        batch.append(Candidate((KOMMUN, fact.report.report_id), kept, fact))
        if len(batch) == 5000:
            await write()
    if batch:
        await write()
    return time.perf_counter() - began


async def draft(database: Database) -> dict[str, float]:
    """Seconds of a fresh draft, and of its PDF; two pictures are kept as adopted, for the pages that show them."""
    ends = Rule().cut_offs(datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 11, 27, tzinfo=UTC))[-2:]
    taken = []
    for end in ends:
        began = time.perf_counter()
        document = await Picturing(database).written_from_facts(KOMMUN, Rule().period(end))
        taken.append(time.perf_counter() - began)
        whole = document | {
            "names": {a: a for a in AREAS},
            "assessment": {},
            "adopted_at": datetime.now(UTC).isoformat(),
            "adopted_by": "bench",
        }
        async with database.transaction((KOMMUN,)) as connection:
            await pictures.add(connection, KOMMUN, (document["number"], 1, "adopted"), whole, now=datetime.now(UTC))
    began = time.perf_counter()
    paper = await asyncio.to_thread(prints.printed, whole, [], "0" * 64, "Exempelkommunen")
    return {"draft": max(taken), "pdf": time.perf_counter() - began, "pdf_kb": len(paper) / 1000}


async def appoint(database: Database) -> None:
    """Appoint the reporters: half of them for everywhere, half for two areas."""
    since = datetime(2023, 1, 1, tzinfo=UTC)
    changed = [
        AppointmentChanged(
            kommun=KOMMUN,
            reporter_token=f"token-{i:05}-of-a-reporter",
            revision=1,
            organisation=UUID(int=1 + i % ORGANISATIONS),
            areas=(AREAS[i % len(AREAS)], AREAS[(i + 1) % len(AREAS)]) if i % 2 else (),
            since=since,
            minted_at=since,
        )
        for i in range(REPORTERS)
    ]
    async with database.transaction((KOMMUN,)) as connection:
        await appointments.put(connection, changed)


async def scans(database: Database) -> dict[str, float]:
    """Seconds of a year's scan of every group: all replicates, and as the nightly task does it."""
    last = TODAY - timedelta(days=1)
    async with database.transaction((KOMMUN,)) as connection:
        began = time.perf_counter()
        rows = await cells.cell_days(connection, KOMMUN, last - timedelta(days=emerging.DAYS - 1), last)
        reading = time.perf_counter() - began
    found = {
        "reading": reading,
        "cases": sum(r.reports for r in rows) / 1_000_000,
        "cells": len({r.cell for r in rows}),
    }
    for name, setting in (("night", emerging.SETTING), ("all", replace(emerging.SETTING, enough=None))):
        began = time.perf_counter()
        await asyncio.to_thread(emerging.look, rows, last, setting)
        found[name] = time.perf_counter() - began
        say(f"scan, {name}: {found[name]:.1f} s")
    return found


async def measure(count: int) -> dict[str, Any]:
    """Everything, on servers of its own."""
    async with servers.start() as ground:
        working = Database(ground.layout.database_url(work_role("analysis")), pool_size=2)
        serving = Database(ground.layout.database_url(serve_role("analysis")), pool_size=2)
        try:
            taken = await stored(working, count)
            say(f"stored {count} facts in {taken:.0f} s")
            await appoint(working)
            rates = {}
            for name, family in (("counted", REPORTS), ("presence", PRESENCE)):
                rebuilt = await Rebuilding(working, "bench").rebuild(family.views, lambda _line: None)
                rates[name] = {
                    "views": len(family.views),
                    "facts": rebuilt.facts,
                    "fold_seconds": rebuilt.fold_seconds,
                    "rate": rebuilt.facts / rebuilt.fold_seconds,
                    "compare_seconds": rebuilt.compare_seconds,
                }
                say(f"rebuild of {name}: {rates[name]['rate']:.0f} facts/s")
            await ground.sql("vacuum analyze")
            return {
                "machine": machine(),
                "facts": count,
                "rebuild": rates,
                "draft": await draft(working),
                "pages": [asdict(r) for r in await reads.pages(serving, KOMMUN, TODAY, (AREAS, PLACE))],
                "scan": await scans(working),
            }
        finally:
            await working.close()
            await serving.close()


def page(found: dict[str, Any]) -> str:
    """The table for people."""
    rows = "".join(f"| {p['page']} | {p['median']:.0f} ms | {p['p95']:.0f} ms |\n" for p in found["pages"])
    rates = "".join(
        f"| rebuild, {name}: views {r['views']} | {r['rate']:.0f} facts/s, compared in {r['compare_seconds']:.0f} s |\n"
        for name, r in found["rebuild"].items()
    )
    scan, draft_ = found["scan"], found["draft"]
    return (
        "# One municipality with a million facts\n\n"
        f"`python -m benchmarks.million`, {found['facts']} facts of three years, {found['machine']['machine']}.\n\n"
        f"| numbers of a page | median of {reads.TIMES} | 95th percentile |\n|---|---|---|\n{rows}\n"
        f"| | |\n|---|---|\n{rates}"
        f"| fresh draft of a lägesbild | {draft_['draft']:.2f} s |\n"
        f"| its PDF ({draft_['pdf_kb']:.0f} kB) | {draft_['pdf']:.2f} s |\n"
        f"| a year's cases and cells, read | {scan['cases']:.0f} and {scan['cells']}, {scan['reading']:.1f} s |\n"
        f"| scan of every group, as the night does it | {scan['night']:.1f} s |\n"
        f"| the same, all 999 replicates | {scan['all']:.1f} s |\n"
    )


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million")
    parser.add_argument("--facts", type=int, default=1_000_000)
    arguments = parser.parse_args()
    found = asyncio.run(measure(arguments.facts))
    (HERE / "million.md").write_text(page(found), "utf-8")
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
