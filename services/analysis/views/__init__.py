"""Views: each is one pure function from a counted fact to its contributions, in one file of its own.

``view = Σ contributions(newest version of every fact)``. When a newer version replaces an older one the view changes by
``contributions(new) − contributions(old)``; ``delta`` is that difference and ``fold`` the sum from nothing. Weights are
integers, one million per report, so that living through the changes and folding afresh agree to the digit.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

MILLION = 1_000_000
SWEDEN = ZoneInfo("Europe/Stockholm")

F = TypeVar("F")
K = TypeVar("K", bound=Hashable)


class Weight(NamedTuple):
    """Two measures of the same contribution, in millionths: reports, and how many were seen."""

    reports: int
    seen: int


ZERO = Weight(0, 0)
Contributions = Mapping[K, Weight]


@dataclass(frozen=True, slots=True)
class View(Generic[F]):
    """A materialised view: its table, its key (a NamedTuple of columns that begins with ``kommun``), its function.

    Contributions belong to the fact's own kommun. In a ``signed`` view some are negative in themselves.
    """

    name: str
    key: type[tuple[Any, ...]]
    contributions: Callable[[F], Contributions[Any]]
    signed: bool = False


@lru_cache(maxsize=4096)
def swedish_day(moment: datetime) -> date:
    """The day of a moment in Europe/Stockholm (contract 7)."""
    return moment.astimezone(SWEDEN).date()


@lru_cache(maxsize=4096)
def monday(day: date) -> date:
    """The first day of the ISO week."""
    return day - timedelta(days=day.weekday())


def shares(parts: int) -> list[int]:
    """One million divided over ``parts`` by largest remainder: integers that sum to one million exactly."""
    whole, rest = divmod(MILLION, parts)
    return [whole + 1 if i < rest else whole for i in range(parts)]


def add_into(total: dict[K, Weight], change: Contributions[K], sign: int = 1) -> None:
    """Add a change to a running total; keys that reach zero are removed."""
    for key, weight in change.items():
        old = total.get(key)
        if old is None and sign == 1:
            total[key] = weight
            continue
        before, seen_before = old or ZERO
        new = Weight(before + sign * weight.reports, seen_before + sign * weight.seen)
        if new == ZERO:
            total.pop(key, None)
        else:
            total[key] = new


def delta(
    contributions: Callable[[F], Contributions[K]], changes: Iterable[tuple[F | None, F | None]]
) -> dict[K, Weight]:
    """What (old, new) pairs change in a view; None is a fact that is not there."""
    total: dict[K, Weight] = {}
    for old, new in changes:
        if new is not None:
            add_into(total, contributions(new))
        if old is not None:
            add_into(total, contributions(old), -1)
    return total


def fold(contributions: Callable[[F], Contributions[K]], facts: Iterable[F]) -> dict[K, Weight]:
    """The view from nothing: ``delta`` of facts that are all new, without looking for what they replace."""
    total: dict[K, Weight] = {}
    for fact in facts:
        for key, weight in contributions(fact).items():
            old = total.get(key)
            total[key] = weight if old is None else Weight(old[0] + weight[0], old[1] + weight[1])
    return {key: weight for key, weight in total.items() if weight != ZERO}
