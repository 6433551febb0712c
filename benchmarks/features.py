"""GIS at scale: pages of OGC API – Features over a million reports, and all of Sweden's addresses on one machine."""

import asyncio
import time
from statistics import median, quantiles
from typing import Any

import asyncpg
import httpx
import numpy as np
import psutil

from benchmarks.servers import Ground, room
from services.geo.accuracy.invented import distractors
from services.geo.domain.geocoding.register import AddressRows
from services.geo.importing.addresses import Tally
from services.geo.layers.shipped import Layers
from services.geo.registers import keeping
from services.geo.registers.gazetteer import Gazetteer
from services.geo.registers.keeping import Described, Prepared
from services.geo.registers.loading import Geocoders
from services.ingest.handlers.keys import Keys
from services.ingest.handlers.people import People
from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role

KOMMUN = "0682"
PAGES = 40
ADDRESSES = 12_069
"""Per municipality: 290 of them are 3.5 million, as many as Sweden has."""
_FILL = """
    insert into geo.placements (kommun, report_id, placement, revision, event, envelope_id, placed_at, e, n, cell,
                                occurred, event_type)
    select $1::text, md5(i::text)::uuid, 1, 1, format(
        '{"kommun":"%s","report":{"kommun":"%s","report_id":"%s","revision":1,"event_type":"A1","source":"tips",'
        '"time_from":"2026-01-01T00:00:00Z","time_to":"2026-01-01T00:00:00Z","severity":1},"placement":{"placement":1,'
        '"placed_at":"2026-01-01T00:00:00Z","precision":"gps","areas":[{"layer":"regso","area":"0682R001"}],'
        '"point":{"lon":%s,"lat":%s,"e":%s,"n":%s},"cells":{}}}', $1::text, $1::text, md5(i::text)::uuid,
        14.5 + (i % 1000) / 2500.0,
        57.5 + (i / 1000 % 1000) / 4000.0, 481000 + i % 1000, 6390000 + i / 1000 % 1000),
        'bench', now(), 470000 + (i % 1000) * 24, 6373000 + (i / 1000 % 1000) * 28, ($3::bigint[])[1 + i % 400],
        timestamptz '2024-01-01' + i * interval '1 minute', 'A1'
    from generate_series($4::int, $2::int) as i"""


async def pages(ground: Ground, total: int = 1_000_000) -> dict[str, Any]:
    """Milliseconds for pages of 1 000 features at the beginning, and after nine tenths of a million."""
    await _fill(ground, total)
    key = await _key(ground)
    async with room(ground, ("ingest", "serve"), ("geo", "serve"), ready=True) as rooms:
        async with httpx.AsyncClient(trust_env=False, timeout=60, headers={"Authorization": f"Bearer {key}"}) as http:
            base = f"{ground.layout.url('geo_serve')}/ogc/collections/reports/items?limit=1000"
            first = await _timed(http, base, PAGES)
            late = await _timed(http, f"{base}&after=e6666666-0000-0000-0000-000000000000", PAGES)
            box = await _timed(http, f"{base}&bbox=14.68,57.64,14.71,57.66", PAGES)
            streamed, megabytes = await _export(http, ground)
        memory = next(r.memory() for r in rooms if r.name == "geo") / 2**20
    return {
        "features": total,
        "first_pages_ms": first,
        "late_pages_ms": late,
        "box_ms": box,
        "export_features_per_s": round(total / streamed),
        "export_mb": round(megabytes),
        "geo_mb_afterwards": round(memory),
    }


async def _fill(ground: Ground, total: int) -> None:
    import h3

    cells = [int(c, 16) for c in h3.grid_disk(h3.latlng_to_cell(57.65, 14.69, 7), 11)][:400]
    connection = await asyncpg.connect(ground.layout.dsn("postgres", "lagesbild"))
    try:
        for start in range(1, total + 1, 100_000):
            await connection.execute(_FILL, KOMMUN, min(start + 99_999, total), cells, start, timeout=300)
        await connection.execute("vacuum analyze geo.placements", timeout=300)
    finally:
        await connection.close()


async def _key(ground: Ground) -> str:
    database = Database(ground.layout.database_url(serve_role("ingest")), pool_size=1)
    try:
        people = People(database)
        await people.create_municipality(KOMMUN, "Nässjö", invented=True)
        _, key = await Keys(database).create(
            KOMMUN, system="gis", organisation="Bench", source="tips", scopes=["features:read"]
        )
    finally:
        await database.close()
    return str(key)


async def _timed(http: httpx.AsyncClient, address: str, count: int) -> dict[str, float]:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        answer = await http.get(address)
        answer.raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
        following = [link["href"] for link in answer.json()["links"] if link["rel"] == "next"]
        if following:
            address = f"{address.partition('?')[0]}?{following[0].partition('?')[2]}"
    return {"p50": round(median(times), 1), "p95": round(quantiles(times, n=20)[-1], 1)}


async def _export(http: httpx.AsyncClient, ground: Ground) -> tuple[float, float]:
    started, received = time.perf_counter(), 0
    address = f"{ground.layout.url('geo_serve')}/ogc/collections/reports/export?f=csv"
    async with http.stream("GET", address, timeout=300) as answer:
        async for block in answer.aiter_bytes():
            received += len(block)
    return time.perf_counter() - started, received / 2**20


async def sweden(ground: Ground, kommuner: int = 290) -> dict[str, Any]:
    """3.5 million invented addresses in as many registers: kept, loaded one after the other within the bound, asked."""
    layers = Layers(ground.layout.data / "cache")
    codes = sorted(layers.kommuner)[:kommuner]
    around = np.array([370_000.0, 390_000.0])
    rows = distractors(AddressRows([], [], [], [], [], [], [], [], around, around + 5_800_000), ADDRESSES // 22)
    database = Database(ground.layout.database_url(work_role("geo")), pool_size=1)
    process = psutil.Process()
    try:
        started = time.perf_counter()
        for code in codes:
            described = Described(code, "lantmateriet", "2026-11-01", "CC BY 4.0", "test")
            await keeping.keep(database, Prepared(described, "x", {}, [], Tally(), rows, ADDRESSES // 22))
        kept = time.perf_counter() - started
        geocoders = Geocoders(Gazetteer(layers), most_addresses=600_000)
        before, most, times = process.memory_info().rss, 0, []
        query = f"{rows.street[0]} 7"
        for code in codes:
            started = time.perf_counter()
            async with database.transaction((code,)) as connection:
                loaded = (await geocoders.load(connection, (code,), {}))[code]
            assert loaded.geocoder.find(query).best is not None  # noqa: S101 - a benchmark of wrong answers is none
            times.append(time.perf_counter() - started)
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0)
    finally:
        await database.close()
    (size,) = await ground.sql("select sum(length(content))::bigint as bytes from geo.registers")
    return {
        "addresses": len(rows) * len(codes),
        "registers_mb": round(size["bytes"] / 2**20),
        "kept_per_s": round(len(rows) * len(codes) / kept),
        "first_answer_ms": round(median(times) * 1000),
        "addresses_in_memory": geocoders.addresses,
        "memory_mb": round((most - before) / 2**20),
    }
