"""Columns that go to PostgreSQL as one joined text come out as they went in."""

from datetime import date

import asyncpg
import pytest

from services.runtime.columns import SEPARATOR, joined, listed, split, unlisted
from tests.support.ground import Ground


@pytest.mark.parametrize(
    "values", [["0682"], [""], ["", ""], ["a", "", "b"], ["NULL", "{}", '"', "\\", "åäö", "a,b", "'"], ["x"] * 5000]
)
async def test_joined_texts_come_out_as_they_went_in(ground: Ground, values: list[str]) -> None:
    connection = await asyncpg.connect(ground.admin_dsn)
    try:
        rows = await connection.fetch(
            f"select * from unnest({split('v').replace(':v', '$1::text')}) as t(v)", joined(values)
        )
    finally:
        await connection.close()
    assert [r["v"] for r in rows] == values


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [0]), ("bigint", [-(2**63), 2**63 - 1, 0, -1]), ("bigint", list(range(5000))),
        ("date", [date(1, 1, 1), date(2024, 2, 29), date(9999, 12, 31)]),
    ],
)  # fmt: skip
async def test_listed_numbers_and_days_come_out_as_they_went_in(
    ground: Ground, kind: str, values: list[int | date]
) -> None:
    connection = await asyncpg.connect(ground.admin_dsn)
    try:
        rows = await connection.fetch(
            f"select * from unnest({unlisted('v', kind).replace(':v', '$1')}) as t(v)", listed(values)
        )
    finally:
        await connection.close()
    assert [r["v"] for r in rows] == values


def test_a_value_with_the_separator_is_refused() -> None:
    with pytest.raises(ValueError, match="separator"):
        joined(["a", f"b{SEPARATOR}c"])
