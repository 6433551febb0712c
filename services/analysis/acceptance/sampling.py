"""Cases about surveys."""

from typing import Any

import numpy as np

from services.analysis.acceptance.cases import Adapter, Case
from services.analysis.statistics import surveys
from services.analysis.statistics.surveys import Answers, Estimate


def _answers(table: dict[str, list[Any]], column: str, *, clustered: bool, finite: bool = True) -> Answers:
    values = np.array([float(v == "Yes") if isinstance(v, str) else v for v in table[column]], float)
    one = np.zeros(len(values)).astype(object)
    return Answers(
        values,
        np.array(table["pw"], float),
        one if clustered else np.array(table["stype"], object),
        np.array(table["dnum"], object) if clustered else None,
        np.array(table["fpc"], float) if finite else None,
    )


def _estimates(case: Case) -> tuple[Any, Any]:
    of_strata, of_clusters = (case.read(name) for name in case.input)
    strata = _answers(of_strata, "api00", clustered=False)
    clusters = _answers(of_clusters, "api00", clustered=True)
    alone = strata._replace(strata=np.zeros(len(strata.values)).astype(object), population=None)
    share = surveys.mean(_answers(of_strata, "sch.wide", clustered=False))
    totals = dict(zip(of_strata["stype"], (float(n) for n in of_strata["fpc"]), strict=True))
    clustered = surveys.mean(clusters)
    logit = share.share_interval()
    got = {
        "strat_mean": _plain(surveys.mean(strata)),
        "strat_mean_nofpc": _plain(surveys.mean(strata._replace(population=None))),
        "weights_only_mean": _plain(surveys.mean(alone)),
        "clus1_mean": _plain(clustered),
        "strat_prop_logit": {"est": share.value, "se": share.error, "lo.2.5%": logit.low, "hi.97.5%": logit.high},
        "deff_clus1": surveys.design_effect(clusters, clustered),
        "poststrat_mean": _plain(surveys.post_stratified(clusters, of_clusters["stype"], totals)),
        "kish_neff_strat": surveys.effective_answers(of_strata["pw"]),
        "by_stype": _by_type(strata, of_strata["stype"]),
    }
    published = case.expected()
    return got, {
        name: {k: published[name][k] for k in numbers} if isinstance(numbers, dict) else published[name]
        for name, numbers in got.items()
    }


def _plain(estimate: Estimate) -> dict[str, float]:
    return {"est": estimate.value, "se": estimate.error}


def _by_type(answers: Answers, types: list[str]) -> dict[str, Any]:
    names = sorted(set(types))
    found = []
    for name in names:
        here = np.array([t == name for t in types])
        part = Answers(*(None if column is None else column[here] for column in answers))  # type: ignore[arg-type]  # rows
        found.append(surveys.mean(part))
    return {"stype": names, "est": [e.value for e in found], "se": [e.error for e in found]}


def _shares(case: Case) -> tuple[Any, Any]:
    table = case.given()
    found = [surveys.share_interval(int(x), int(n)) for x, n in zip(table["x"], table["n"], strict=True)]
    exact = [surveys.exact_share_interval(int(x), int(n)) for x, n in zip(table["x"], table["n"], strict=True)]
    got = {
        "x": table["x"],
        "n": table["n"],
        "wilson_lo": [i.low for i in found],
        "wilson_hi": [i.high for i in found],
        "cp_lo": [i.low for i in exact],
        "cp_hi": [i.high for i in exact],
    }
    return got, case.expected()


ADAPTERS: dict[str, Adapter] = {"survey_estimates": _estimates, "proportion_ci": _shares}
