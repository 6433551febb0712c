"""The operativ lägesbild as a document: everything that a period's draft says, in numbers and codes.

Pure: from what was read to a JSON document. Words are for the pages; a draft that is written again from the same facts
is the same document. Where later corrections would change an adopted one, ``corrections`` says so; it stays.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from schemas.values import UNPLACED
from services.analysis.domain import density, places
from services.analysis.domain import findings as judging
from services.analysis.domain.findings import Finding, Measured, PeriodRow
from services.analysis.domain.periods import Period
from services.analysis.domain.places import PlaceRow
from services.analysis.domain.series import SeriesKey, own
from services.analysis.statistics import counts
from services.analysis.statistics.counts import Interval
from services.analysis.views import MILLION, SWEDEN

Document = dict[str, Any]
BLOCKS = ((0, 6), (6, 9), (9, 12), (12, 15), (15, 18), (18, 21), (21, 24))
"""Hours of the day as the page shows them: the night is one."""
RHYTHM_WEEKS = 13
"""Weeks that weekday × hour is summed over."""
METHOD = 4
"""Edition of how a draft is written; kept in the document."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a draft stands on, all of one snapshot. Weights are millionths.

    From ``appointed`` on: what is not compared with later corrections.
    """

    kommun: str
    period: Period
    periods: int
    rows: Sequence[PeriodRow]
    active: Mapping[str, Sequence[int]]
    zero_reports: int
    states: Sequence[tuple[str, str, int, int, int]]
    sources: Mapping[str, Sequence[int]]
    year_before: Sequence[PeriodRow] | None
    """The same days 52 weeks before; None when nobody reported yet."""
    places: Sequence[PlaceRow] = ()
    appointed: int = 0
    silent: Sequence[tuple[str, date | None]] = ()
    rhythm: Mapping[int, int] = field(default_factory=dict)
    coming: Sequence[Mapping[str, Any]] = ()
    context: Mapping[str, int] = field(default_factory=dict)
    cases: Sequence[Document] = ()
    preliminary: float = 0.0
    data: Document = field(default_factory=dict)
    invented: bool = False
    cells: Sequence[Mapping[str, float]] = ()
    """Reports by H3 cell in periods of ``DENSE_WEEKS``, the one that is shown last."""
    cell_areas: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, int] = field(default_factory=dict)
    """Published items of the county outside the municipality, and those that name only the county."""


DENSE_WEEKS = 13


def draft(read: Read, *, every_place: bool = False) -> Document:
    """The whole document of a period; with the places that had most, or ``every_place`` of which something is known."""
    measured = judging.measure(read.rows, read.active, read.periods, judging.of_picture(read.kommun))
    of_places = places.measure(read.places, read.periods)
    together = judging.judge([*measured, *of_places], read.preliminary)
    by_key, apart = {m.key: m for m in measured}, {m.key for m in of_places}
    judged = [f for f in together if f.key not in apart]
    named = places.told(of_places, together, read.places, every=every_place)
    chosen = [_finding(f, read) for f in judging.shown(judged)]
    return {
        "method": METHOD,
        "number": read.period.number,
        "first": read.period.first.isoformat(),
        "last": read.period.last.isoformat(),
        "cut_off": read.period.cut_off.isoformat(),
        "days": read.period.days,
        "periods_before": read.periods - 1,
        "totals": _totals(by_key, judged, read),
        "findings": chosen,
        "tested": len(together),
        "areas": _areas(by_key, judged, read),
        "places": named if every_place else places.shown(named),
        "kinds": _kinds(by_key, judged),
        "rhythm": in_blocks(read.rhythm),
        "states": _states(read),
        "sources": _sources(read),
        "coming": _coming(read.coming),
        "context": dict(sorted(read.context.items())),
        "around": dict(sorted(read.around.items())),
        "cases": list(read.cases),
        "reporters": _reporters(read),
        "silent": [{"organisation": o, "since": None if d is None else d.isoformat()} for o, d in read.silent],
        "preliminary": round(read.preliminary, 4),
        "dense": _dense(read),
        "focus": [*_focus(chosen, read), *places.focus(named)],
        "data": read.data,
        "invented": read.invented,
    }


def _dense(read: Read) -> Document | None:
    if not read.cells:
        return None
    ranked = density.rank(density.own(read.cells, read.cell_areas, read.kommun))
    return density.told(ranked, read.cell_areas, DENSE_WEEKS)


def _interval(interval: Interval | None) -> list[float | None] | None:
    if interval is None:
        return None
    return [None if v == float("inf") else round(v, 4) for v in interval]


def _finding(f: Finding, read: Read) -> Document:
    return {
        "id": f"{f.key.area or 'kommun'}-{f.key.kind or 'alla'}",
        "area": f.key.area,
        "kind": f.key.kind,
        "observed": f.observed,
        "expected": round(f.expected, 4),
        "interval": _interval(f.interval),
        "times": round(f.times, 4) if f.expected else None,
        "ratio": _interval(f.ratio),
        "adjusted": None if f.adjusted is None else round(f.adjusted, 4),
        "adjusted_ratio": _interval(f.adjusted_ratio),
        "reporters": read.active.get(f.key.area, [0])[-1],
        "dispersion": round(f.dispersion, 4),
        "p": f.p,
        "q": f.q,
        "word": f.word,
        "direction": f.direction,
    }


def _totals(by_key: Mapping[SeriesKey, Measured], judged: Sequence[Finding], read: Read) -> Document:
    whole = by_key.get(SeriesKey("", ""))
    periods = whole.periods if whole else (0,) * read.periods
    found = next((f for f in judged if f.key == SeriesKey("", "")), None)
    interval = counts.garwood(periods[-1]) if found is None else found.interval
    eyes = [0] * read.periods if whole is None or whole.active is None else whole.active
    return {
        "now": periods[-1],
        "interval": _interval(interval),
        "before": periods[-2] if len(periods) > 1 else 0,
        "year_before": None if read.year_before is None else _own(read.year_before, read.kommun),
        "expected": None if found is None else round(found.expected, 4),
        "word": "thin" if found is None else found.word,
        "per_reporter": _per(_of_reporters(read, -1), eyes[-1]),
        "per_reporter_before": _per(_of_reporters(read, -2), eyes[-2]) if len(periods) > 1 else None,
        "unplaced": round(sum(r.reports for r in _now(read) if r.area == UNPLACED) / MILLION),
        "elsewhere": round(sum(r.reports for r in _now(read) if not own(r.area, read.kommun)) / MILLION),
    }


def _own(rows: Sequence[PeriodRow], kommun: str) -> int:
    return round(sum(r.reports for r in rows if own(r.area, kommun)) / MILLION)


def _now(read: Read) -> list[PeriodRow]:
    return [row for row in read.rows if row.at == read.periods - 1]


def _of_reporters(read: Read, period: int) -> float:
    """Reports that reporters handed in: what comes from elsewhere is not theirs to be divided by."""
    at = read.periods + period
    return sum(row.by_reporters for row in read.rows if row.at == at and own(row.area, read.kommun)) / MILLION


def _per(reports: float, reporters: float) -> float | None:
    return round(reports / reporters, 4) if reporters else None


def _areas(by_key: Mapping[SeriesKey, Measured], judged: Sequence[Finding], read: Read) -> list[Document]:
    """Every area with a report in these periods: now, before, expected."""
    expected = {f.key.area: f for f in judged if f.key.kind == ""}
    return [
        {
            "area": key.area,
            "now": m.periods[-1],
            "before": m.periods[-2] if len(m.periods) > 1 else 0,
            "expected": round(expected[key.area].expected, 4) if key.area in expected else None,
            "word": expected[key.area].word if key.area in expected else "thin",
            "reporters": read.active.get(key.area, [0])[-1],
        }
        for key, m in sorted(by_key.items())
        if key.kind == "" and key.area
    ]


def _kinds(by_key: Mapping[SeriesKey, Measured], judged: Sequence[Finding]) -> list[Document]:
    """Every group over the periods, and every type now."""
    words = {f.key: f for f in judged}
    found = []
    for key, m in sorted(by_key.items()):
        if key.area == "" and key.kind:
            f = words.get(key)
            found.append(
                {
                    "kind": key.kind,
                    "periods": list(m.periods) if len(key.kind) == 1 else [],
                    "now": m.periods[-1],
                    "before": m.periods[-2] if len(m.periods) > 1 else 0,
                    "expected": None if f is None else round(f.expected, 4),
                    "word": "thin" if f is None else f.word,
                }
            )
    return found


def in_blocks(slots: Mapping[int, int]) -> list[list[float]]:
    """Seven days × seven blocks of hours, in reports with one decimal."""
    return [
        [round(sum(slots.get(24 * day + hour, 0) for hour in range(a, b)) / MILLION, 1) for a, b in BLOCKS]
        for day in range(7)
    ]


def _states(read: Read) -> list[Document]:
    found = [
        {"area": area, "kind": kind, "opened": round(opened / MILLION), "standing": round(standing / MILLION)}
        for area, kind, opened, standing, _ in read.states
        if own(area, read.kommun) and (round(opened / MILLION) or round(standing / MILLION))
    ]
    return sorted(found, key=lambda s: (-s["opened"], -s["standing"], s["area"], s["kind"]))


def _sources(read: Read) -> list[Document]:
    """Side by side; a source of the four periods before that said nothing now is missing."""
    return [
        {
            "source": source,
            "now": round(periods[-1] / MILLION),
            "before": round(periods[-2] / MILLION) if len(periods) > 1 else 0,
            "missing": not periods[-1] and any(periods[-5:-1]),
        }
        for source, periods in sorted(read.sources.items())
        if any(periods[-5:])
    ]


def _coming(events: Sequence[Mapping[str, Any]]) -> list[Document]:
    found = []
    for event in events:
        report = event["report"]
        if report.get("withdrawn") or report.get("merged_into"):
            continue
        day = datetime.fromisoformat(report["time_from"]).astimezone(SWEDEN).date()
        areas = [a["area"] for a in event["placement"]["areas"] if a["layer"] == "regso"]
        found.append({"day": day.isoformat(), "kind": report["event_type"], "area": areas[0] if areas else UNPLACED})
    return sorted(found, key=lambda e: (e["day"], e["kind"], e["area"]))


def _reporters(read: Read) -> Document:
    eyes = read.active.get("", [0] * read.periods)
    return {
        "active": eyes[-1],
        "before": eyes[-2] if len(eyes) > 1 else 0,
        "appointed": read.appointed,
        "zero_reports": read.zero_reports,
    }


def _focus(chosen: Sequence[Document], read: Read) -> list[Document]:
    """Places to talk about, with the reasons: what is surely more, a case that goes on, what newly stands broken."""
    reasons: dict[str, list[Document]] = defaultdict(list)
    for finding in chosen:
        if finding["area"] and finding["direction"] == "up":
            reasons[finding["area"]].append({"why": f"{finding['word']}_up", "kind": finding["kind"]})
    for case in read.cases:
        if case["area"]:
            reasons[case["area"]].append({"why": "case", "kind": case["kind"], "number": case["number"]})
    for area, kind, _, _, left_open in sorted(read.states):
        if area != UNPLACED and own(area, read.kommun) and round(left_open / MILLION):
            reasons[area].append({"why": "state", "kind": kind})
    weights = {"sure_up": 3, "case": 3, "unsure_up": 1, "state": 1}
    ranked = sorted(reasons, key=lambda area: (-sum(weights[r["why"]] for r in reasons[area]), area))
    return [{"area": area, "reasons": reasons[area][:4]} for area in ranked[:3]]


def coming_span(period: Period, days: int = 28) -> tuple[str, str]:
    """From the day after the period on, as UTC moments in ISO form."""
    start = datetime.combine(period.last + timedelta(days=1), time(), SWEDEN).astimezone(UTC)
    return tuple(f"{m:%Y-%m-%dT%H:%M:%S}" for m in (start, start + timedelta(days=days)))  # type: ignore[return-value]
