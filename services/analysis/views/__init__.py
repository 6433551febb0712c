"""Views: each is one pure function from a fact to its contributions, in one file of its own.

``view = Σ contributions(newest version of every fact)``. When a newer version replaces an older one the view changes by
``contributions(new) − contributions(old)``; ``delta`` is that difference and ``fold`` the sum from nothing. Weights are
integers, one million per report, so that living through the changes and folding afresh agree to the digit.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple, TypeVar

MILLION = 1_000_000

F = TypeVar("F")
K = TypeVar("K", bound=Hashable)


class Weight(NamedTuple):
    """Two measures of the same contribution, in millionths: reports, and how many were seen."""

    reports: int
    seen: int


ZERO = Weight(0, 0)
Contributions = Mapping[K, Weight]


def shares(parts: int) -> list[int]:
    """One million divided over ``parts`` by largest remainder: integers that sum to one million exactly."""
    whole, rest = divmod(MILLION, parts)
    return [whole + 1 if i < rest else whole for i in range(parts)]


def add_into(total: dict[K, Weight], change: Contributions[K], sign: int = 1) -> None:
    """Add a change to a running total; keys that reach zero are removed."""
    for key, (reports, seen) in change.items():
        old = total.get(key, ZERO)
        new = Weight(old.reports + sign * reports, old.seen + sign * seen)
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
    """The view from nothing."""
    return delta(contributions, ((None, fact) for fact in facts))
