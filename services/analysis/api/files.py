"""Tables of the API as files to keep: CSV for Swedish Excel, and workbooks with one sheet."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from services.pages.tables import MOST_ROWS, XLSX, csv_text, workbook
from services.pages.tables import TYPE as CSV
from services.runtime.problems import Problem


def as_csv(name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    """The rows under the header, as a file of that name."""
    return Response(csv_text(header, rows), media_type=CSV, headers=_attached(f"{name}.csv"))


async def as_workbook(name: str, sheet: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    """The same in a sheet of that name; a 422 where they are more than a sheet holds."""
    if len(rows) >= MOST_ROWS:
        raise Problem(
            422, "too-many-rows", "Tabellen är för lång för XLSX. Välj CSV, en kortare period eller färre grupper."
        )
    content = await run_in_threadpool(workbook, [(sheet, header, rows)])
    return Response(content, media_type=XLSX, headers=_attached(f"{name}.xlsx"))


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
