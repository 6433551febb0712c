"""What differs between two lägesbilder: counts beside each other with what they bear, findings that came and went."""

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.analysis.domain.certainty import Word, judged
from services.analysis.domain.findings import dispersion
from services.analysis.domain.preliminary import waited_for
from services.analysis.statistics import counts, multiplicity

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place and kind in both. ``word`` beside the lengths of the periods, over all that is compared."""

    area: str
    kind: str
    then: int
    now: int
    word: Word


@dataclass(frozen=True, slots=True)
class Comparison:
    """The later beside the earlier. Findings by (area, kind)."""

    total: Difference
    areas: tuple[Difference, ...]
    kinds: tuple[Difference, ...]
    came: tuple[tuple[str, str], ...]
    stayed: tuple[tuple[str, str], ...]
    went: tuple[tuple[str, str], ...]


def between(
    earlier: Document, later: Document, hidden: tuple[Set[str], Set[str]] = (frozenset(), frozenset())
) -> Comparison:
    """Both as they were stored: a correction since is said on their own pages. ``hidden``: ids of findings in each.

    Counts are taken as so many fewer as the group's periods vary beyond chance, and a decrease is held against what
    should have come by the later's cut-off, as the findings' are; an increase against what the earlier's still lacked.
    """
    whole = [("", "", earlier["totals"]["now"], later["totals"]["now"])]
    areas = [(area, "", then, now) for area, then, now in _both(earlier["areas"], later["areas"], "area")]
    kinds = [("", kind, then, now) for kind, then, now in _both(earlier["kinds"], later["kinds"], "kind")]
    rows = [*whole, *areas, *kinds]
    spread = _dispersions(later["kinds"])
    late = earlier["preliminary"], later["preliminary"]
    p = [_p((now, later["days"]), (then, earlier["days"]), spread[kind[:1]], late) for _, kind, then, now in rows]
    found = [
        Difference(*row, judged(row[2] + row[3], float(q)))
        for row, q in zip(rows, multiplicity.adjusted(p), strict=True)
    ]
    before, after = (
        {(f["area"], f["kind"]) for f in d["findings"] if f.get("id") not in left_out}
        for d, left_out in zip((earlier, later), hidden, strict=True)
    )
    edge = 1 + len(areas)
    return Comparison(
        found[0],
        tuple(sorted(found[1:edge], key=_rank)),
        tuple(sorted(found[edge:], key=_rank)),
        tuple(sorted(after - before)),
        tuple(sorted(after & before)),
        tuple(sorted(before - after)),
    )


def _p(now: tuple[int, int], then: tuple[int, int], phi: float, late: tuple[float, float]) -> float:
    """p of two (reports, days); ``late``: what was still to come when the earlier, and the later, was written."""
    (a, days), (b, days_before) = now, then

    def at(share_before: float, share: float) -> float:
        return counts.exact_p(round(a / phi), days * share, round(b / phi), days_before * share_before)

    fewer_now = waited_for(partial(at, 1), a, b / days_before * days, late[1])
    fewer_then = waited_for(lambda share: at(share, 1), b, a / days * days_before, late[0])
    return max(at(1, 1), fewer_now, fewer_then)


def _dispersions(kinds: list[Document]) -> dict[str, float]:
    """Variance beside mean of the periods before, at least 1: of every group, and of all together as ""."""
    periods = {k["kind"]: k["periods"][:-1] for k in kinds if len(k["kind"]) == 1 and len(k.get("periods", ())) > 2}
    together = [sum(each) for each in zip(*periods.values(), strict=True)]
    found: dict[str, float] = defaultdict(lambda: 1.0)
    return found | {kind: dispersion(values) for kind, values in {"": together, **periods}.items()}


def _both(earlier: list[Document], later: list[Document], name: str) -> list[tuple[str, int, int]]:
    then, now = ({row[name]: row["now"] for row in rows} for rows in (earlier, later))
    return [(key, then.get(key, 0), now.get(key, 0)) for key in sorted(then.keys() | now.keys())]


def _rank(row: Difference) -> tuple[bool, int, str, str]:
    return row.word != "sure", -abs(row.now - row.then), row.area, row.kind
