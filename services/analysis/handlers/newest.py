"""Of a batch the newest revision of each: an older one, or the same again, changes nothing."""

from collections.abc import Callable, Hashable, Iterable
from typing import Protocol, TypeVar


class Revised(Protocol):
    """A message that a newer revision of itself replaces."""

    @property
    def revision(self) -> int:
        """Grows with every change."""


M = TypeVar("M", bound=Revised)


def newest(messages: Iterable[M], key: Callable[[M], Hashable]) -> list[M]:
    """One of each ``key``, the one with the highest revision, in the order in which the keys first came."""
    found: dict[Hashable, M] = {}
    for message in messages:
        known = found.get(key(message))
        if known is None or known.revision < message.revision:
            found[key(message)] = message
    return list(found.values())
