"""How right the privacy guard is: ``check guard``."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from services.runtime.terminal import AsJson, answer, fail

Lines = Annotated[Path, typer.Option("--lines", help='JSON Lines of {"text", "expect": [reason codes]}.')]


def check_guard(lines: Lines, as_json: AsJson = False) -> None:
    """Precision and recall of the privacy guard on texts with known answers, whole and per reason code."""
    if not lines.is_file():
        raise fail(f"There is no {lines}.", 2)
    rows = []
    for number, line in enumerate(lines.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append((number, str(row["text"]), {str(code) for code in row["expect"]}))
        except (ValueError, KeyError, TypeError):
            raise fail(f'Line {number} is not {{"text": …, "expect": […]}}.', 2) from None
    report = measured(rows)
    answer(report, as_json=as_json, human=_table(report))


def measured(rows: list[tuple[int, str, set[str]]]) -> dict[str, Any]:
    """Precision and recall over all (line, code) pairs, per code, and what was found per line."""
    from services.ingest.guard import codes

    right: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    found = []
    for number, text, expected in rows:
        got = set[str](codes(text))
        right.update(got & expected)
        extra.update(got - expected)
        missed.update(expected - got)
        found.append({"line": number, "found": sorted(got), "expect": sorted(expected)})
    names = sorted(right | extra | missed)
    per_code = {n: _rates(right[n], extra[n], missed[n]) for n in names}
    whole = _rates(right.total(), extra.total(), missed.total())
    return {**whole, "codes": per_code, "lines": found}


def _rates(right: int, extra: int, missed: int) -> dict[str, float]:
    return {
        "precision": round(right / (right + extra), 4) if right + extra else 1.0,
        "recall": round(right / (right + missed), 4) if right + missed else 1.0,
    }


def _table(report: dict[str, Any]) -> str:
    rows = [("all", report), *report["codes"].items()]
    lines = [f"{name:22} precision {r['precision']:.3f}  recall {r['recall']:.3f}" for name, r in rows]
    wrong = [line for line in report["lines"] if line["found"] != line["expect"]]
    lines += [f"line {w['line']}: found {w['found']}, expected {w['expect']}" for w in wrong]
    return "\n".join(lines)
