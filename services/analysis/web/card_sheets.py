"""A place's card as a file: its tables as a workbook, or one below the other as CSV. Other cards have the API's files.

The cube counts areas; what lies in a drawn place is counted from the facts, by its card alone.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from services.pages.tables import TYPE, XLSX, Row, Sheet, csv_text, workbook
from services.pages.texts import text

FILES = ("csv", "xlsx")


def file_of(told: Mapping[str, Any], wanted: str) -> Response:
    """The card in one of ``FILES``, as a download; ``told`` is what the page is told."""
    name = f"{told['code']}-{told['chosen'].first}--{told['chosen'].last}.{wanted}"
    as_download = {"Content-Disposition": f'attachment; filename="{name}"'}
    if wanted == "xlsx":
        return Response(workbook([*_counted(told), _week(told), _open(told)]), media_type=XLSX, headers=as_download)
    header = [text("card.sheet_table"), text("card.sheet_row"), *_numbers()]
    return Response(csv_text(header, _below_each_other(told)), media_type=TYPE, headers=as_download)


def _numbers() -> tuple[str, str]:
    return text("overview.column_now"), text("overview.column_before")


def _counted(told: Mapping[str, Any]) -> list[Sheet]:
    """What has a number now and one before; a period's before is the period below it, and the oldest has none."""
    days, counts, _ = zip(*told["periods"], strict=True)
    periods = list(zip(days, counts, (*counts[1:], None), strict=True))
    rows = {key: [(row["name"], row["now"], row["before"]) for row in told[key]] for key in ("kinds", "sources")}
    return [
        (text("card.sheet_periods"), (text("card.from_day"), *_numbers()), periods),
        (text("picture.sheet_kinds"), (text("overview.type_column"), *_numbers()), rows["kinds"]),
        (text("picture.sheet_sources"), (text("overview.source_column"), *_numbers()), rows["sources"]),
    ]


def _week(told: Mapping[str, Any]) -> Sheet:
    header = (text("picture.when_day"), *(name for name, _ in told["blocks"]))
    days = [(day, *counts) for (day, _), counts in zip(told["rhythm"], told["rhythm_counts"], strict=True)]
    return text("picture.sheet_rhythm"), header, days


def _open(told: Mapping[str, Any]) -> Sheet:
    columns = ("overview.type_column", "card.column_place", "card.column_when", "card.column_days")
    rows = [(s["kind"], s["place"], s["when"], s["days"]) for s in told["open"]]
    return text("picture.sheet_states"), tuple(map(text, columns)), rows


def _below_each_other(told: Mapping[str, Any]) -> list[Row]:
    """(table, row, now, before); hours of the week and what stands open have a number and none before."""
    found: list[Row] = [(name, *row) for name, _, rows in _counted(told) for row in rows]
    name, (_, *hours), days = _week(told)
    found += [(name, f"{day} {hour}", n, None) for day, *counts in days for hour, n in zip(hours, counts, strict=True)]
    name, _, standing = _open(told)
    return found + [(name, f"{kind}, {when}", days, None) for kind, _, when, days in standing]
