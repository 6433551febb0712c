"""Two kinds of failure with two meanings: permanent ones concern a record, transient ones the world around it."""

import asyncio

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_PERMANENT_SQL_CLASSES = ("22", "23")
"""Data exceptions and broken constraints come with the record. Everything else the server says (connection 08, 53
out of resources, 57 shutting down, 40 rollback, and 42 or 28: wrong schema or role) would fail for every record."""


class Permanent(Exception):
    """This record can never be handled; ``reason`` is a stable code for the dead letter."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Unreadable(ValueError):
    """A message that a room's own reader cannot read; the text names fields and rules, never content."""


class MustStop(Exception):
    """This process is not fit to go on, whatever the record: it halts and says why."""


_AWAY_SQL_CLASSES = ("08", "53", "57P")
"""Connection lost, out of resources, server shutting down or starting."""


def _sql_state(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None) or getattr(getattr(error.orig, "__cause__", None), "sqlstate", None)
    return None if state is None else str(state)


def is_outage(error: BaseException) -> bool:
    """Whether a server that we need is away: nothing is wrong with what was asked, nor with us."""
    if isinstance(error, DBAPIError):
        state = _sql_state(error)
        away = is_transient(error) if state is None else state.startswith(_AWAY_SQL_CLASSES)
        return away or error.connection_invalidated
    return is_transient(error)


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again later may help."""
    if isinstance(error, DBAPIError):
        state = _sql_state(error)
        if state is not None:
            return not state.startswith(_PERMANENT_SQL_CLASSES)
        return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    if isinstance(error, MessageSizeTooLargeError):
        return False  # it will not shrink
    return isinstance(error, KafkaError | OSError | PoolTimeout | TimeoutError | asyncio.TimeoutError)
