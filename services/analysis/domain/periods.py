"""Periods of the operativ lägesbild: whole days up to a cut-off, per municipality every week or every other.

A period ends with the day before its cut-off, so that all its days are over; its number counts the cut-offs of a year.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from services.analysis.views import SWEDEN

_ANCHOR = date(2024, 1, 1)
"""A Monday: every other week is counted from its week."""


@dataclass(frozen=True, slots=True)
class Rule:
    """7 or 14 days; the weekday (Monday 0) and hour of the cut-off, in Swedish time."""

    days: int = 14
    weekday: int = 3
    hour: int = 12

    def __post_init__(self) -> None:
        if self.days not in {7, 14} or self.weekday not in range(7) or self.hour not in range(24):
            raise ValueError("a period is 7 or 14 days, cut off at a weekday and an hour")

    def cut_offs(self, after: datetime, until: datetime) -> list[datetime]:
        """Cut-offs later than ``after``, up to and including ``until``, in order, in UTC."""
        found = []
        for day in self._days(after.astimezone(SWEDEN).date(), until.astimezone(SWEDEN).date()):
            moment = datetime.combine(day, time(self.hour), SWEDEN).astimezone(UTC)
            if after < moment <= until:
                found.append(moment)
        return found

    def _days(self, first: date, last: date) -> Iterator[date]:
        start = _ANCHOR + timedelta(days=self.weekday)
        day = first + timedelta(days=(start - first).days % self.days)
        while day <= last:
            yield day
            day += timedelta(days=self.days)

    def period(self, cut_off: datetime) -> "Period":
        """The period that a cut-off ends."""
        day = cut_off.astimezone(SWEDEN).date()
        number = sum(1 for _ in self._days(date(day.year, 1, 1), day))
        return Period(f"{day.year}:{number:02}", day - timedelta(days=self.days), day - timedelta(days=1), cut_off)


@dataclass(frozen=True, slots=True)
class Period:
    """``number`` like 2026:23; first and last day, both in it; the moment of the cut-off."""

    number: str
    first: date
    last: date
    cut_off: datetime

    def numbered_after(self, taken: Iterable[str]) -> "Period":
        """The same with a number above all that its year has: a rule that was changed may count fewer cut-offs."""
        year = self.number[:4]
        highest = max((int(n[5:]) for n in taken if n.startswith(f"{year}:")), default=0)
        return replace(self, number=f"{year}:{max(highest + 1, int(self.number[5:])):02}")

    @property
    def days(self) -> int:
        """Length."""
        return (self.last - self.first).days + 1

    def earlier(self, periods: int) -> tuple[date, date]:
        """First and last day of the period so many before."""
        back = timedelta(days=self.days * periods)
        return self.first - back, self.last - back
