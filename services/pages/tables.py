"""Tables as files for Swedish Excel: semicolons, decimal commas, UTF-8 with a byte order mark."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The file. Text that a spreadsheet would take for a formula is told apart by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\N{BYTE ORDER MARK}" + text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return str(value).replace(".", ",")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
