"""Tables as files: CSV for Swedish Excel (semicolons, decimal commas, UTF-8 with a byte order mark), and workbooks."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

TYPE = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
"""Rows of a sheet, the header one of them."""
Row = Sequence[Any]
Sheet = tuple[str, Row, Iterable[Row]]
"""Its name, the header, the rows."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The file. Text that a spreadsheet would take for a formula is told apart by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\N{BYTE ORDER MARK}" + text.getvalue()


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """A workbook in constant memory: numbers as numbers, days as days, no text taken for a formula or an address."""
    import xlsxwriter  # only this needs it

    content = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd",
    }  # fmt: skip
    with xlsxwriter.Workbook(content, options) as book:
        strong = book.add_format({"bold": True})
        for name, header, rows in sheets:
            sheet = book.add_worksheet(name)
            sheet.set_column(0, 0, 44)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, header, strong)
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, ["" if value is None else value for value in row])
    return content.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return str(value).replace(".", ",")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
