"""Which weeks Farrington's method looks back at, and into which seasons it cuts them (reference §4.8, 1–2)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Baseline(NamedTuple):
    """Indexes into the series, the time of each since the first, and its season; ``now`` is the time of the week asked.

    Times are weeks for weekly series and days for others. ``seasons`` names every window by the number of seasons and
    the stretches between windows by 1 … seasons − 1.
    """

    weeks: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    seasons: npt.NDArray[np.int64]
    now: float

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Baseline":
        """Some of its weeks alone."""
        return Baseline(self.weeks[chosen], self.times[chosen], self.seasons[chosen], self.now)


def years_back(dates: Sequence[date], at: int, years: int, *, frequency: int, by_date: bool) -> list[int]:
    """Indexes of the same week (or month) one … ``years`` years before; negative when before the series.

    ``by_date``: the week whose first day is nearest the same day of the calendar, as years have 52 or 53 weeks.
    """
    if not by_date:
        return [at - frequency * i for i in range(1, years + 1)]
    found = []
    for i in range(1, years + 1):
        try:
            same = dates[at].replace(year=dates[at].year - i)
        except ValueError:  # 29 February
            same = dates[at].replace(year=dates[at].year - i, month=3, day=1)
        found.append(at + round((same - dates[at]) / timedelta(weeks=1)))
    return found


def baseline(
    dates: Sequence[date],
    at: int,
    *,
    years: int,
    half: int,
    seasons: int,
    past: int,
    frequency: int = 52,
    by_date: bool = True,
) -> Baseline | None:
    """What week ``at`` is held against; None when the first window begins before the series.

    All weeks from the first window to ``past`` weeks before ``at``; only the windows themselves when ``seasons`` is 1.
    """
    centres = years_back(dates, at, years, frequency=frequency, by_date=by_date)[::-1]
    first, last = centres[0] - half, at - past - 1
    if first < 0:
        return None
    season = np.zeros(at + half + 1, np.int64)
    for centre, following in zip(centres, [*centres[1:], at], strict=True):
        season[centre - half : centre + half + 1] = seasons
        stretch = np.arange(centre + half + 1, following - half)
        if seasons > 1:
            for level, part in enumerate(np.array_split(stretch, seasons - 1), start=1):
                season[part] = level
    weeks = np.arange(first, last + 1)
    weeks = weeks[season[weeks] > 0]
    if frequency == 52:
        times, now = (weeks - first).astype(float), float(at - first)
    else:
        times = np.array([(dates[i] - dates[first]).days for i in weeks.tolist()], float)
        now = float((dates[at] - dates[first]).days)
    return Baseline(weeks, times, season[weeks], now)
