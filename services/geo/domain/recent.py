"""What was used last, within a bound on bytes: tiles, ours and others'."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
ENTRY_BYTES = 250
"""What an entry takes besides its content."""


class Recent(Generic[K, V]):
    """A mapping that forgets what has not been used for longest. Not for several threads at once."""

    def __init__(self, most_bytes: int, size: Callable[[V], int]) -> None:
        self._most, self._size = most_bytes, size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self.bytes = 0
        """What is kept, content and entries."""

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def __getitem__(self, key: K) -> V:
        self._kept.move_to_end(key)
        return self._kept[key]

    def __setitem__(self, key: K, value: V) -> None:
        if key in self._kept:
            self.bytes -= ENTRY_BYTES + self._size(self._kept.pop(key))
        self._kept[key] = value
        self.bytes += ENTRY_BYTES + self._size(value)
        while self.bytes > self._most:
            self.bytes -= ENTRY_BYTES + self._size(self._kept.popitem(last=False)[1])
