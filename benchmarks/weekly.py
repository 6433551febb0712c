"""``python -m benchmarks.weekly``: the weekly signals of all of Sweden, and the methods beside their peers.

290 municipalities × 120 series of five years, in one process as ``analysis work`` does it; memory at the start and at
the end. Then, on the same data in the same run: Farrington's model beside statsmodels' GLM, Gi* beside esda. Medians
of five; ratios, since the machine is noisy. Writes ``benchmarks/weekly.md``.
"""

import argparse
import json
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.timing import timed
from services.analysis.domain import signals
from services.analysis.domain.series import Series, SeriesKey
from services.analysis.domain.signals import Ladder
from services.analysis.statistics import farrington
from services.analysis.statistics.baseline import baseline

HERE = Path(__file__).parent
WEEKS = 261
SERIES = 120
DATES = [date(2021, 11, 1) + timedelta(weeks=i) for i in range(WEEKS)]


def municipality(dice: np.random.Generator) -> list[Series]:
    """120 series as sparse as real ones: a median of half a report a week, some of ten."""
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(WEEKS) / 52.18)
    found = []
    for i in range(SERIES):
        mean = float(dice.lognormal(-0.5, 1.2))
        weeks = dice.poisson(mean * season)
        found.append(Series(SeriesKey(f"0000R{i:03}", "A"), tuple(int(n) for n in weeks), (20,) * WEEKS))
    return found


def sweden(count: int) -> dict[str, float]:
    """Seconds for all, and megabytes before and after."""
    dice = np.random.default_rng(1)
    process = psutil.Process()
    signals.run(municipality(dice), DATES, Ladder())
    before = process.memory_info().rss / 1e6
    seconds = 0.0
    for _ in range(count):
        series = municipality(dice)
        began = time.perf_counter()
        signals.run(series, DATES, Ladder())
        seconds += time.perf_counter() - began
    return {"seconds": seconds, "mb_before": before, "mb_after": process.memory_info().rss / 1e6}


def model_beside_glm() -> dict[str, float]:
    """Farrington's fit and statsmodels' over the same baselines: times, and the largest difference of a mean."""
    import statsmodels.api as sm

    dice = np.random.default_rng(2)
    base = baseline(DATES, WEEKS - 1, years=4, half=3, seasons=10, past=26)
    if base is None:
        raise ValueError("five years are history enough")
    levels = sorted(set(base.seasons.tolist()))[1:]
    design = np.column_stack(
        [np.ones(len(base.weeks)), base.times, *((base.seasons == s).astype(float) for s in levels)]
    )
    counts = [dice.poisson(5, WEEKS).astype(float)[base.weeks] for _ in range(40)]
    ones = np.ones(len(base.weeks))

    def ours() -> list[Any]:
        return [farrington._poisson(y, design, 0 * ones, ones).mean for y in counts]  # noqa: SLF001 - what is measured

    def theirs() -> list[Any]:
        return [sm.GLM(y, design, family=sm.families.Poisson()).fit(tol=1e-8).mu for y in counts]

    apart = max(float(np.abs(a - b).max()) for a, b in zip(ours(), theirs(), strict=True))
    return {"ours": timed(ours) / 40, "theirs": timed(theirs) / 40, "apart": apart}


def hot_cells() -> dict[str, float]:
    """Gi* beside esda, in the environment of the alternatives; nothing where that was not made (``make bench``)."""
    python = HERE.parent / ".venv-bench" / "bin" / "python"
    if not python.exists():
        return {}
    done = subprocess.run(
        [python, "-m", "benchmarks.contenders.cells"], cwd=HERE.parent, capture_output=True, check=True
    )
    return dict(json.loads(done.stdout))


def page(found: dict[str, Any]) -> str:
    """The table for people."""
    all_of, model, cells = found["sweden"], found["model"], found["cells"]
    beside = "| Gi*, 19 881 cells | – | not measured: `make bench` installs esda | – |\n"
    if cells:
        ours, theirs = 1000 * cells["ours"], 1000 * cells["theirs"]
        beside = f"| Gi*, 19 881 cells | {ours:.0f} ms | {theirs:.0f} ms (esda) | {cells['apart']:.0e} |\n"
    return (
        "# Weekly signals\n\n"
        f"`python -m benchmarks.weekly`: {found['municipalities']} municipalities × {SERIES} series of five years take "
        f"**{all_of['seconds']:.0f} s** in one process;\nmemory {all_of['mb_before']:.0f} MB before, "
        f"{all_of['mb_after']:.0f} MB after.\n\n"
        "| | ours | peer in the same run | largest difference |\n|---|---|---|---|\n"
        f"| Farrington's model, one fit | {1000 * model['ours']:.2f} ms | {1000 * model['theirs']:.2f} ms (statsmodels "
        f"GLM) | {model['apart']:.0e} |\n"
        f"{beside}"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weekly")
    parser.add_argument("--municipalities", type=int, default=290)
    count = parser.parse_args().municipalities
    found = {"municipalities": count, "sweden": sweden(count), "model": model_beside_glm(), "cells": hot_cells()}
    (HERE / "weekly.md").write_text(page(found), "utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
