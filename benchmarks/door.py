"""The door: single reports and batch lines a second, beside a bare FastAPI app that only validates, in the same rounds.

The door authenticates, judges versions, guards texts, and commits report, revision, answer and outbox row before it
answers; the bare app does nothing but check. Both are one process; sender, database and server share the machine.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.latency import _reports, key_of
from benchmarks.servers import Ground, room
from deploy.local.layout import pick_port

SINGLES = 2_000
BATCH = 1_000
BATCHES = 20
ROUNDS = 3


@asynccontextmanager
async def bare() -> AsyncIterator[str]:
    """The app that only validates; its address."""
    port = pick_port()
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.contenders.bare_api:app", "--port", str(port),
            "--loop", "uvloop", "--log-level", "warning"]  # fmt: skip
    process = subprocess.Popen(argv, env=os.environ)  # noqa: ASYNC220 - once, before anything is measured
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(300):
                try:
                    await http.get(f"{url}/readyz")
                    break
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True)
class _Way:
    """How the bodies are sent: where to, as what, how many at a time."""

    path: str
    kind: str
    senders: int


ONE = _Way("/v1/reports", "application/json", 16)
LINES = _Way("/v1/reports:batch", "application/x-ndjson", 2)
LIST = _Way("/v1/reports:list", "application/json", 2)


async def _drive(url: str, key: str, way: _Way, bodies: list[bytes]) -> tuple[float, list[float]]:
    """Seconds for all of them, and for each."""
    path, kind, senders = way.path, way.kind, way.senders
    queue, took = iter(bodies), []
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}

    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as http:

        async def send() -> None:
            for body in queue:
                began = time.perf_counter()
                answer = await http.post(path, content=body)
                took.append(time.perf_counter() - began)
                if answer.status_code not in {200, 201}:
                    raise RuntimeError(f"{path}: {answer.status_code}")

        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(senders)))
        return time.perf_counter() - began, took


def _bodies(round_: str) -> tuple[list[bytes], list[list[bytes]]]:
    """Single reports, and batches of lines, under ids of this round's own."""

    def made(name: str, count: int) -> list[bytes]:
        return [json.dumps(r | {"id": f"{round_}-{name}-{n}"}).encode() for n, r in enumerate(_reports(count))]

    lines = made("line", BATCH * BATCHES)
    return made("one", SINGLES), [lines[i : i + BATCH] for i in range(0, len(lines), BATCH)]


async def _contender(name: str, url: str, key: str, number: int) -> dict[str, float]:
    """What one of them does in one round."""
    singles, batches = _bodies(f"{number}-{name}")
    if name == "list":
        whole, _ = await _drive(url, key, LIST, [b"[" + b",".join(lines) + b"]" for lines in batches])
        return {"lines": BATCH * BATCHES / whole}
    seconds, took = await _drive(url, key, ONE, singles)
    cuts = quantiles(took, n=100)
    whole, _ = await _drive(url, key, LINES, [b"\n".join(lines) for lines in batches])
    rates = {"singles": SINGLES / seconds, "lines": BATCH * BATCHES / whole}
    return rates | {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


async def measure(ground: Ground) -> dict[str, Any]:
    """Per contender: requests and lines a second, milliseconds of a single one; medians of the rounds, and ratios.

    ``bare`` checks lines by hand with nothing of FastAPI around a line; ``list`` is a list as FastAPI takes one.
    """
    key = await key_of(ground)
    found: dict[str, dict[str, list[float]]] = {"door": {}, "bare": {}, "list": {}}
    async with bare() as plain, room(ground, ("ingest", "serve"), ready=True):
        for number in range(ROUNDS):
            for name, rows in found.items():
                url = ground.layout.url("ingest_serve") if name == "door" else plain
                for what, value in (await _contender(name, url, key, number)).items():
                    rows.setdefault(what, []).append(value)
    ratios = {
        f"{what} against {other}": median(a / b for a, b in zip(found["door"][what], found[other][what], strict=True))
        for what, other in (("singles", "bare"), ("lines", "bare"), ("lines", "list"))
    }
    return {name: {what: median(values) for what, values in rows.items()} for name, rows in found.items()} | {
        "ratios": ratios
    }
