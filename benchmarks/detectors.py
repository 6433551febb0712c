"""``python -m benchmarks.detectors``: how often the alerts are wrong, and how soon they see a rise; by simulation.

Weekly counts with a season of ±30 %, five years of history, a year watched. The grid and the published rates are those
of the project's statistics reference (§4.9, §5), read from the shared data where that is. A rate is called kept when it
is not above the published one by more than a 99 % binomial band, and a detection when it is not below. Writes
``benchmarks/detectors.md``.
"""

import argparse
import csv
import json
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.analysis.domain import signals
from services.analysis.domain.series import Series, SeriesKey
from services.analysis.domain.signals import Ladder
from services.analysis.statistics import bayes, cusum, ears, farrington
from tests.support.data import shared

HERE = Path(__file__).parent
HISTORY, WATCHED, PUBLISHED_SERIES = 260, 52, 60
RATIOS = (2, 3)
DOUBLED = 2.0
NOMINAL = 0.01
PUBLISHED_GROWTH = {
    "Farrington": "farrington_no_offset",
    "Farrington beside reporters": "farrington_offset",
    "C2": "ears_c2",
}
"""Our name → the column of the published table."""
OURS = ("ours, as counted", "ours, both must point up")
"""The weekly run's ladder: the last week and the last four together."""
METHODS = {
    "C2 b28 a.01": "C2 b28",
    "C2 b28 a.01 minSigma=.5": "C2 b28, floor 0.5",
    "CUSUM rossi k1.04 h2.26 reset": "CUSUM with reset",
    "Bayes b3 w3 a.01": "Bayes b3w3",
    "FarringtonFlex nbPlugin a.01": "Farrington",
}
Floats = npt.NDArray[np.float64]
DATES = [date(2018, 1, 1) + timedelta(weeks=i) for i in range(HISTORY + WATCHED)]
SEASON = 1 + 0.3 * np.sin(2 * np.pi * np.arange(HISTORY + WATCHED) / 52.18)


@dataclass(frozen=True, slots=True)
class Seen:
    """Alarms in quiet weeks of so many, and rises found within four weeks of so many, by their ratio."""

    alarms: int
    weeks: int
    found: dict[int, int]
    rises: int


def counts(dice: np.random.Generator, mean: Floats, dispersion: float) -> Floats:
    """Poisson, or negative binomial with variance = dispersion × mean."""
    if dispersion <= 1:
        return np.asarray(dice.poisson(mean), float)
    return np.asarray(dice.negative_binomial(mean / (dispersion - 1), 1 / dispersion), float)


def alarms(method: str, y: Floats, weeks: Iterable[int]) -> list[bool]:
    """Whether each of these weeks alarms."""
    if method.startswith("C2"):
        limits = ears.limits(y, baseline=28, lag=2, alpha=0.01, least_spread=0.5 if "minSigma" in method else 0.0)
        return [bool(y[t] > limits[t]) for t in weeks]
    if method.startswith("Bayes"):
        limits = bayes.limits(y)
        return [bool(y[t] > limits[t]) for t in weeks]
    if method.startswith("CUSUM"):
        chosen = list(weeks)
        steps = cusum.run(y[HISTORY : max(chosen) + 1].tolist(), max(float(y[:HISTORY].mean()), 0.02))
        return [steps[t - HISTORY].alarm for t in chosen]
    return [(v := farrington.verdict(y, DATES, t)) is not None and v.alarm if _enough(y, t) else False for t in weeks]


def _enough(y: Floats, t: int) -> bool:
    return float(y[t - 3 : t + 1].sum()) >= farrington.ENOUGH_EVENTS


def grid_cell(job: tuple[float, float, str, int]) -> Seen:
    """One mean, dispersion and method over so many series."""
    mean, dispersion, method, series = job
    dice = np.random.default_rng(abs(hash((mean, dispersion))) % 2**32)
    quiet, found = 0, dict.fromkeys(RATIOS, 0)
    for _ in range(series):
        y = counts(dice, mean * SEASON, dispersion)
        quiet += sum(alarms(method, y, range(HISTORY, HISTORY + WATCHED)))
        start = int(dice.integers(HISTORY, HISTORY + WATCHED - 4))
        for ratio in RATIOS:
            raised = y.copy()
            raised[start : start + 4] = counts(dice, ratio * mean * SEASON[start : start + 4], dispersion)
            found[ratio] += any(alarms(method, raised, range(start, start + 4)))
    return Seen(quiet, series * WATCHED, found, series)


def growth_cell(job: tuple[float, float, int]) -> dict[str, float]:
    """One mean and growth of reporters in the watched year: the rates of quiet weeks that alarm, by what is asked.

    Those of ``PUBLISHED_GROWTH`` test a single week by one method, as the published table does.
    """
    mean, factor, series = job
    dice = np.random.default_rng(abs(hash((mean, factor, 1))) % 2**32)
    reporters = np.array([20.0] * HISTORY + [20.0 * factor] * WATCHED)
    asked = dict.fromkeys((*PUBLISHED_GROWTH, *OURS), 0)
    for _ in range(series):
        y = counts(dice, mean * SEASON * reporters / 20, 1.0)
        asked["C2"] += sum(alarms("C2 b28 a.01", y, range(HISTORY, HISTORY + WATCHED)))
        asked["Farrington"] += sum(alarms("FarringtonFlex", y, range(HISTORY, HISTORY + WATCHED)))
        for t in range(HISTORY, HISTORY + WATCHED):
            weeks, size = tuple(int(n) for n in y[: t + 1]), tuple(int(n) for n in reporters[: t + 1])
            finding = signals.assess(Series(SeriesKey("", "A"), weeks, size), DATES[: t + 1], Ladder())
            enough = finding.last_four >= signals.FEWEST_IN_FOUR_WEEKS
            beside = farrington.verdict(y, DATES, t, exposure=reporters) if _enough(y, t) else None
            asked["Farrington beside reporters"] += beside is not None and beside.alarm
            asked["ours, as counted"] += enough and finding.plain.alarm
            asked["ours, both must point up"] += finding.alarm
    return {name: n / (series * WATCHED) for name, n in asked.items()}


def _band(published: float, published_n: int, seen: int, n: int) -> float:
    """How far a share may lie from a published one by chance in both: 99 %, both taken together, one of each added."""
    share = (published * published_n + seen + 1) / (published_n + n + 2)
    return 2.576 * math.sqrt(share * (1 - share) * (1 / n + 1 / published_n))


def held(row: dict[str, Any], seen: Seen) -> dict[str, bool]:
    """Whether the cell is as good as the published one, or better."""
    rate, weeks = float(row["fpr"]), WATCHED * PUBLISHED_SERIES
    kept = {"fpr": seen.alarms / seen.weeks <= rate + _band(rate, weeks, seen.alarms, seen.weeks)}
    for ratio in RATIOS:
        share = float(row[f"pod_rr{ratio}"])
        found = seen.found[ratio] / seen.rises
        kept[f"x{ratio}"] = found >= share - _band(share, PUBLISHED_SERIES, seen.found[ratio], seen.rises)
    return kept


def growth_held(row: dict[str, Any], rates: dict[str, float], weeks: int) -> dict[str, bool]:
    """Whether no rate is above the published one beyond chance; ours, with twice the reporters, 1.5 × the nominal."""
    held = {}
    for name, column in PUBLISHED_GROWTH.items():
        published = float(row[column])
        band = _band(published, WATCHED * PUBLISHED_SERIES, round(rates[name] * weeks), weeks)
        held[name] = rates[name] <= published + band
    beside, ours = float(row["farrington_offset"]), rates[OURS[1]]
    band = _band(beside, WATCHED * PUBLISHED_SERIES, round(ours * weeks), weeks)
    held[OURS[1]] = ours <= (1.5 * NOMINAL if float(row["reporter_factor"]) == DOUBLED else beside + band)
    return held


def page(cells: Sequence[dict[str, Any]], growth: Sequence[dict[str, Any]], series: int) -> str:
    """The table for people."""
    lines = [
        "# How the alerts behave\n",
        "`python -m benchmarks.detectors` (some minutes on two cores): simulated weeks, season ±30 %, five years of",
        f"history, {series} series × {WATCHED} weeks a row. False alarms per quiet week, and the share of rises of",
        "four weeks that were found within them; in brackets the published rate. **No**: worse beyond chance, of",
        "which two or three in 210 are to be expected.\n",
        "| mean a week, dispersion | method | false alarms | found ×2 | found ×3 |",
        "|---|---|---|---|---|",
    ]
    for c in cells:
        kept = c["held"]
        said = [
            f"{ours:.{digits}f} ({float(theirs):.{digits}f}){'' if ok else ' **No**'}"
            for ours, theirs, digits, ok in (
                (c["fpr"], c["published"]["fpr"], 3, kept["fpr"]),
                (c["x2"], c["published"]["pod_rr2"], 2, kept["x2"]),
                (c["x3"], c["published"]["pod_rr3"], 2, kept["x3"]),
            )
        ]
        lines.append(f"| {c['mean']:g}, {c['dispersion']:g} | {METHODS[c['method']]} | {' | '.join(said)} |")
    lines += [
        "\n## When only the reporters become more\n",
        "Nothing changes but the number of reporters, in the year that is watched. False alarms per week, nominal",
        f"{NOMINAL:g}; in brackets the published rate. Farrington and C2 test one week. Ours is the weekly run, which",
        "tests the last four weeks together too: as counted it sees a lasting growth sooner, so both must point up.",
        "**No**: above the published rate beyond chance; of ours, above that of Farrington beside reporters, and with",
        f"twice the reporters above {1.5 * NOMINAL:g}.\n",
        "| mean a week, reporters × | " + " | ".join(growth[0]["rates"]) + " |",
        "|---|" + "---|" * len(growth[0]["rates"]),
        *(f"| {g['mean']:g}, {g['factor']:g} | " + " | ".join(_growth_said(g)) + " |" for g in growth),
    ]
    return "\n".join(lines) + "\n"


def _growth_said(one: dict[str, Any]) -> list[str]:
    said = []
    for name, rate in one["rates"].items():
        published = PUBLISHED_GROWTH.get(name)
        said.append(f"{rate:.3f}" + (f" ({float(one['published'][published]):.3f})" if published else ""))
        said[-1] += "" if one["held"].get(name, True) else " **No**"
    return said


def main() -> None:
    """Simulate, compare, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detectors")
    parser.add_argument("--series", type=int, default=200)
    series = parser.parse_args().series
    with Path(shared("stats/sim_detectors.csv")).open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    jobs = [(float(r["mu"]), float(r["phi"]), r["method"], series) for r in published]
    with Path(shared("stats/sim_reporter_bias.csv")).open(encoding="utf-8") as file:
        published_growth = list(csv.DictReader(file))
    steps = [(float(r["mu"]), float(r["reporter_factor"]), series) for r in published_growth]
    with ProcessPoolExecutor(2) as pool:
        seen = list(pool.map(grid_cell, jobs))
        rates = list(pool.map(growth_cell, steps))
    cells: list[dict[str, Any]] = [
        {
            "mean": float(r["mu"]),
            "dispersion": float(r["phi"]),
            "method": r["method"],
            "fpr": s.alarms / s.weeks,
            "x2": s.found[2] / s.rises,
            "x3": s.found[3] / s.rises,
            "published": r,
            "held": held(r, s),
        }
        for r, s in zip(published, seen, strict=True)
    ]
    growth: list[dict[str, Any]] = [
        {"mean": m, "factor": f, "rates": r, "published": p, "held": growth_held(p, r, series * WATCHED)}
        for (m, f, _), r, p in zip(steps, rates, published_growth, strict=True)
    ]
    (HERE / "detectors.md").write_text(page(cells, growth, series), "utf-8")
    worse = [c for c in cells if not all(c["held"].values())]
    doubled = [g["rates"][OURS[1]] for g in growth if g["factor"] == DOUBLED]
    summary = {
        "cells": len(cells),
        "worse": [{k: c[k] for k in ("mean", "dispersion", "method", "held")} for c in worse],
        "growth worse": [{k: g[k] for k in ("mean", "factor", "held")} for g in growth if not all(g["held"].values())],
        "twice the reporters": doubled,
        "first": asdict(seen[0]),
    }
    print(json.dumps(summary, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
