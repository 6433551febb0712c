"""Stopping on purpose: raising does not stop FastStream, and SystemExit leaves the member in the group.

A halt pauses the consumers, ends the server and makes the process exit with code 70; the supervisor starts it again
with back-off, and readiness stays red meanwhile. The reason is a sentence that the runbook explains.
"""

from collections.abc import Callable

from services.runtime.logs import logger
from services.runtime.metrics import HALTED

EXIT_CODE = 70
_log = logger(__name__)


class Halted(Exception):
    """This process is stopping on purpose; nothing more may be acknowledged."""


class Halt:
    """The process' one switch. Safe to call more than once: the first reason stands."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._listeners: list[Callable[[], None]] = []

    def on_halt(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when the process halts: pause a consumer, end the server."""
        self._listeners.append(listener)

    def now(self, reason: str) -> Halted:
        """Halt the process; returns the exception to raise. Exceptions may be swallowed: the flag does the work."""
        if self.reason is None:
            self.reason = reason
            HALTED.set(1)
            _log.critical("halt", reason=reason)
            for listener in self._listeners:
                listener()
        return Halted(reason)
