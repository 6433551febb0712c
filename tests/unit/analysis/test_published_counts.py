"""Technical run over real counts: published items of three municipalities as weekly series, signals and a draft.

Counts only, never texts. They are publications, not crimes and not reports: what is held here is that the whole way
bears real unevenness (gaps, a source that grows, midsummers), that nothing is lost on it, and that it errs seldom.
"""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.values import UNPLACED
from services.analysis.domain import picture, signals
from services.analysis.domain.findings import PeriodRow
from services.analysis.domain.periods import Rule
from services.analysis.domain.series import WeekRow, build, mondays
from services.analysis.domain.signals import Ladder
from services.analysis.views import MILLION, SWEDEN, monday
from tests.support.data import shared

KOMMUNER = ("0180", "1480", "1280")
GROUPS = {
    "Skadegörelse": "A3", "Klotter": "A1", "Brand": "A2", "Misshandel": "B3", "Bråk": "B1", "Rån": "C1",
    "Stöld": "C2", "Inbrott": "C3", "Narkotikabrott": "B4", "Trafikolycka": "D1", "Rattfylleri": "D2",
}  # fmt: skip
"""The publisher's type → a type of ours to carry the counts; the others are left out."""
LAST = date(2026, 8, 16)
"""A Sunday: the last whole week of the file."""


@cache
def items() -> list[tuple[str, str, date]]:
    """(municipality, our type, Swedish day) of everything published there."""
    table = pq.read_table(
        shared("events/polisen_se_events_2022_2026.parquet"), columns=["kommun_code", "type", "occurred_local"]
    )
    found = []
    for row in table.to_pylist():
        when: Any = row["occurred_local"]
        day = (when if isinstance(when, datetime) else datetime.fromisoformat(str(when))).date()
        if row["kommun_code"] in KOMMUNER and row["type"] in GROUPS and day <= LAST:
            found.append((row["kommun_code"], GROUPS[row["type"]], day))
    return found


@pytest.mark.parametrize("kommun", KOMMUNER)
def test_a_year_of_weekly_runs_counts_all_and_errs_seldom(kommun: str) -> None:
    own = [(kind, day) for code, kind, day in items() if code == kommun]
    assert len(own) > 500
    first = monday(min(day for _, day in own) + timedelta(days=6))
    rows = [WeekRow(monday(day), UNPLACED, kind, MILLION, 0) for kind, day in own]
    told = 0
    for back in range(0, 52, 4):
        weeks = mondays(first, monday(LAST) - timedelta(weeks=back))
        series = build(rows, {}, weeks, kommun=kommun)
        whole = next(s for s in series if s.key == ("", ""))
        assert sum(whole.weeks) == sum(first <= day < weeks[-1] + timedelta(days=7) for _, day in own)
        found = signals.run(series, weeks, Ladder())
        assert {f.method for f in found} <= {"bayes", "c2", "farrington"}
        told += sum(f.state == "case" for f in found)
    assert told <= 8, "13 runs over 17 series at a rate of one in ten false among what is told"


@pytest.mark.parametrize("kommun", KOMMUNER)
def test_a_draft_of_real_counts_adds_up(kommun: str) -> None:
    rule = Rule()
    cut_off = rule.cut_offs(datetime(2026, 7, 20, tzinfo=SWEDEN), datetime(2026, 8, 17, tzinfo=SWEDEN))[-1]
    period = rule.period(cut_off)
    start = period.earlier(26)[0]
    rows = [
        PeriodRow((day - start).days // period.days, UNPLACED, kind, MILLION, 0)
        for code, kind, day in items()
        if code == kommun and start <= day <= period.last
    ]
    document = picture.draft(
        picture.Read(
            kommun,
            period,
            27,
            rows,
            active={},
            zero_reports=0,
            states=[],
            sources={},
            year_before=None,
            data={"facts": len(rows)},
        )
    )
    now = sum(row.at == 26 for row in rows)
    assert document["totals"]["now"] == document["totals"]["unplaced"] == now
    assert sum(k["now"] for k in document["kinds"] if len(k["kind"]) == 1) == now
    assert sum(k["now"] for k in document["kinds"] if len(k["kind"]) > 1) == now
    assert all(f["adjusted"] is None for f in document["findings"]), "nobody knows who was looking"
