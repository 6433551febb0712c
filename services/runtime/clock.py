"""What time it is: jobs ask for it here, so that a test can give them a day of its own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
