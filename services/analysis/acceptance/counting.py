"""Cases about counts: intervals, two counts, windows, measures, rates, many tests, unknown time."""

from datetime import datetime
from typing import Any

from services.analysis.acceptance.cases import Adapter, Case, only
from services.analysis.statistics import counts, effect, multiplicity, rates
from services.analysis.statistics.effect import NOWHERE, Effect, Pair
from services.analysis.views import SWEDEN
from services.analysis.views.rhythm import overlaps


def _garwood(case: Case) -> tuple[Any, Any]:
    rows = case.given()
    found = [counts.garwood(int(r["k"])) for r in rows]
    got = [{"k": r["k"], "lo": i.low, "hi": i.high} for r, i in zip(rows, found, strict=True)]
    return got, case.expected()


def _two_counts(case: Case) -> tuple[Any, Any]:
    g = case.given()
    numbers = (int(g["k1"]), float(g["n1"]), int(g["k2"]), float(g["n2"]))
    ratio = counts.ratio_interval(*numbers)
    got = {
        "p_etest": counts.e_test(*numbers),
        "p_conditional_exact": counts.exact_p(*numbers),
        "rate_ratio_ci95": [ratio.low, ratio.high],
    }
    return got, case.expected()


def _naus(case: Case) -> tuple[Any, Any]:
    g = case.given()
    return counts.some_window_p(int(g["L"]), float(g["mu"]), int(g["n"])), case.expected()


def _funnel(case: Case) -> tuple[Any, Any]:
    table, rate = case.given(), float(case.params["rate_per_1000"]) / 1000
    got: dict[str, list[float]] = {}
    for alpha in ("0.05", "0.002"):
        found = [counts.funnel(rate, n, float(alpha)) for n in table["pop"]]
        got[f"lo_q{alpha}"] = [1000 * f.exact.low for f in found]
        got[f"hi_q{alpha}"] = [1000 * f.exact.high for f in found]
        got[f"lo_chisq{alpha}"] = [1000 * f.smooth.low for f in found]
        got[f"hi_chisq{alpha}"] = [1000 * f.smooth.high for f in found]
    return got, only(case.expected(), *got)


def _pairs(given: dict[str, Any], weights: list[float]) -> list[Pair]:
    names = ("control", "treated", "disp_control", "disp_treated")
    return [
        Pair(given[name][0], given[name][1], weight) if name in given else NOWHERE
        for name, weight in zip(names, weights, strict=True)
    ]


def _wdd(case: Case) -> tuple[Any, Any]:
    g = case.given()
    control, treated, moved_control, moved = _pairs(g, g.get("area_weights", [1.0] * 4))
    found: Effect = effect.displacement_difference(
        treated,
        control,
        (moved, moved_control),
        time=tuple(g.get("time_weights", (1.0, 1.0))),
        level=1 - float(g.get("alpha", 0.10)),
    )
    got = {
        "Est_Local": found.local,
        "SE_Local": found.local_error,
        "Est_Displace": found.displaced,
        "SE_Displace": found.displaced_error,
        "Est_Total": found.total,
        "SE_Total": found.error,
        "Z": found.z,
        "LowCI": found.interval.low,
        "HighCI": found.interval.high,
    }
    return got, case.expected()


def _harm(case: Case) -> tuple[Any, Any]:
    g = case.given()
    treated = {name: Pair(*pair) for name, pair in g["treated"].items()}
    control = {name: Pair(*pair) for name, pair in g["control"].items()}
    weights = dict(zip(treated, g["weight"], strict=True))
    total, error, interval = effect.harm_difference(treated, control, weights, 1 - float(g.get("alpha", 0.10)))
    got = {"HarmEst": total, "SE_HarmEst": error, "Z": total / error, "LowCI": interval.low, "HighCI": interval.high}
    return got, case.expected()


def _empirical_bayes(case: Case) -> tuple[Any, Any]:
    table = case.given()
    return rates.shrunken(table["SID74"], table["BIR74"]).tolist(), case.expected()


def _many(case: Case) -> tuple[Any, Any]:
    p = case.given()["p"]
    got = {"BH": multiplicity.adjusted(p, "bh").tolist(), "BY": multiplicity.adjusted(p, "by").tolist()}
    return got, only(case.expected(), "BH", "BY")


def _aoristic(case: Case) -> tuple[Any, Any]:
    found = []
    for row in case.given():
        start, end = (datetime.fromisoformat(row[k]).replace(tzinfo=SWEDEN) for k in ("begin", "end"))
        parts = overlaps(start, end)
        whole = sum(parts.values())
        weights = {f"{slot // 24}_{slot % 24}": part / whole for slot, part in parts.items()}
        found.append({"begin": row["begin"], "end": row["end"], "weights": weights})
    return found, case.expected()


ADAPTERS: dict[str, Adapter] = {
    "poisson_exact_ci": _garwood,
    "poisson_etest": _two_counts,
    "naus_scan_p": _naus,
    "funnel_limits": _funnel,
    "wdd": _wdd,
    "wdd_harm": _harm,
    "eb_marshall_global": _empirical_bayes,
    "fdr_bh_by": _many,
    "aoristic_week_hour": _aoristic,
}
