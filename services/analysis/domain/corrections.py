"""Where later corrections would change an adopted lägesbild: its document stays, and these say what would differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.analysis.domain import findings as judging
from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.places import MOST
from services.analysis.domain.series import SeriesKey

Document = Mapping[str, Any]
Part = Literal["totals", "areas", "places", "kinds", "states", "sources", "findings", "reporters"]
_LISTS: Mapping[Part, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "areas": (("area",), ("now", "before", "expected", "word")),
    "places": (("place",), ("now", "before", "expected", "word")),
    "kinds": (("kind",), ("now", "before", "expected", "word")),
    "states": (("area", "kind"), ("opened", "standing")),
    "sources": (("source",), ("now", "before")),
    "findings": (("area", "kind"), ("observed", "expected", "word")),
}
"""Part → what tells its rows apart, and what they say."""
_ONCE: Mapping[Part, tuple[str, ...]] = {
    "totals": ("now", "before", "year_before", "expected", "word", "unplaced", "elsewhere"),
    "reporters": ("active", "before", "zero_reports"),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """One value of a document, as adopted and as it would be today; None where it says nothing."""

    part: Part
    row: Mapping[str, str]
    what: str
    adopted: str | float | None
    today: str | float | None


def changes(adopted: Document, today: Document) -> list[Changed]:
    """Everything that reports decide and that would be said otherwise, in the document's order.

    ``today`` = the same period written again. Expected counts are compared as they are shown, with one decimal; words
    and findings only where they are made by the same method.
    """
    same = adopted["method"] == today["method"]
    found = [
        Changed(part, {}, name, *values)
        for part, names in _ONCE.items()
        for name in names
        if (same or name != "word") and (values := _both(adopted[part], today[part], name)) is not None
    ]
    for part, (keys, names) in _LISTS.items():
        if part not in adopted or (part == "findings" and not same):  # an older one says nothing of it
            continue
        told = tuple(name for name in names if same or name != "word")
        lists = (adopted[part], _comparable(adopted[part], today[part]) if part == "places" else today[part])
        found += _of_list(part, keys, told, lists)
    return found


def _comparable(adopted: Sequence[Document], today: Sequence[Document]) -> list[Document]:
    """Of today's places those of which the adopted list says something: it has those that had most, and not all.

    A place that is not in a list that was not cut had nothing; how much before is not known.
    """
    listed, whole = {row["place"] for row in adopted}, len(adopted) < MOST
    return [
        row if row["place"] in listed else {"place": row["place"], "now": row["now"]}
        for row in today
        if row["place"] in listed or whole
    ]


def _of_list(
    part: Part, keys: tuple[str, ...], names: tuple[str, ...], lists: tuple[Sequence[Document], Sequence[Document]]
) -> Iterator[Changed]:
    adopted, today = ({tuple(row[k] for k in keys): row for row in rows} for rows in lists)
    for ident in [*adopted, *(i for i in today if i not in adopted)]:
        for name in names:
            values = _both(adopted.get(ident, {}), today.get(ident, {}), name)
            if values is not None:
                yield Changed(part, dict(zip(keys, ident, strict=True)), name, *values)


def _both(adopted: Document, today: Document, name: str) -> tuple[str | float | None, str | float | None] | None:
    """Both values where they differ. A row that is not there has counted nothing; what an older one lacks is left."""
    if adopted and name not in adopted:
        return None
    then, now = (_shown(row.get(name)) for row in (adopted, today))
    return None if (then or 0) == (now or 0) else (then, now)


def _shown(value: Any) -> str | float | None:
    return round(value, 1) if isinstance(value, float) else value


def differences(document: Document, rows: Sequence[PeriodRow], kommun: str) -> list[dict[str, Any]]:
    """Where later corrections would change an adopted document: totals, types and areas that would show another count.

    ``rows`` = the period as it is counted today.
    """
    today = {m.key: m.periods[-1] for m in judging.measure(rows, {}, 1, judging.of_picture(kommun))}
    whole = [(SeriesKey("", ""), document["totals"]["now"])]
    kinds = [(SeriesKey("", k["kind"]), k["now"]) for k in document["kinds"]]
    areas = [(SeriesKey(a["area"], ""), a["now"]) for a in document["areas"]]
    told = dict([*whole, *kinds, *areas])
    told |= {key: 0 for key in today if key not in told and (key.area == "" or key.kind == "")}
    return [
        {"area": key.area, "kind": key.kind, "adopted": adopted, "today": today.get(key, 0)}
        for key, adopted in told.items()
        if today.get(key, 0) != adopted
    ]
