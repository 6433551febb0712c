"""Latency: from handing in over HTTP until the row stands in the views, at a steady rate, all rooms running."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import asyncpg
import httpx

from benchmarks.servers import Ground, room
from services.ingest.handlers.keys import Keys
from services.ingest.handlers.people import People
from services.runtime.database import Database
from services.runtime.migrations import serve_role

SENDERS = 4
A_BATCH = 30
"""Reports per request, as a property system hands them in: ten requests a second at 300 reports."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the request's start to the commit that shows it, and what rate was really held."""

    count: int
    rate: float
    p50: float
    p95: float
    p99: float
    worst: float


def _reports(count: int) -> Iterator[dict[str, Any]]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for number in range(count):
        point = {"x": 14.60 + (number % 97) * 0.002, "y": 57.60 + (number % 31) * 0.003, "accuracy_m": 10}
        kind = ("A1", "B1", "C4", "E1")[number % 4]
        yield {"id": f"l-{number}", "event_type": kind, "time_from": stamp, "place": {"coordinates": point}}


async def key_of(ground: Ground) -> str:
    """A municipality's key that may send reports."""
    database = Database(ground.layout.database_url(serve_role("ingest")), pool_size=1)
    try:
        people = People(database)
        await people.create_municipality("0682", "Nässjö", invented=True)
        _, key = await Keys(database).create(
            "0682", system="bench", organisation="Bench", source="fastighetsbolag", scopes=["reports:write"]
        )
    finally:
        await database.close()
    return str(key)


async def steady(ground: Ground, *, rate: int = 300, seconds: int = 30) -> Latency:
    """Hand in ``rate`` reports a second for so long and watch the facts appear."""
    key = await key_of(ground)
    sent: dict[str, float] = {}
    shown: dict[str, float] = {}
    count = rate * seconds
    async with room(ground, ("ingest", "serve"), ("ingest", "work"), ("geo", "work"), ("analysis", "work"), ready=True):
        watching = asyncio.create_task(_watch(ground, shown, count))
        queue: asyncio.Queue[tuple[float, list[dict[str, Any]]]] = asyncio.Queue()
        begun, every = time.monotonic() + 1, list(_reports(count))
        for number in range(0, count, A_BATCH):
            queue.put_nowait((begun + number / rate, every[number : number + A_BATCH]))
        url = ground.layout.url("ingest_serve")
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
            await asyncio.gather(*(_send(http, queue, sent) for _ in range(SENDERS)))
        held = count / (time.monotonic() - begun)
        await asyncio.wait_for(watching, 60)
    times = sorted(shown[ident] - sent[ident] for ident in sent)
    cuts = quantiles(times, n=100)
    return Latency(len(times), round(held, 1), cuts[49], cuts[94], cuts[98], times[-1])


async def _send(
    http: httpx.AsyncClient, queue: asyncio.Queue[tuple[float, list[dict[str, Any]]]], sent: dict[str, float]
) -> None:
    while not queue.empty():
        due, batch = queue.get_nowait()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at = time.monotonic()
        lines = "\n".join(json.dumps(report) for report in batch)
        answer = await http.post("/v1/reports:batch", content=lines, headers={"Content-Type": "application/x-ndjson"})
        answer.raise_for_status()
        for line in answer.text.splitlines():
            sent[json.loads(line)["report_id"]] = at


async def _watch(ground: Ground, shown: dict[str, float], count: int) -> None:
    """Note when each fact is there: the views move in the same transaction."""
    connection = await asyncpg.connect(ground.layout.dsn("postgres", "lagesbild"))
    beaten = asyncio.Event()
    await connection.add_listener("pulse", lambda *_: beaten.set())
    try:
        while len(shown) < count:
            await beaten.wait()
            beaten.clear()
            at = time.monotonic()
            rows = await connection.fetch(
                "select report_id from analysis.facts where changed_at > now() - interval '5 s'"
            )
            for row in rows:
                shown.setdefault(str(row["report_id"]), at)
    finally:
        await connection.close()
