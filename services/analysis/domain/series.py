"""Weekly series of a municipality: what is watched, and from how many eyes it came.

A series is a place (an area, or the whole municipality) and a kind (one type, a group of types, or everything). Single
types are watched for the whole municipality, groups in every area: finer than that there is nearly always nothing
(statistics reference §1.3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from schemas.values import UNPLACED
from services.analysis.domain.exposure import FORGOTTEN, beside, forgotten
from services.analysis.views import MILLION

WHOLE = ""
"""The whole municipality as a place, and everything as a kind."""


class WeekRow(NamedTuple):
    """Reports of one week, area and type in millionths, and how many of them came from reporters."""

    week: date
    area: str
    event_type: str
    reports: int
    by_reporters: int


def _above(kind: str) -> tuple[str, str, str]:
    """The kind, its group, everything; C10 is not in C1 for all that both begin alike."""
    return kind, kind[:1], ""


class SeriesKey(NamedTuple):
    """Where and what; empty strings mean all. A kind of one letter is a group."""

    area: str
    kind: str

    def overlaps(self, other: "SeriesKey") -> bool:
        """Whether some report may count in both."""
        same_place = self.area == other.area or WHOLE in {self.area, other.area}
        return same_place and (self.kind in _above(other.kind) or other.kind in _above(self.kind))


@dataclass(frozen=True, slots=True)
class Series:
    """Whole reports per week from the first week of the municipality on, or of those who look there; zeros included.

    ``exposure`` = active reporters per week, NaN where they are forgotten; None where most reports come from elsewhere:
    then it says nothing.
    """

    key: SeriesKey
    weeks: tuple[int, ...]
    exposure: tuple[float, ...] | None

    @property
    def last_four(self) -> int:
        """Reports of the last four weeks."""
        return sum(self.weeks[-4:])


def mondays(first: date, last: date) -> list[date]:
    """Every Monday from first to last, both included."""
    return [first + timedelta(weeks=i) for i in range((last - first).days // 7 + 1)]


def build(
    rows: Iterable[WeekRow], active: Mapping[str, Mapping[date, int]], weeks: Sequence[date], *, kommun: str
) -> list[Series]:
    """The series of one municipality over ``weeks``; those without a single report are left out.

    What its reporters saw in another municipality is not in them; what has no place counts for the whole.
    ``active``: area (or WHOLE) → week → active reporters.
    """
    index = {week: i for i, week in enumerate(weeks)}
    sums: dict[SeriesKey, list[int]] = defaultdict(lambda: [0] * len(weeks))
    seen_by_reporters: dict[SeriesKey, int] = defaultdict(int)
    told = [0] * len(weeks)
    for row in rows:
        if row.week not in index or not own(row.area, kommun):
            continue
        for key in keys_of(row.area, row.event_type):
            sums[key][index[row.week]] += row.reports
            seen_by_reporters[key] += row.by_reporters
        told[index[row.week]] += row.by_reporters
    whole = active.get(WHOLE, {})
    gone = dict(zip(weeks, forgotten([whole.get(week, 0) for week in weeks], told), strict=True))
    found = []
    for key in sorted(sums):
        total = sum(sums[key])
        eyes = [FORGOTTEN if gone[week] else active.get(key.area, {}).get(week, 0) for week in weeks]
        since, exposure = beside(eyes, theirs=2 * seen_by_reporters[key] >= total)
        found.append(Series(key, tuple(round(n / MILLION) for n in sums[key][since:]), exposure))
    return found


def own(area: str, kommun: str) -> bool:
    """Whether what happened there counts for the municipality: in an area of its own, or in no known place."""
    return area == UNPLACED or area.startswith(kommun)


def keys_of(area: str, event_type: str, *, types_in_areas: bool = False) -> Set[SeriesKey]:
    """The series that a report is in."""
    places = {WHOLE} if area == UNPLACED else {WHOLE, area}
    coarse = {SeriesKey(place, kind) for place in places for kind in (WHOLE, event_type[0])}
    return coarse | {SeriesKey(place, event_type) for place in (places if types_in_areas else {WHOLE})}
