"""Columns of many rows as parameters of one statement: ``unnest`` over one array per column.

asyncpg spends about 0.3 µs on each string of an array and PostgreSQL next to nothing on splitting one string, so short
texts go joined (16 strings an event in analysis' views). Numbers, times and ids gain nothing from it.
"""

from collections.abc import Sequence

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
