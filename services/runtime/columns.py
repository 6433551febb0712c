"""Columns of many rows as parameters of one statement: ``unnest`` over one array per column.

A string of an array costs 0.33 µs there and back, most of it in asyncpg; as part of one joined string 0.10 µs. So the
short texts of analysis' views go joined (16 an event), and so do their numbers and days, each of which asyncpg asks
whether it is an array itself. Times and ids go as arrays.
"""

from collections.abc import Iterable, Sequence
from datetime import date

SEPARATOR = "\x1f"
"""The unit separator: no code, name or JSON text of ours holds a control character."""


def joined(values: Sequence[str]) -> str:
    """A text column, at least one row, for ``split``; ValueError when a value holds the separator."""
    text = SEPARATOR.join(values)
    if text.count(SEPARATOR) != len(values) - 1:
        raise ValueError("a value holds the unit separator")
    return text


def split(parameter: str) -> str:
    """SQL for the array in a parameter that ``joined`` made. One empty string is an empty array to PostgreSQL."""
    return f"coalesce(nullif(string_to_array(:{parameter}, chr(31)), '{{}}'), '{{\"\"}}')"


def listed(values: Iterable[int | date]) -> str:
    """A column of whole numbers or days, for ``unlisted``: PostgreSQL's own way to write an array."""
    return "{" + ",".join(map(str, values)) + "}"


def unlisted(parameter: str, kind: str) -> str:
    """SQL for the array of ``kind`` (bigint, date) in a parameter that ``listed`` made."""
    return f"cast(cast(:{parameter} as text) as {kind}[])"
