"""What a case says, as a document: frozen with its numbers, method, parameters and the data it stood on.

A revision is never changed. What a later correction does to the numbers of an earlier week is said in a new revision,
beside the numbers as they were (``now``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from services.analysis.domain.cases import Move, Open
from services.analysis.domain.series import SeriesKey
from services.analysis.domain.signals import Finding, Ladder, Side

Document = dict[str, Any]
GATHERED = "scan"
"""The method of evidence that is no weekly series but a gathering in space and time (``emerging``)."""


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _side(side: Side) -> Document:
    return {"expected": _number(side.expected), "limit": _number(side.limit), "p": side.p, "alarm": side.alarm}


def evidence(finding: Finding) -> Document:
    """One series' week: what was seen, what was expected, by which method."""
    return {
        "area": finding.key.area,
        "kind": finding.key.kind,
        "method": finding.method,
        "history_weeks": finding.history,
        "weeks": finding.weeks,
        "observed": finding.observed,
        "last_four_weeks": finding.last_four,
        **_side(finding.plain),
        "adjusted": None if finding.adjusted is None else _side(finding.adjusted),
        "q": finding.q,
        "exceedance": _number(finding.exceedance),
        "state": finding.state,
    }


def run_document(week: date, findings: Sequence[Finding], ladder: Ladder, data: Document) -> Document:
    """What a run found: how many series were tested, and each that had enough to speak of."""
    return {
        "week": week.isoformat(),
        "ladder": asdict(ladder),
        "data": data,
        "tested": len(findings),
        "findings": [evidence(f) for f in findings if f.state != "quiet" or f.last_four >= 5],
    }


def opened(move: Move, week: date, ladder: Ladder, data: Document) -> Document:
    """The first revision of a case."""
    return {
        "reason": "signal",
        "lead": _key(move.evidence[0].key),
        "series": sorted(_key(f.key) for f in move.evidence),
        "since": week.isoformat(),
        "week": week.isoformat(),
        "last_alarm_week": week.isoformat(),
        "alarm_weeks": [week.isoformat()],
        "evidence": [_of_week(f, week) for f in move.evidence],
        "ladder": asdict(ladder),
        "data": data,
    }


def _of_week(finding: Finding, week: date) -> Document:
    return evidence(finding) | {"week": week.isoformat()}


def carried_on(before: Document, move: Move, week: date, ladder: Ladder, data: Document) -> Document:
    """The next revision of a case in which a series alarmed again."""
    known = [list(key) for key in before["series"]]
    gathered = [e for e in before["evidence"] if e["method"] == GATHERED]
    return before | {
        "reason": "signal",
        "series": sorted([*known, *(k for f in move.evidence if (k := _key(f.key)) not in known)]),
        "week": week.isoformat(),
        **alarmed(before, week),
        "evidence": [*(_of_week(f, week) for f in move.evidence), *gathered],
        "ladder": asdict(ladder),
        "data": data,
        "now": corrections(before, gathered=True),
    }


def corrections(document: Document, *, gathered: bool) -> list[Document] | None:
    """What corrections did to a case's gathering, or to its series; None for nothing."""
    return [e for e in document.get("now") or () if (e.get("method") == GATHERED) is gathered] or None


def alarmed(before: Document, week: date) -> Document:
    """The weeks of a case with one more: one that was told by a night and by its week's run is one."""
    weeks = sorted({*before["alarm_weeks"], week.isoformat()})
    return {"alarm_weeks": weeks, "last_alarm_week": weeks[-1]}


def over(before: Document, week: date, data: Document) -> Document:
    """The revision that ends a case: four weeks without an alarm."""
    return before | {"reason": "over", "week": week.isoformat(), "until": week.isoformat(), "data": data}


def corrected(before: Document, now: Sequence[Finding], data: Document) -> Document | None:
    """A revision that says what corrections did to the week of the evidence; None when they did nothing new."""
    fresh = [_side(f.plain) | {"area": f.key.area, "kind": f.key.kind, "observed": f.observed} for f in now]
    shown = corrections(before, gathered=False) or before["evidence"]
    seen = {(e["area"], e["kind"]): e["observed"] for e in shown if e.get("method") != GATHERED}
    if all(seen.get((f["area"], f["kind"])) == f["observed"] for f in fresh):
        return None
    return before | {"reason": "corrected", "now": [*fresh, *(corrections(before, gathered=True) or ())], "data": data}


def gathering(document: Document) -> Document | None:
    """The gathering of a case's evidence, if it has one."""
    return next((e for e in document["evidence"] if e["method"] == GATHERED), None)


def gathering_corrected(before: Document, observed: int, data: Document) -> Document | None:
    """A revision that says how many reports a case's gathering has by now; None where that is no news.

    Its ``data`` stand beside the gathering: by those of the case the weekly look knows that it has not seen these.
    """
    evidence = gathering(before)
    if evidence is None:
        return None
    if (corrections(before, gathered=True) or [evidence])[0]["observed"] == observed:
        return None
    fresh = {key: evidence[key] for key in ("area", "kind", "method")} | {"observed": observed}
    return before | {
        "reason": "corrected",
        "now": [*(corrections(before, gathered=False) or ()), fresh],
        "scan": before.get("scan", {}) | {"data": data},
    }


def corrected_lead(document: Document) -> int | None:
    """How many reports the first evidence has by now, where corrections changed that."""
    lead = document["evidence"][0]
    return next(
        (
            int(e["observed"])
            for e in document.get("now") or ()
            if (e["area"], e["kind"]) == (lead["area"], lead["kind"])
            and (e.get("method") == GATHERED) == (lead["method"] == GATHERED)
        ),
        None,
    )


def asked_of(document: Document) -> list[tuple[SeriesKey, int]]:
    """The series of the newest evidence, and how many weeks together each was tested for; gatherings are no series."""
    return [(SeriesKey(e["area"], e["kind"]), e["weeks"]) for e in document["evidence"] if "weeks" in e]


def evidence_week(document: Document) -> date | None:
    """The week of the newest evidence of series; None for a case that only gatherings have opened."""
    weeks = [e.get("week", document["last_alarm_week"]) for e in document["evidence"] if e["method"] != GATHERED]
    return date.fromisoformat(max(weeks)) if weeks else None


def open_case(case_id: str, document: Document) -> Open:
    """A stored case as the next week sees it."""
    series = frozenset(SeriesKey(*key) for key in document["series"])
    return Open(case_id, SeriesKey(*document["lead"]), series, date.fromisoformat(document["last_alarm_week"]))


def _key(key: SeriesKey) -> list[str]:
    return [key.area, key.kind]


def without_cells(document: Mapping[str, Any]) -> dict[str, Any]:
    """A case for those who do not see exact places: a cell may hold a single report."""

    def bare(one: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name != "cells"}

    return bare(document) | {"evidence": [bare(one) for one in document.get("evidence", ())]}
