"""``python -m benchmarks``: all measurements, or those named; three rounds, medians; ``build/bench.json`` and the table."""

import argparse
import asyncio
import json
import sys
from typing import Any

from benchmarks import flow, servers


def say(text: str) -> None:
    """Progress, apart from results."""
    print(text, file=sys.stderr, flush=True)


async def throughput(rounds: int, count: int, kommuner: int, copies: list[str]) -> list[dict[str, Any]]:
    """The flow's contenders on servers of their own."""
    async with servers.start() as ground:
        done = []
        for number in range(rounds):
            done.append(await flow.one_round(ground, number, count, kommuner, copies))
            say(
                f"{kommuner} municipalities, round {number + 1}: "
                + ", ".join(f"{r.name} {r.rate:.0f}/s ({r.cpu_us:.0f} µs)" for r in done[-1])
            )
            say(
                "    "
                + "; ".join(f"{r.name} " + " ".join(f"{k}={v:.0f}" for k, v in r.parts.items()) for r in done[-1])
            )
    return flow.table(done)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--kommuner", type=int, default=40)
    parser.add_argument("--copies", default=",".join(flow.COPIES))
    arguments = parser.parse_args()
    rows = asyncio.run(
        throughput(arguments.rounds, arguments.count, arguments.kommuner, [c for c in arguments.copies.split(",") if c])
    )
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
