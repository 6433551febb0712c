"""Named places in a lägesbild: each held against its own periods before, as areas are; a report may lie in several."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import dropwhile
from typing import Any, NamedTuple

from services.analysis.domain.findings import Finding, Measured
from services.analysis.domain.series import SeriesKey
from services.analysis.views import MILLION

Document = dict[str, Any]
MOST = 12
_WORDS = {"sure": 3, "unsure": 1}
FEWEST_TIMES = 1.5
"""So many times the expected, at least, for what is unsure to be talked about."""


class PlaceRow(NamedTuple):
    """Reports of one period (0 is the oldest) in a named place and in one area, in millionths."""

    at: int
    place: str
    area: str
    reports: int


def measure(rows: Iterable[PlaceRow], periods: int) -> list[Measured]:
    """The series of every place, its id in the key, from the first period with a report on.

    What lies before may be from before it was drawn: reports whose point is forgotten by then never join it. Who was
    looking at a place is not known: reporters are known by area.
    """
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * periods)
    for row in rows:
        sums[row.place][row.at] += row.reports
    return [
        Measured(SeriesKey(place, ""), begun([round(n / MILLION) for n in values]), None)
        for place, values in sorted(sums.items())
    ]


def begun(periods: Sequence[int]) -> tuple[int, ...]:
    """A place's periods from the first with a report on; the last one always."""
    return tuple(dropwhile(lambda n: not n, periods[:-1])) + tuple(periods[-1:])


def told(
    measured: Sequence[Measured], judged: Iterable[Finding], rows: Iterable[PlaceRow], *, every: bool = False
) -> list[Document]:
    """Every place with a report in the last period or surely fewer than expected, those with most first.

    With what was expected, and the area that most of its reports lie in. ``every``: the others too.
    """
    found, areas = {f.key: f for f in judged}, _areas(rows)
    documents: list[Document] = []
    for one in measured:
        finding, place = found.get(one.key), one.key.area
        if every or one.periods[-1] or (finding is not None and finding.word == "sure"):
            documents.append(
                {
                    "place": place,
                    "area": areas[place],
                    "now": one.periods[-1],
                    "before": one.periods[-2] if len(one.periods) > 1 else 0,
                    "expected": None if finding is None else round(finding.expected, 4),
                    "word": "thin" if finding is None else finding.word,
                }
            )
    return sorted(documents, key=lambda d: (-d["now"], d["place"]))


def shown(documents: Sequence[Document]) -> list[Document]:
    """The ``MOST`` that had most, and all where it is sure that something is another."""
    return [d for at, d in enumerate(documents) if at < MOST or d["word"] == "sure"]


def _areas(rows: Iterable[PlaceRow]) -> dict[str, str]:
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        weights[row.place][row.area] += row.reports
    return {place: max(sorted(found), key=lambda area: found[area]) for place, found in weights.items()}


def focus(documents: Iterable[Document], most: int = 2) -> list[Document]:
    """Places to talk about: where there is surely more than expected, or unsurely and half as much again."""
    up = [d for d in documents if d["expected"] is not None and d["word"] in _WORDS and d["now"] > d["expected"]]
    worth = [d for d in up if d["word"] == "sure" or d["now"] >= FEWEST_TIMES * d["expected"]]
    worth.sort(key=lambda d: (-_WORDS[d["word"]], d["expected"] - d["now"], d["place"]))
    return [
        {"area": d["area"], "place": d["place"], "reasons": [{"why": f"{d['word']}_up", "kind": ""}]}
        for d in worth[:most]
    ]
