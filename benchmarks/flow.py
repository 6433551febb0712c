"""Throughput: geo, analysis and both in a row on a filled topic, beside plain copies in the same round."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import registers
from benchmarks.registers import misspelt
from benchmarks.reports import codes, reports
from benchmarks.servers import Ground, Timed, fill, make_topic, positions, room, until
from schemas.topics import REPORT_RECEIVED

HERE = Path(__file__).parent
OTHER_PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"
COPIES = {
    "aiokafka": (sys.executable, "aiokafka_copy", ()),
    "aiokafka bytes": (sys.executable, "aiokafka_copy", ("--bytes",)),
    "quix": (str(OTHER_PYTHON), "quix_copy", ()),
    "bytewax": (str(OTHER_PYTHON), "bytewax_copy", ()),
}


@dataclass(frozen=True, slots=True)
class Result:
    """One contender in one round."""

    name: str
    rate: float
    cpu_us: float
    parts: dict[str, float]


async def copy(ground: Ground, name: str, source: str, count: int) -> Result:
    """Run one alternative as a program of its own; the broker's CPU is taken over its whole life."""
    python, module, extra = COPIES[name]
    target = f"copy-of-{source}-{module}{len(extra)}"
    await make_topic(ground, target)
    before = ground.cpu("kafka")
    process = await asyncio.create_subprocess_exec(
        python, str(HERE / "contenders" / f"{module}.py"), ground.layout.kafka, source, target, str(count), *extra,
        cwd=HERE.parent, env={"PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    if process.returncode:
        raise RuntimeError(f"{name}: {errors.decode()[-2000:]}")
    answer: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])
    broker = (ground.cpu("kafka") - before) / count * 1e6
    own = answer["cpu"] / count * 1e6
    return Result(name, count / answer["seconds"], own + broker, {"own": own, "kafka": broker})


def _result(name: str, timed: Timed) -> Result:
    return Result(name, timed.rate, timed.micros(), {part: timed.micros(part) for part in timed.cpu})


async def one_round(ground: Ground, number: int, count: int, kommuner: int, copies: list[str]) -> list[Result]:
    """All contenders once, on the same ``count`` reports."""
    source = f"bench-{kommuner}-{number}"
    await make_topic(ground, source)
    seed = number * 1000 + kommuner
    results = []
    at = await positions(ground, "geo.reports")
    located = await positions(ground, "analysis.reports")
    await fill(ground, reports(count, kommuner=kommuner, seed=seed), [source, REPORT_RECEIVED.name])
    results += [await copy(ground, name, source, count) for name in copies]
    async with room(ground, ("geo", "work")) as rooms:
        results.append(_result("geo", await until(ground, rooms, ["geo.reports"], [at + count])))
    if kommuner > 1:
        results.append(await _with_addresses(ground, count, kommuner, seed + 700))
        located += count
    async with room(ground, ("analysis", "work")) as rooms:
        results.append(_result("analysis", await until(ground, rooms, ["analysis.reports"], [located + count])))
    await fill(ground, reports(count, kommuner=kommuner, seed=seed + 500), [REPORT_RECEIVED.name])
    async with room(ground, ("geo", "work"), ("analysis", "work")) as rooms:
        both = await until(ground, rooms, ["geo.reports", "analysis.reports"], [at + 2 * count, located + 2 * count])
        results.append(_result("end to end", both))
    return results


async def _with_addresses(ground: Ground, count: int, kommuner: int, seed: int) -> Result:
    """geo when every fifth report is an address with a typo, in registers of 4 400 addresses."""
    rows = await registers.fill(ground, codes(kommuner))
    at = await positions(ground, "geo.reports")
    written = [query for query, _ in misspelt(rows, 2_000)]
    await fill(ground, reports(count, kommuner=kommuner, seed=seed, written=written), [REPORT_RECEIVED.name])
    async with room(ground, ("geo", "work")) as rooms:
        return _result("geo, every fifth a written place", await until(ground, rooms, ["geo.reports"], [at + count]))


def table(rounds: list[list[Result]]) -> list[dict[str, Any]]:
    """Medians over the rounds; ratios are medians of each round's ratio to its own aiokafka and Quix copies."""
    names = [r.name for r in rounds[0]]
    rows = []
    for name in names:
        own = [next(r for r in results if r.name == name) for results in rounds]
        row: dict[str, Any] = {
            "name": name,
            "rate": round(median(r.rate for r in own)),
            "cpu_us": round(median(r.cpu_us for r in own), 1),
            "parts": {p: round(median(r.parts[p] for r in own), 1) for p in own[0].parts},
            "ratios": {},
        }
        for against in ("aiokafka", "quix"):
            if against in names:
                theirs = [next(r for r in results if r.name == against) for results in rounds]
                row["ratios"][against] = round(median(o.rate / t.rate for o, t in zip(own, theirs, strict=True)), 3)
        rows.append(row)
    return rows
