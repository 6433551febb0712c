"""What is asked of the numbers: a period, a layer, areas, types, sources; the URL is the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from schemas.values import UNPLACED
from services.analysis.views import SWEDEN, monday

GroupBy = Literal["day", "week", "area", "type", "group", "source", "layer"]
DEFAULT_DAYS = 14
LONGEST_DAYS = 3700
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
"""Reports are of our time; what lies outside is a slip."""


class BadSelection(ValueError):
    """The selection makes no sense; ``field`` names what, the text is a sentence in Swedish."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Selection:
    """Days are inclusive, Europe/Stockholm. Empty tuples mean everything; a type of one letter means its group."""

    first: date
    last: date
    layer: str = "regso"
    areas: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BadSelection("to", "Datumet till ligger före datumet från.")
        if not EARLIEST <= self.first <= self.last <= LATEST:
            raise BadSelection("from", "Välj dagar mellan åren 2000 och 2100.")
        if self.days > LONGEST_DAYS:
            raise BadSelection("from", "Välj högst tio år.")

    @property
    def days(self) -> int:
        """Length of the period."""
        return (self.last - self.first).days + 1

    def before(self) -> "Selection":
        """The period of the same length just before."""
        first = max(EARLIEST, self.first - timedelta(days=self.days))
        return replace(self, first=first, last=max(EARLIEST, self.first - timedelta(days=1)))

    def query(self) -> str:
        """The selection as the query string of pages and API."""
        pairs: list[tuple[str, str]] = [("from", self.first.isoformat()), ("to", self.last.isoformat())]
        pairs += [("area", a) for a in self.areas] + [("type", t) for t in self.types]
        pairs += [("source", s) for s in self.sources]
        if self.layer != "regso":
            pairs.append(("layer", self.layer))
        return urlencode(pairs)


def last_days(now: datetime, days: int = DEFAULT_DAYS) -> tuple[date, date]:
    """The ``days`` days up to and including today."""
    today = now.astimezone(SWEDEN).date()
    return today - timedelta(days=days - 1), today


def last_week(last: date) -> date:
    """The Monday of the last ISO week that is over when the day ``last`` is."""
    return monday(last + timedelta(days=1)) - timedelta(weeks=1)


def whole_weeks(last: date, weeks: int) -> tuple[date, date]:
    """First and last day of so many ISO weeks, of which the last is over when the day ``last`` is."""
    week = last_week(last)
    return week - timedelta(weeks=weeks - 1), week + timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one day of the week, 1 = Monday: from ``since`` o'clock up to and not including ``until``."""

    weekday: int
    since: int
    until: int


def parse_day(text: str | None, field: str, default: date) -> date:
    """An ISO date from a form or a query, the default for an empty one."""
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSelection(field, "Skriv datum som 2026-11-19.") from None


def reports(weight: int) -> float | int:
    """Millionths as reports: a whole number where it is one."""
    return weight // 1_000_000 if weight % 1_000_000 == 0 else weight / 1_000_000


def split_areas(by_area: Mapping[str, int], own: set[str]) -> tuple[dict[str, int], int, int]:
    """(own areas, unplaced, elsewhere): a report sent by this municipality may have happened in another."""
    inside = {a: w for a, w in by_area.items() if a in own}
    unplaced = by_area.get(UNPLACED, 0)
    return inside, unplaced, sum(by_area.values()) - sum(inside.values()) - unplaced
