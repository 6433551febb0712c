"""Cases about series: unusual weeks, trends, reports that come late."""

import math
import re
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from services.analysis.acceptance.cases import Adapter, Case, only
from services.analysis.statistics import bayes, cusum, delays, ears, farrington, trend
from services.analysis.statistics.baseline import baseline
from services.analysis.statistics.cusum import Scale
from services.analysis.statistics.farrington import Setting

Floats = npt.NDArray[np.float64]


def _c3(weeks: Floats, span: int, alpha: float, least: float) -> Floats:
    """EARS C3 as published: its alarm does not depend on the week that it speaks of, so it is no part of ours."""
    from scipy.special import ndtri

    mean, spread = ears.windows(weeks, baseline=span, lag=2)
    spread = np.maximum(spread, least)
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.maximum(0, (weeks - mean) / spread - 1)
        before = np.full(len(weeks), np.nan)
        before[2:] = beyond[1:-1] + beyond[:-2]
        return np.maximum(0, weeks + spread * (float(ndtri(1 - alpha)) - before))


def _ears(case: Case) -> tuple[Any, Any]:
    weeks, p = np.asarray(case.given()["observed"], float), case.params
    span, alpha, least = int(p["baseline"]), float(p["alpha"]), float(p.get("minSigma", 0))
    if p["method"] == "C3":
        upper = _c3(weeks, span, alpha, least)
    else:
        lag = {"C1": 0, "C2": 2}[p["method"]]
        upper = ears.limits(weeks, baseline=span, lag=lag, alpha=alpha, least_spread=least)
    return _weekly(case, weeks, upper)


def _weekly(case: Case, weeks: Floats, upper: Floats) -> tuple[Any, Any]:
    expect = only(case.expected(), "t", "observed", "upperbound", "alarm")
    at = [int(t) - 1 for t in expect["t"]]
    got = {
        "t": [i + 1.0 for i in at],
        "observed": [float(weeks[i]) for i in at],
        "upperbound": [float(upper[i]) for i in at],
        "alarm": [math.nan if math.isnan(upper[i]) else float(weeks[i] > upper[i]) for i in at],
    }
    return got, expect


def _bayes(case: Case) -> tuple[Any, Any]:
    weeks, p = np.asarray(case.given()["observed"], float), case.params
    upper = bayes.limits(
        weeks, years=int(p["b"]), half=int(p["w"]), alpha=float(p["alpha"]), recent=bool(p.get("actY"))
    )
    return _weekly(case, weeks, upper)


def _cusum(case: Case) -> tuple[Any, Any]:
    weeks, p = case.given()["observed"], case.params
    start = int(p["start"])
    asked = re.fullmatch(r"mean\(y\[(\d+):(\d+)\]\)", str(p["m"]))
    mean = float(np.mean(weeks[int(asked[1]) - 1 : int(asked[2])])) if asked else float(p["m"])
    scale: Scale = "second" if p["trans"] == "anscombe2nd" else p["trans"]
    steps = cusum.run(
        weeks[start - 1 :], mean, k=float(p["k"]), h=float(p["h"]), scale=scale, reset=bool(p.get("reset"))
    )
    expect = only(case.expected(), "t", "cusum", "upperbound", "alarm")
    got = {
        "t": [float(start + i) for i in range(len(steps))],
        "cusum": [s.sum for s in steps],
        "upperbound": [_published(s.threshold, mean, scale) for s in steps],
        "alarm": [float(s.alarm) for s in steps],
    }
    return got, expect


def _published(threshold: float, mean: float, scale: Scale) -> float:
    """The limit as the published program prints it: rounded up on the standard scale, another centre on the second."""
    if scale == "standard":
        return float(math.ceil(threshold))
    if scale == "second":
        ours, theirs = mean ** (-1 / 3) / 9, mean ** (1 / 3) / 9
        return float(max(0.0, threshold ** (2 / 3) + ours - theirs) ** 1.5)
    return threshold


def _setting(p: dict[str, Any]) -> Setting:
    method = p.get("thresholdMethod", "delta")
    if method not in {"nbPlugin", "delta"}:
        raise NotImplementedError(f"threshold {method} is not shipped")
    return Setting(
        years=int(p["b"]),
        half=int(p["w"]),
        seasons=int(p.get("noPeriods", 1)),
        past=int(p.get("pastWeeksNotIncluded", 26)),
        alpha=float(p.get("alpha", 0.01)),
        trend=bool(p.get("trend", True)),
        trend_below=float(p.get("pThresholdTrend", 1.0)),
        reweight=bool(p.get("reweight", True)),
        unusual=float(p.get("weightsThreshold", 2.58)),
        threshold="plugin" if method == "nbPlugin" else "delta",
        frequency=int(p.get("freq", 52)),
        by_date=bool(p.get("week_dates", int(p.get("freq", 52)) == 52)),
    )


def _dates(table: dict[str, list[Any]]) -> list[date]:
    if "date" in table:
        return [date.fromisoformat(d) for d in table["date"]]
    return [date(2001, 1, 1) + timedelta(weeks=i) for i in range(len(table["observed"]))]


def _farrington(case: Case) -> tuple[Any, Any]:
    table, setting = case.given(), _setting(dict(case.params))
    exposure = table["population"] if case.params.get("populationOffset") else None
    published = case.expected()
    names = ["t", "expected", "upperbound", "phi", "trend", "trendcoef", "alarm"]
    expect = only(published, *names, *(["pvalue"] if setting.threshold == "plugin" else []))
    got: dict[str, list[float]] = {name: [] for name in expect}
    for t in expect["t"]:
        found = farrington.verdict(table["observed"], _dates(table), int(t) - 1, exposure=exposure, setting=setting)
        if found is None:
            raise ValueError(f"history is too short at t = {t:g}")
        row = {
            "t": t,
            "expected": found.expected if found.enough else math.nan,
            "upperbound": found.limit if found.enough else math.nan,
            "pvalue": found.p,
            "phi": found.dispersion,
            "trend": float(found.trend is not None),
            "trendcoef": math.nan if found.trend is None else found.trend,
            "alarm": float(found.alarm),
        }
        for name, values in got.items():
            values.append(row[name])
    return got, expect


def _farrington_baseline(case: Case) -> tuple[Any, Any]:
    table, p = case.given(), case.params
    dates = _dates(table)
    found = baseline(
        dates,
        int(p["t"]) - 1,
        years=int(p["b"]),
        half=int(p["w"]),
        seasons=int(p["noPeriods"]),
        past=int(p["pastWeeksNotIncluded"]),
        frequency=int(p.get("freq", 52)),
        by_date=bool(p.get("week_dates", True)),
    )
    if found is None:
        raise ValueError("history is too short")
    got = {
        "response": [float(table["observed"][i]) for i in found.weeks],
        "wtime": [float(t) for t in found.times],
        "seasgroups": [float(s) for s in found.seasons],
        "vectorOfDates": [dates[i].isoformat() for i in found.weeks],
    }
    return got, only(case.expected(), *got)


def _trend(case: Case) -> tuple[Any, Any]:
    table = case.given()
    weeks = [date.fromisoformat(d) for d in table["week"]]
    published = case.expected()
    got, expect = {}, {}
    names = ("(Intercept)", "t", "sin(2 * pi * t)", "cos(2 * pi * t)")
    for series, numbers in published.items():
        found = trend.trend(table[series], weeks)
        if found is None:
            raise ValueError(f"too little in {series}")
        got[series] = {
            "coef": dict(zip(names, found.coefficients, strict=True)),
            "se_t": found.error,
            "p_t": found.p,
            "dispersion": found.dispersion,
            "pct_per_year": found.percent,
            "pct_lo95": found.interval.low,
            "pct_hi95": found.interval.high,
            "kendall_tau": found.tau,
        }
        expect[series] = {name: numbers[name] for name in got[series] if name in numbers}
    return got, expect


def _triangle(case: Case) -> Floats:
    table = case.given()
    return np.column_stack([np.asarray(table[name], float) for name in list(table)[1:]])


def _arrived(case: Case) -> tuple[Any, Any]:
    share = delays.arrived_share(_triangle(case))
    expect = only(case.expected(), "delay", "cdf")
    known = [float(share[int(d)]) if d < len(share) else 1.0 for d in expect["delay"]]
    return {"delay": expect["delay"], "cdf": known}, expect


def _nowcast(case: Case) -> tuple[Any, Any]:
    completed = delays.completed(_triangle(case))
    expect = case.expected()
    rows = [i for i, v in enumerate(expect["nowcast_lawless"]) if not math.isnan(v)]
    got = {"date": [expect["date"][i] for i in rows], "estimate": [float(completed[i]) for i in rows]}
    return got, {"date": got["date"], "estimate": [float(expect["nowcast_lawless"][i]) for i in rows]}


ADAPTERS: dict[str, Adapter] = {
    "ears": _ears,
    "bayes_alarm": _bayes,
    "cusum_poisson": _cusum,
    "farrington_flexible": _farrington,
    "farrington_baseline": _farrington_baseline,
    "quasipoisson_trend": _trend,
    "delay_cdf_reverse_hazard": _arrived,
    "nowcast": _nowcast,
}
