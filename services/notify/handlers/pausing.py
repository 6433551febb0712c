"""Sparing a channel: left alone for a moment when it did not answer several times in a row.

Mail, SMS, push services, each place outside by itself.
"""

import time

MISSES, PAUSE_SECONDS = 5, 10.0
"""After so many tries in a row that were not taken, nothing is tried for so long; then one more miss is enough."""


class Pauses:
    """What this process knows of its channels, by the names under which their health is kept."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._misses: dict[str, int] = {}

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
