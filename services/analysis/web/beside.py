"""Rows of what was in a period and in the one before, with the addresses of their cards and of the reports behind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import Request

from services.analysis.domain.selection import Selection, reports
from services.pages.labels import type_label

PATH = "/omraden"
REGSO = "regso"
STILL = 0.02
"""Below this share still to come a period is taken as whole."""


def so_far(expected: float | None, missing: float) -> dict[str, Any]:
    """What was to be expected by now, and whether so much is still to come that it differs from the whole."""
    still = missing >= STILL
    return {"so_far": None if expected is None else expected * (1 - missing if still else 1), "still": still}


def counted(groups: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Millionths as whole reports: group → (now, before)."""
    return {name: (round(reports(now)), round(reports(before))) for name, (now, before) in groups.items()}


def row(name: str, address: str, count: tuple[int, int], there: Selection) -> dict[str, Any]:
    """What is ``there`` now and before, and the queries of the reports behind both numbers."""
    now, before = count
    queries = {"query": there.query(), "query_before": there.before().query()}
    return {"name": name, "address": address, "now": now, "before": before, **queries}


def most(row: Mapping[str, Any]) -> tuple[int, int, str]:
    """Sorts those with the most reports first."""
    return -row["now"], -row["before"], row["name"]


def kinds(counts: Mapping[str, tuple[int, int]], when: str, there: Selection) -> list[dict[str, Any]]:
    """A row of every type, those with the most reports first; ``when`` of ``when()``, ``there`` all types together."""
    found = [
        row(type_label(code), f"/typer/{code}{when}", count, replace(there, types=(code,))) | {"code": code}
        for code, count in counts.items()
    ]
    return sorted(found, key=most)


def when(request: Request, chosen: Selection) -> str:
    """The period for the addresses of other cards, where somebody has chosen one; otherwise each has its newest."""
    asked = {"from", "to"} & request.query_params.keys()
    return f"?from={chosen.first}&to={chosen.last}" if asked else ""
