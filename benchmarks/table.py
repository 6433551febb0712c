"""The table for people: ``benchmarks/README.md`` from what one run found."""

from typing import Any

HEAD = """# Benchmarks

`python -m benchmarks`, a part of `make bench` (about an hour with the weekly run, the voice and a million facts;
`python -m benchmarks flow --rounds 1` for a look). Everything runs on a broker and a database of its own. The machine's
cores are shared and its speed swings by a third within minutes, and threefold between days: compare ratios, which are
taken round by round and then their median; never the absolute values of two runs.

All contenders read the same real-shaped reports (`benchmarks/reports.py`: points inside real areas, in the order of
time, one in seven an interval, one in thirty a correction) with twelve partitions. The copies do the plain job: parse
a report, check it with pydantic, write it to another topic with its key. *geo* places it exactly, stores the placement
and publishes it; *analysis* stores facts with their history and moves its views and its position in one transaction;
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
    lines.append(f"\nRebuild of all report views from {again['facts']} facts: {again['rate']} facts/s.")
    return lines


_PLACE = """
Whole enrichment (system, area, H3, nearest of {addresses} addresses) in batches of 500: {enriched} events/s, {cost} ×
the area test alone. Nearest address, one at a time: {nearest}/s, {ratio} × the bare k-d tree. The register is built in
{built} s.
"""
_GIS = """
## GIS

OGC API – Features over {features} located reports, pages of 1 000 over HTTP: the first {first}, after nine tenths
{late}, in a box of a town {box}. All as CSV: {export} features/s, {export_mb} MB; geo then holds {geo_mb} MB.

All of Sweden: {addresses} invented addresses in 290 registers take {registers_mb} MB in the database. A municipality
that is asked for the first time answers after {first_answer} ms (median); at most {kept} addresses are in memory,
{memory_mb} MB."""
_AREAS = {
    "ours": "ours",
    "STRtree": "ours",
    "geopandas": "ours",
    "duckdb": "ours",
    "ours, one at a time": "",
    "STRtree, one at a time": "ours, one at a time",
}
"""Contender → which of ours it is compared with."""


def _place(seen: dict[str, Any]) -> list[str]:
    rates, equal = seen["areas"]["rates"], seen["areas"]["equal"]
    lines = ["\n## Place\n", "Exact RegSO of points in towns and country:\n"]
    lines += ["| | points/s | ours is | same answer |", "|---|---|---|---|"]
    for name, of in _AREAS.items():
        times = f"{rates[of] / rates[name]:.1f} ×" if of else ""
        lines.append(f"| {name} | {rates[name]} | {times} | {f'{equal[name]:.4%}' if name in equal else ''} |")
    lines.append(
        _PLACE.format(
            addresses=seen["register"]["addresses"],
            enriched=seen["enrichment"]["whole enrichment, 500 a batch"],
            cost=seen["enrichment"]["cost"],
            nearest=seen["nearest"]["ours"],
            ratio=seen["nearest"]["ratio"],
            built=seen["register"]["built_seconds"],
        )
    )
    lines += ["| misspelt names | right | wrong | queries/s |", "|---|---|---|---|"]
    for slips, both in seen["names"].items():
        for name, v in both.items():
            lines.append(f"| {name}, slips: {slips} | {v['right']:.1%} | {v['wrong']:.1%} | {v['rate']} |")
    return lines


def _gis(seen: dict[str, Any]) -> list[str]:
    pages, sweden = seen["pages"], seen["sweden"]
    times = {k: f"{pages[f'{k}_ms']['p50']} ms (p95 {pages[f'{k}_ms']['p95']})" for k in _PAGES}
    return [
        _GIS.format(
            features=pages["features"],
            first=times["first_pages"],
            late=times["late_pages"],
            box=times["box"],
            export=pages["export_features_per_s"],
            export_mb=pages["export_mb"],
            geo_mb=pages["geo_mb_afterwards"],
            addresses=sweden["addresses"],
            registers_mb=sweden["registers_mb"],
            first_answer=sweden["first_answer_ms"],
            kept=sweden["addresses_in_memory"],
            memory_mb=sweden["memory_mb"],
        )
    ]


_PAGES = ("first_pages", "late_pages", "box")


_DOOR = """
## The door

The door authenticates, judges versions, guards texts and commits report, revision, answer and outbox row before it
answers, beside FastAPI apps that only check the same reports by the same model. One serving process each; sender,
server and database share the machine; medians of three rounds.

| | single reports/s | p50, p99 of one, 16 at a time | lines/s in batches of 1 000 |
|---|---|---|---|
{rows}

Against the bare app: single reports {singles:.2f} ×, lines {lines:.2f} ×; lines against a list {listed:.2f} ×.
"""


def _door(found: dict[str, Any]) -> str:
    names = {"door": "the door", "bare": "bare app, lines checked by hand", "list": "bare app, a JSON list"}
    rows = []
    for name, label in names.items():
        seen = found[name]
        one = f"{seen['singles']:.0f} | {seen['p50_ms']:.0f}, {seen['p99_ms']:.0f} ms" if "singles" in seen else "|"
        rows.append(f"| {label} | {one} | {seen['lines']:.0f} |")
    ratios = found["ratios"]
    return _DOOR.format(
        rows="\n".join(rows),
        singles=ratios["singles against bare"],
        lines=ratios["lines against bare"],
        listed=ratios["lines against list"],
    )


def merged(page: str, fresh: str, when: str) -> str:
    """The page with the sections of ``fresh`` in place of its own of the same heading; the head is the fresh one.

    Each section that is new says ``when`` and on what it was measured.
    """
    head, *new = fresh.split(_SECTION)
    sections = {_heading(one): one for one in page.split(_SECTION)[1:]}
    for one in new:
        heading, _, rest = one.partition("\n")
        sections[_heading(one)] = f"{heading}\n\nMeasured {when}.\n{rest}"
    return _SECTION.join([head.rstrip("\n") + "\n", *(one.strip("\n") + "\n" for one in sections.values())])


_SECTION = "\n## "


def _heading(section: str) -> str:
    return section.partition("\n")[0]


def table(found: dict[str, Any]) -> str:
    """The page of what was measured; ``merged`` puts it where the rest stands."""
    lines = [HEAD]
    for kommuner in (40, 1):
        if f"flow_{kommuner}" in found:
            lines += _flow(found, kommuner)
    if "door" in found:
        lines.append(_door(found["door"]))
    if "latency" in found:
        seen = found["latency"]
        times = ", ".join(f"{n} {seen[n] * 1000:.0f} ms" for n in ("p50", "p95", "p99", "worst"))
        lines.append(
            "\n## From the request to the view\n\n"
            f"{seen['count']} reports handed in over HTTP, thirty a request, {seen['rate']} a second, all rooms on\n"
            "the same two cores as the sender. From the start of the request until the transaction that moves the\n"
            f"views has committed: {times}."
        )
    if "place" in found:
        lines += _place(found["place"])
    if "gis" in found:
        lines += _gis(found["gis"])
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
