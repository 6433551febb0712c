"""Sparing a channel: left alone for a moment when it did not answer several times in a row, and never pressed.

Mail, SMS, push services, each place outside by itself.
"""

import time
from uuid import UUID

MISSES, PAUSE_SECONDS = 5, 10.0
"""After so many tries in a row that were not taken, nothing is tried for so long; then one more miss is enough."""


MOST_PLACES, PLACE_KEPT = 1000, 300.0
"""Places in a line whose time was so many seconds ago are nobody's, and cleared when there are so many."""


class Pauses:
    """What this process knows of its channels, by the names under which their health is kept."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._misses: dict[str, int] = {}
        self._free_at: dict[str, float] = {}
        self._turns: dict[UUID, float] = {}

    def turn(self, channel: str, ident: UUID, per_second: float | None, *, urgent: bool = False) -> float:
        """Seconds until this message may go by a channel that takes so many a second; 0 when it may now.

        Who has to wait keeps the place in the line that was given at the first asking; urgent ones stand in no line.
        """
        now = time.monotonic()
        if per_second is None:
            return 0.0
        if urgent:
            self._free_at[channel] = max(now, self._free_at.get(channel, 0.0)) + 1 / per_second
            return 0.0
        if len(self._turns) > MOST_PLACES:  # taken by another process, or not sent after all
            self._turns = {who: at for who, at in self._turns.items() if at > now - PLACE_KEPT}
        if ident not in self._turns:
            self._turns[ident] = at = max(now, self._free_at.get(channel, 0.0))
            self._free_at[channel] = at + 1 / per_second
        left = self._turns[ident] - now
        if left <= 0:
            del self._turns[ident]
        return max(0.0, left)

    def left(self, channel: str) -> float:
        """Seconds for which nothing is tried by this channel; 0 when it may be."""
        return max(0.0, self._until.get(channel, 0.0) - time.monotonic())

    def missed(self, channel: str) -> None:
        """A try was not taken, and that was the channel's fault."""
        self._misses[channel] = self._misses.get(channel, 0) + 1
        if self._misses[channel] >= MISSES and not self.left(channel):
            self._until[channel] = time.monotonic() + PAUSE_SECONDS

    def took(self, channel: str) -> None:
        """A message went through."""
        self._misses.pop(channel, None)
        self._until.pop(channel, None)

    def forget(self) -> None:
        """As if the pauses were over."""
        self._until.clear()
