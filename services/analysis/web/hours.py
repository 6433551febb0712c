"""The table of weekdays and hours: its columns and colours, and what each number opens."""

from collections.abc import Sequence

from services.analysis.domain.picture import BLOCKS
from services.analysis.domain.selection import Hours
from services.pages.texts import text
from services.pages.writing import whole


def blocks() -> list[tuple[str, int]]:
    """The hours of the day as columns: name, first hour."""
    return [(_said(since, until), since) for since, until in BLOCKS]


def rhythm(rows: Sequence[Sequence[float]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """(day, (reports, colour class from 1 to 5) of every block): classes are fifths of the highest."""
    highest = max((v for row in rows for v in row), default=0) or 1
    return [
        (text(f"picture.day_{i}"), [(whole(round(v)), 1 + min(4, int(5 * v / highest))) for v in row])
        for i, row in enumerate(rows)
    ]


def chosen_hours(weekday: str, since: str) -> Hours | None:
    """One number of the table by its address, None when that says no such thing."""
    found = [block for block in BLOCKS if str(block[0]) == since]
    return Hours(int(weekday), *found[0]) if weekday in set("1234567") and found else None


def named_hours(hours: Hours) -> str:
    """One number of the table in words."""
    return f"{text(f'picture.day_{hours.weekday - 1}').lower()} {_said(hours.since, hours.until)}"


def _said(since: int, until: int) -> str:
    return f"{since:02}–{until:02}"
