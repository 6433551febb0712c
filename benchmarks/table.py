"""The table for people: ``benchmarks/README.md`` from what one run found."""

from typing import Any

HEAD = """# Benchmarks

`make bench` (about ten minutes; `python -m benchmarks flow --rounds 1` for a look). Everything runs on a broker and a
database of its own, on the machine below. Its cores are shared and its speed swings by a third within minutes: compare
ratios, which are taken round by round and then their median; never the absolute values of two runs.

Machine: {machine}. Apache Kafka {kafka}, one node; PostgreSQL {postgres}, fsync on.

All contenders read the same real-shaped reports (`benchmarks/reports.py`: points inside real areas, in the order of
time, one in seven an interval, one in thirty a correction) with twelve partitions. The copies do the plain job: parse
a report, check it with pydantic, write it to another topic with its key. *geo* places it exactly, stores the placement
and publishes it; *analysis* stores facts with their history and moves five views and its position in one transaction;
*end to end* is both at once, from a filled topic until every view and position is committed. CPU counts all processes
that took part, broker and database included.

After some 250 000 events `perf` finds a quarter of PostgreSQL's CPU in the kernel's copying into the file cache. We
take it for memory that is new to this virtual machine, not proven: without checkpoints, without autovacuum and with
larger buffers the cost rose all the same. So the later rounds and the table of growth are slower than the first one.
"""


def _flow(found: dict[str, Any], kommuner: int) -> list[str]:
    rows = found[f"flow_{kommuner}"]["rows"]
    said = "40 municipalities" if kommuner == 40 else "One municipality: one partition, one at a time"
    lines = [
        f"\n## {said}\n",
        "| | events/s | × aiokafka copy | × Quix copy | CPU µs/event | of which |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        parts = " · ".join(f"{name} {value:.0f}" for name, value in row["parts"].items())
        ratios = " | ".join(f"{row['ratios'][against]:.2f}" for against in ("aiokafka", "quix"))
        lines.append(f"| {row['name']} | {row['rate']} | {ratios} | {row['cpu_us']:.0f} | {parts} |")
    again = found[f"flow_{kommuner}"]["rebuild"]
    lines.append(f"\nRebuild of all five report views from {again['facts']} facts: {again['rate']} facts/s.")
    return lines


def table(found: dict[str, Any]) -> str:
    """The whole page; parts that were not measured are left out."""
    lines = [HEAD.format(**found["machine"])]
    for kommuner in (40, 1):
        if f"flow_{kommuner}" in found:
            lines += _flow(found, kommuner)
    if "latency" in found:
        seen = found["latency"]
        times = ", ".join(f"{n} {seen[n] * 1000:.0f} ms" for n in ("p50", "p95", "p99", "worst"))
        lines.append(
            "\n## From the request to the view\n\n"
            f"{seen['count']} reports handed in over HTTP, thirty a request, {seen['rate']} a second, all rooms on\n"
            "the same two cores as the sender. From the start of the request until the transaction that moves the\n"
            f"views has committed: {times}."
        )
    if "growth" in found:
        lines += [
            "\n## While the tables grow\n",
            "![CPU per event over facts stored](growth.svg)\n",
            "| facts stored before | events/s | CPU µs/event | geo MB | analysis MB |",
            "|---|---|---|---|---|",
            *(
                f"| {s['stored']} | {s['rate']:.0f} | {s['cpu_us']:.0f} | {s['geo_mb']:.0f} | {s['analysis_mb']:.0f} |"
                for s in found["growth"]
            ),
        ]
    return "\n".join(lines) + "\n"
