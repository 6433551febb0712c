"""How right the geocoder is: ``check geocoder``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.geo.cli.reaching import Crs
from services.runtime.terminal import AsJson, answer, fail

RegisterFile = Annotated[Path, typer.Option("--register", help="Address register: CSV, GeoPackage, Shapefile …")]
TestSet = Annotated[Path, typer.Option("--testset", help="Labelled queries: variant, query, gata, nr, litt, e, n.")]
Negatives = Annotated[Path | None, typer.Option("--negatives", help="Texts without an address, one a line.")]
Distractors = Annotated[int, typer.Option("--distractors", min=0, max=50_000, help="Invented streets to add.")]
_RATES = ("right", "wrong", "full", ">=0.9", "wrong")
_MEASURES = ("p50 m", "p95 m", "p50 us", "p99 us")


def check_geocoder(
    register: RegisterFile,
    testset: TestSet,
    negatives: Negatives = None,
    distractors: Distractors = 0,
    crs: Crs = None,
    as_json: AsJson = False,
) -> None:
    """How right the geocoder is on a register and a test set: matches, false matches, metres, calibration, speed."""
    from services.geo.accuracy import measuring
    from services.geo.importing.reading import BadFile

    try:
        report = measuring.report(register, testset, negatives=negatives, invented=distractors, declared=crs)
    except BadFile as wrong:
        raise fail(str(wrong), 2) from None
    answer(report, as_json=as_json, human=_table(report))


def _table(report: dict[str, Any]) -> str:
    """The report as lines for people: rates in per cent, metres, microseconds."""
    register = report["register"]
    lines = [
        f"{register['addresses']} addresses on {register['streets']} streets, {report['queries']} queries",
        f"{'variant':30} {' '.join(f'{h:>6}' for h in _RATES)} {' '.join(f'{h:>7}' for h in _MEASURES)}",
    ]
    for v in report["variants"]:
        rates = [v["match_rate"], v["false_match_rate"], v["full_address_rate"], v["sure_share"], v["sure_wrong_rate"]]
        numbers = [v["error_m"]["p50"], v["error_m"]["p95"], v["latency_us"]["p50"], v["latency_us"]["p99"]]
        cells = [f"{100 * r:6.2f}" for r in rates] + [f"{'–' if n is None else n:>7}" for n in numbers]
        lines.append(f"{v['variant'][:30]:30} {' '.join(cells)}")
    lines.append(
        "confidence: "
        + ", ".join(f"{c['from']}–{c['to']}: {c['right']:.1%} of {c['answers']}" for c in report["calibration"])
    )
    if report["negatives"] is not None:
        lines.append(
            f"without an address: {report['negatives']['false_hits']} false hits in {report['negatives']['texts']}"
        )
        lines += [f"  {hit['text']} → {hit['answer']} ({hit['confidence']})" for hit in report["negatives"]["hits"]]
    return "\n".join(lines)
