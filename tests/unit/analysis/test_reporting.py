"""Who reports: one row per organisation, the silent ones first, none of them lost."""

from services.analysis.web.reporting import rows_of


def _row(organisation: str | None, active: int, zero: int = 0, last: str = "2026-11-20") -> dict[str, object]:
    return {"organisation": organisation, "active": active, "zero_reports": zero, "last_day": last}


def test_silent_organisations_come_first_and_those_without_appointments_are_shown_too() -> None:
    active = [_row("a", 3, 1), _row("b", 9), _row(None, 1)]
    earlier = [_row("c", 4, last="2026-10-02"), _row("b", 8)]
    rows = rows_of(active, earlier, {"a": 5, "b": 9, "c": 4, "d": 2})
    assert [r["organisation"] for r in rows] == ["c", "d", "b", "a", ""]
    by_name = {r["organisation"]: r for r in rows}
    assert (by_name["c"]["appointed"], by_name["c"]["active"], by_name["c"]["before"]) == (4, 0, 4)
    assert by_name["c"]["last"].replace("\N{NO-BREAK SPACE}", " ") == "2 okt"
    assert by_name["d"]["last"] == "–"
    assert (by_name["a"]["zero"], by_name[""]["appointed"]) == (1, 0)


def test_nobody_is_nothing() -> None:
    assert rows_of([], [], {}) == []
