"""How right the geocoder is: a register and labelled queries in, a table per kind of query out.

Columns of a test set: variant, query, gata, nr, litt, e, n (EPSG:3006), as in geo reference §7.3. A variant that begins
with "no address" must find nothing; "street only" is right with the street; "missing number" at street level or near.
"""

import csv
import gc
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from services.geo.accuracy.invented import distractors, joined
from services.geo.domain.geocoding.answers import Answer, Candidate
from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.register import Register
from services.geo.domain.geocoding.words import spelling_of
from services.geo.importing.addresses import to_register
from services.geo.importing.columns import propose
from services.geo.importing.reading import BadFile, decoded, read_table

_ENDING = re.compile(r" \d+[^\W\d_]{0,2}(?: ?(?:U|UH|UV)\d+)?$", re.IGNORECASE)
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)
WITHIN = (25, 50, 100)


@dataclass
class Variant:
    """What became of the queries of one kind."""

    name: str
    outcomes: Counter[str] = field(default_factory=Counter)
    precisions: Counter[str] = field(default_factory=Counter)
    right: int = 0
    wrong: int = 0
    full: int = 0
    sure: int = 0
    sure_wrong: int = 0
    metres: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)
    by_confidence: list[tuple[float, bool]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; rates 0–1, metres over the answers that name a point of the right street."""
        n = max(1, sum(self.outcomes.values()))
        return {
            "variant": self.name,
            "queries": sum(self.outcomes.values()),
            "match_rate": round(self.right / n, 4),
            "false_match_rate": round(self.wrong / n, 4),
            "full_address_rate": round(self.full / n, 4),
            "sure_share": round(self.sure / n, 4),
            "sure_wrong_rate": round(self.sure_wrong / max(1, self.sure), 4),
            "outcomes": dict(self.outcomes),
            "precision": {k: round(v / n, 4) for k, v in self.precisions.most_common()},
            "error_m": {f"p{q}": _quantile(self.metres, q) for q in (50, 90, 95)},
            "within_m": {str(w): round(sum(m <= w for m in self.metres) / max(1, len(self.metres)), 4) for w in WITHIN},
            "latency_us": {f"p{q}": _quantile(self.microseconds, q) for q in (50, 99)},
        }


def _quantile(values: Sequence[float], percent: int) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if values else None


def read_queries(path: Path) -> list[dict[str, str]]:
    """The labelled queries; BadFile when columns are missing."""
    if not path.exists():
        raise BadFile("missing", name=path.name)
    rows = list(csv.DictReader(decoded(path.read_bytes(), path.name).splitlines()))
    missing = {"variant", "query", "gata"} - set(rows[0] if rows else {})
    if missing:
        raise BadFile("testset_columns", name=path.name, columns=", ".join(sorted(missing)))
    return rows


def measure(geocoder: Geocoder, queries: Sequence[dict[str, str]]) -> list[Variant]:
    """Ask every query once and hold the answer against its label, variant by variant in the order of the file."""
    variants: dict[str, Variant] = {}
    for row in queries[:200]:
        geocoder.find(row["query"])  # warm: the first calls build caches
    gc.collect()
    for row in queries:
        variant = variants.setdefault(row["variant"], Variant(row["variant"]))
        started = time.perf_counter_ns()
        answer = geocoder.find(row["query"])
        variant.microseconds.append((time.perf_counter_ns() - started) / 1000)
        _judge(variant, row, answer)
    return list(variants.values())


def _judge(variant: Variant, row: dict[str, str], answer: Answer) -> None:
    variant.outcomes[answer.outcome] += 1
    best = answer.best
    negative = variant.name.startswith("no address") or not row["gata"]
    if best is None:
        variant.right += negative
        return
    variant.precisions[best.precision] += 1
    right = not negative and _right(variant.name, row, best)
    variant.right += right
    variant.wrong += not right
    variant.by_confidence.append((best.confidence, right))
    if best.confidence >= 0.9:
        variant.sure += 1
        variant.sure_wrong += not right
    if negative:
        return
    wanted = f"{row.get('nr', '')}{row.get('litt', '') or ''}"
    variant.full += right and best.precision == "address" and spelling_of(_number(best)) == spelling_of(wanted)
    if right and row.get("e") and not variant.name.startswith("street only"):
        variant.metres.append(hypot(best.e - float(row["e"]), best.n - float(row["n"])))


def _right(variant: str, row: dict[str, str], best: Candidate) -> bool:
    """Whether the street is right, and the precision one that the query allows."""
    if not spelling_of(best.label).startswith(spelling_of(row["gata"])):
        return False
    if spelling_of(best.label.removesuffix(_number(best))) != spelling_of(row["gata"]):
        return False
    if variant.startswith("street only"):
        return best.precision == "street"
    if variant.startswith("missing number"):
        return best.precision in {"street", "near_number"}
    return True


def _number(best: Candidate) -> str:
    """Number, letters and supplement at the end of an address' label."""
    found = _ENDING.search(best.label) if best.precision in {"address", "address_other_letter", "near_number"} else None
    return found[0].strip() if found else ""


def calibration(variants: Iterable[Variant]) -> list[dict[str, Any]]:
    """How often answers of each confidence are right."""
    bins: dict[int, list[bool]] = defaultdict(list)
    for variant in variants:
        for confidence, right in variant.by_confidence:
            bins[int(np.searchsorted(BINS, confidence, side="right")) - 1].append(right)
    return [
        {"from": BINS[b], "to": min(1.0, BINS[b + 1]), "answers": len(v), "right": round(sum(v) / len(v), 4)}
        for b, v in sorted(bins.items())
    ]


def report(
    register: Path, testset: Path, *, negatives: Path | None = None, invented: int = 0, declared: str | None = None
) -> dict[str, Any]:
    """Everything that ``lagesbild check geocoder`` says; BadFile for a file that cannot be used."""
    queries = read_queries(testset)
    table = read_table(register)
    rows, tally = to_register(table, propose(list(table.columns)), None, None, declared=declared, name=register.name)
    if invented:
        rows = joined(rows, distractors(rows, invented))
    geocoder = Geocoder(Register(rows, source=register.stem, vintage=""))
    variants = measure(geocoder, queries)
    return {
        "register": {
            "addresses": len(rows),
            "streets": len(geocoder.streets),
            "read": tally.read,
            "left_out": dict(tally.left_out),
        },
        "queries": len(queries),
        "variants": [v.as_dict() for v in variants],
        "calibration": calibration(variants),
        "negatives": None if negatives is None else false_hits(geocoder, read_lines(negatives)),
    }


def read_lines(path: Path) -> list[str]:
    """The texts of a file, one a line; BadFile when it is missing."""
    if not path.exists():
        raise BadFile("missing", name=path.name)
    return [line for line in decoded(path.read_bytes(), path.name).splitlines() if line.strip()]


def false_hits(geocoder: Geocoder, texts: Sequence[str]) -> dict[str, Any]:
    """Texts that name no place and were given one."""
    hits = [
        {"text": t, "answer": best.label, "confidence": best.confidence}
        for t in texts
        if (best := geocoder.find(t).best)
    ]
    return {"texts": len(texts), "false_hits": len(hits), "hits": hits}
