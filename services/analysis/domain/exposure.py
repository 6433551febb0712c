"""The exposure: how many reporters were looking at a place, whether or not anything happened there.

Counting those who reported *there in that week* would make the exposure follow the events: a bad week has more
reporters, and divides itself away. So a reporter looks at an area in a week when they were active anywhere, zero
reports included, and have sent anything from that area lately.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import isnan

MEMORY_DAYS = 182
"""How long ago "lately" is: half a year."""


FORGOTTEN = float("nan")
"""The reporters of a period whose reports are anonymised: there were some, and nobody knows how many."""


def known(active: Sequence[float]) -> tuple[float, ...] | None:
    """Active reporters per period, at least one; None where fewer than four in five of the periods known have any.

    A period that is ``FORGOTTEN`` stays so: taken for one with a single reporter it would have had a great many reports
    from each.
    """
    told = [n for n in active if not isnan(n)]
    if not told or 5 * sum(n > 0 for n in told) < 4 * len(told):
        return None
    return tuple(n if isnan(n) else max(1, n) for n in active)


def watched_from(active: Sequence[float]) -> int:
    """The first period in which anybody was looking; 0 where nobody ever was: then it is not known who reports.

    What lies before is no calm, and would make a rise of every first reporter.
    """
    return next((at for at, n in enumerate(active) if n or isnan(n)), 0)


def beside(active: Sequence[float], *, theirs: bool) -> tuple[int, tuple[float, ...] | None]:
    """The first period that a series is held against, and ``known`` from it on.

    ``theirs``: whether most of the series came from reporters; of another they say nothing, and all of it counts.
    """
    since = watched_from(active) if theirs else 0
    return since, known(active[since:]) if theirs else None


def forgotten(active: Sequence[int], by_reporters: Sequence[int]) -> list[bool]:
    """For every period of the whole municipality whether reporters reported and none is known any more."""
    return [not n and told > 0 for n, told in zip(active, by_reporters, strict=True)]


def looking(presence: Iterable[tuple[int, str, str]], memory: int) -> dict[str, dict[int, int]]:
    """Area (or the whole, "") → period → reporters who were looking.

    ``presence`` = (period, area, reporter) of everything that was sent, in no area ("") too; ``memory`` in periods.
    """
    active: dict[str, set[int]] = defaultdict(set)
    at: dict[tuple[str, str], set[int]] = defaultdict(set)
    for period, area, reporter in presence:
        active[reporter].add(period)
        if area:
            at[area, reporter].add(period)
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for periods in active.values():
        for period in periods:
            found[""][period] += 1
    for (area, reporter), there in at.items():
        known = sorted(there)
        for period in active[reporter]:
            nearest = bisect_left(known, period - memory)
            if nearest < len(known) and known[nearest] <= period:
                found[area][period] += 1
    return {area: dict(weeks) for area, weeks in found.items()}
