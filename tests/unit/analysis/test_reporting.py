"""Who reports: one row per group, the silent ones first, none of them lost; and how late reports come."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.analysis.domain.lateness import Lateness, lateness
from services.analysis.domain.selection import Selection
from services.analysis.views import MILLION
from services.analysis.web.reporting import Read, Rows, _areas, every_week, rows_of


def _row(by: str, group: str, appointed: int, active: int, zero: int = 0) -> dict[str, object]:
    last = "2026-11-20" if active else ""
    return {by: group, "appointed": appointed, "active": active, "zero_reports": zero, "last_day": last}


def _of(*rows: tuple[str, int, int], by: str = "organisation") -> Rows:
    return [_row(by, *row) for row in rows]


def test_silent_organisations_come_first_and_those_without_appointments_are_shown_too() -> None:
    now = [_row("organisation", "a", 5, 3, 1), *_of(("b", 9, 9), ("", 0, 1), ("c", 4, 0), ("d", 2, 0))]
    before = _of(("c", 4, 4), ("b", 9, 8), ("gone", 3, 2), ("never", 3, 0))
    rows = rows_of("organisation", now, before)
    assert [r["organisation"] for r in rows] == ["c", "d", "b", "a", "", "gone"]
    by_name = {r["organisation"]: r for r in rows}
    assert (by_name["c"]["appointed"], by_name["c"]["active"], by_name["c"]["before"]) == (4, 0, 4)
    assert by_name["c"]["last"].replace("\N{NO-BREAK SPACE}", " ") == "20 nov", "what they were last heard of"
    assert by_name["d"]["last"] == "–"
    assert (by_name["a"]["zero"], by_name[""]["appointed"]) == (1, 0)
    assert [r["silent"] for r in rows] == [True, True, False, False, False, False]


def test_an_area_that_nobody_is_appointed_for_is_there_too() -> None:
    late = Read([], [], _of(("R1", 2, 1), by="area"), {"R1": [0, 1], "R9": [7, 0]}, [], [])
    rows = _areas(late, {"R1": "Ett", "R2": "Två"})
    assert [(r["area"], r["appointed"], r["active"]) for r in rows] == [("R1", 2, 1), ("R2", 0, 0)]


def test_an_area_is_watched_by_those_who_reported_from_it_lately_whoever_sent_from_it_now() -> None:
    areas = [*_of(("R1", 2, 1), by="area"), *_of(("9999R1", 0, 3), by="area")]
    late = Read([], [], areas, {"R1": [4, 3], "R2": [0, 2]}, [], [])
    rows = {r["area"]: r for r in _areas(late, {"R1": "Ett", "R2": "Två", "R3": "Tre"})}
    assert {a: (r["appointed"], r["active"], r["before"], r["sent"]) for a, r in rows.items()} == {
        "R1": (2, 3, 4, 1), "R2": (0, 2, 0, 0), "R3": (0, 0, 0, 0)
    }  # fmt: skip
    away = {r["area"]: r["appointed"] for r in _areas(late, None)}
    assert away == {"R1": None, "9999R1": None}, "who is appointed is not known while geo is away"


def test_a_week_without_anybody_is_a_week() -> None:
    rows = [_row("week", "2026-11-09", 2, 1)]
    found = every_week(rows, Selection(date(2026, 11, 2), date(2026, 11, 17)))
    assert [(r["week"], r["active"]) for r in found] == [("2026-11-02", 0), ("2026-11-09", 1), ("2026-11-16", 0)]


def test_nobody_is_nothing() -> None:
    assert rows_of("organisation", [], []) == []


def test_half_and_nine_in_ten_are_days_within_which_so_many_came() -> None:
    rows = [(0, 5 * MILLION), (1, 3 * MILLION), (8, MILLION), (60, MILLION)]
    assert lateness(rows) == Lateness(10, 5, 8, 9, median_days=0, nine_in_ten_days=8)
    assert lateness([(3, 2 * MILLION)]) == Lateness(2, 0, 2, 2, median_days=3, nine_in_ten_days=3)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_quantiles_are_the_smallest_that_hold_their_share(days: list[int]) -> None:
    found = lateness((d, MILLION) for d in days)
    for tenths, told in ((5, found.median_days), (9, found.nine_in_ten_days)):
        within, before = (sum(d <= at for d in days) for at in (told, told - 1))
        assert 10 * within >= tenths * len(days) > 10 * before
