"""Views are sums: any order, any duplication, any corrections give the rows of a fresh fold."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.locations import Placement, PlaceRef, ReportLocated
from schemas.reports import ReportReceived
from schemas.values import UNPLACED, AreaRef
from services.analysis.views import (
    MILLION,
    View,
    Weight,
    add_into,
    catalogue,
    context_days,
    cube,
    delta,
    fold,
    monday,
    rhythm,
    shares,
)
from services.analysis.views import fact as reading
from services.analysis.views.activity import ACTIVITY
from services.analysis.views.catalogue import PRESENCE, REPORTS, definition, family_of
from services.analysis.views.cells import CELLS
from services.analysis.views.fact import AreaSet, area_set, present, why_not_counted
from services.analysis.views.lateness import LATENESS
from services.analysis.views.rhythm import RHYTHM
from services.analysis.views.sources import SOURCES
from services.analysis.views.states import STATES
from services.runtime.errors import Unreadable
from tests.support.facts import NOON, as_read, counting, located, published, report_id

versions = st.builds(
    located,
    number=st.integers(1, 6),
    revision=st.integers(1, 5),
    placement=st.integers(1, 3),
    areas=st.sampled_from([("0682R012",), ("0682R003",), (UNPLACED,), ("0682R012", "0682R003", "0682R001")]),
    event_type=st.sampled_from(["A1", "B2", "G1", "F1", "E1"]),
    source=st.sampled_from(["rapportor", "tips"]),
    count=st.integers(1, 4),
    withdrawn=st.booleans(),
    merged_into=st.sampled_from([None, report_id(99)]),
    time_from=st.sampled_from([NOON, NOON - timedelta(days=1), NOON + timedelta(hours=11, minutes=30)]),
    time_to=st.sampled_from([NOON + timedelta(hours=12), NOON + timedelta(days=2), NOON + timedelta(days=20)]),
    ongoing=st.booleans(),
    organisation=st.sampled_from([None, report_id(50)]),
    reporter_token=st.sampled_from([None, "token-one", "token-two"]),
    received_at=st.sampled_from([NOON - timedelta(days=1), NOON, NOON + timedelta(days=5), NOON + timedelta(days=90)]),
    cells=st.sampled_from([{}, {"9": "891f1d48967ffff", "10": "8a1f1d48965ffff"}]),
)


def _version(fact: ReportLocated) -> tuple[int, int]:
    return fact.report.revision, fact.placement.placement


def _one_content_per_version(facts: Sequence[ReportLocated]) -> list[ReportLocated]:
    """ingest and geo mint a version once: the same number never names two contents."""
    kept: dict[Any, ReportLocated] = {}
    return [kept.setdefault((f.report.report_id, _version(f)), f) for f in facts]


def live_through(view: View[Any], facts: Sequence[ReportLocated]) -> dict[Any, Weight]:
    """What the room does, one fact at a time: newer replaces older by the difference, anything else is nothing."""
    newest: dict[Any, ReportLocated] = {}
    rows: dict[Any, Weight] = {}
    for fact in facts:
        old = newest.get(fact.report.report_id)
        if old is None or _version(fact) > _version(old):
            newest[fact.report.report_id] = fact
            before, after = (None if f is None else family_of(view).counts(as_read(f)) for f in (old, fact))
            add_into(rows, delta(view.contributions, [(before, after)]))
    return rows


def newest_of(facts: Sequence[ReportLocated]) -> list[ReportLocated]:
    found: dict[Any, ReportLocated] = {}
    for fact in facts:
        known = found.get(fact.report.report_id)
        if known is None or _version(fact) > _version(known):
            found[fact.report.report_id] = fact
    return list(found.values())


@pytest.mark.parametrize("view", [*REPORTS.views, *PRESENCE.views], ids=lambda v: v.name)
@given(facts=st.lists(versions, max_size=40), chance=st.randoms(use_true_random=False))
def test_any_order_and_any_duplication_equal_a_fresh_fold(
    view: View[Any], facts: list[ReportLocated], chance: Any
) -> None:
    facts = _one_content_per_version(facts)
    shuffled = facts + chance.choices(facts, k=len(facts) // 2) if facts else []
    chance.shuffle(shuffled)
    counts = family_of(view).counts
    counted_once = [c for f in newest_of(facts) if (c := counts(as_read(f))) is not None]
    assert live_through(view, shuffled) == fold(view.contributions, counted_once)


def _sums(view: View[Any], facts: Sequence[ReportLocated], by: Callable[[Any], Any]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for key, weight in fold(view.contributions, counting(*facts)).items():
        found[by(key)] = found.get(by(key), 0) + weight.reports
    return {k: v for k, v in found.items() if v}


@given(st.lists(versions, max_size=30))
def test_the_views_agree_about_every_week_and_type(facts: list[ReportLocated]) -> None:
    newest = newest_of(_one_content_per_version(facts))
    expected = _sums(cube.CUBE, newest, lambda k: (monday(k.day), k.event_type))
    assert _sums(RHYTHM, newest, lambda k: (k.week, k.event_type)) == expected
    assert _sums(SOURCES, newest, lambda k: (monday(k.day), k.event_type)) == expected
    assert _sums(CELLS, newest, lambda k: (k.week, k.event_type)) == expected
    days = _sums(cube.CUBE, newest, lambda k: (k.day, k.source))
    assert _sums(LATENESS, newest, lambda k: (k.day, k.source)) == days
    assert sum(expected.values()) == len(counting(*newest)) * MILLION


def _set(fact: ReportLocated) -> AreaSet:
    return area_set(tuple((ref.layer, ref.area) for ref in fact.placement.areas))


@given(versions)
def test_every_layer_shares_out_the_whole_report(fact: ReportLocated) -> None:
    layers: dict[str, int] = {}
    for layer, area, share in _set(fact).shares:
        assert any((ref.layer, ref.area) == (layer, area) for ref in fact.placement.areas)
        layers[layer] = layers.get(layer, 0) + share
    assert layers == {"regso": MILLION, "kommun": MILLION}


def test_an_area_set_is_named_by_its_areas_alone() -> None:
    one = _set(located(areas=("0682R012", "0682R003")))
    assert one == _set(located(2, areas=("0682R003", "0682R012"), event_type="B1"))
    assert one.number != _set(located(areas=("0682R012",))).number
    assert 0 <= one.number < 2**63


@given(st.integers(1, 5000))
def test_shares_are_integers_that_sum_to_one_million(parts: int) -> None:
    found = shares(parts)
    assert sum(found) == MILLION
    assert max(found) - min(found) <= 1


def test_the_day_is_the_swedish_day_of_the_start() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    (fact,) = counting(located(time_from=late, time_to=late + timedelta(days=3)))
    (key,) = cube.contributions(fact)
    assert key.day == date(2026, 11, 20)


def test_zero_reports_and_the_calendar_never_count() -> None:
    assert [bool(counting(located(event_type=code))) for code in ("G1", "F2", "G2", "A-X7")] == [
        False,
        False,
        True,
        True,
    ]
    assert why_not_counted(as_read(located(event_type="G1"))) == "not_an_event"


def test_a_withdrawal_or_a_merge_contributes_nothing_and_says_why() -> None:
    for word, changes in (("withdrawn", {"withdrawn": True}), ("merged", {"merged_into": report_id(2)})):
        gone = located(revision=2, **changes)
        assert why_not_counted(as_read(gone)) == word
        assert counting(gone) == []
    (before,) = counting(located())
    assert delta(cube.contributions, [(before, None)]) == {
        key: Weight(-weight.reports, -weight.seen) for key, weight in cube.contributions(before).items()
    }


def test_published_items_count_on_the_day_they_happened() -> None:
    happened = published(occurred_at=NOON - timedelta(days=1))
    (key,) = context_days.contributions(happened)
    assert key.day == date(2026, 11, 18)
    assert (key.precision, key.located_kommun) == ("kommun", "0682")
    assert context_days.published(published(withdrawn=True)) is None


def _open(facts: Sequence[ReportLocated], day: date) -> int:
    rows = fold(STATES.contributions, counting(*facts))
    return sum(w.reports for k, w in rows.items() if k.day <= day) // MILLION


def test_a_state_is_open_from_its_first_day_until_it_is_closed() -> None:
    day = NOON.date()
    lamp = located(event_type="E1", ongoing=True, time_from=NOON, time_to=NOON)
    assert [_open([lamp], day + timedelta(days=n)) for n in (-1, 0, 100)] == [0, 1, 1]
    mended = located(event_type="E1", revision=2, ongoing=False, time_from=NOON, time_to=NOON + timedelta(days=3))
    assert [_open([mended], day + timedelta(days=n)) for n in (-1, 0, 2, 3)] == [0, 1, 1, 0]
    assert fold(STATES.contributions, counting(located(event_type="A1", ongoing=True), located(event_type="E1"))) == {}


def test_a_definition_changes_with_the_code_and_not_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    definition.cache_clear()
    before = {view.name: definition(view) for view in REPORTS.views}
    assert len(set(before.values())) == len(before)
    plain = catalogue._code
    assert "Aoristic" not in plain(rhythm)
    monkeypatch.setattr(
        catalogue, "_code", lambda module: plain(module).replace("timedelta(days=7)", "timedelta(days=8)")
    )
    definition.cache_clear()
    changed = {name for view in REPORTS.views if definition(view) != before[name := view.name]}
    definition.cache_clear()
    assert changed == {"rhythm"}


def test_a_definition_changes_with_how_a_fact_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    definition.cache_clear()
    before = {view.name: definition(view) for view in catalogue.BY_NAME.values()}
    plain = catalogue._code
    spoiled = "report.withdrawn or "
    assert spoiled in plain(reading)
    monkeypatch.setattr(catalogue, "_code", lambda module: plain(module).replace(spoiled, ""))
    definition.cache_clear()
    changed = {name for name, view in catalogue.BY_NAME.items() if definition(view) != before[name]}
    definition.cache_clear()
    assert changed == {view.name for view in (*REPORTS.views, *PRESENCE.views)}


def _names(model: type[Any]) -> set[str]:
    return set(model.model_fields) if issubclass(model, BaseModel) else set(model.__struct_fields__)


def test_what_the_picture_reads_stands_in_the_contract() -> None:
    """Every field by the same name, and whatever the contract allows is read to the same value."""
    pairs = [(reading.Report, ReportReceived), (reading.Placement, Placement), (reading.LocatedReport, ReportLocated)]
    for ours, contract in [*pairs, (reading.Area, AreaRef), (reading.PlaceRef, PlaceRef)]:
        assert _names(ours) <= _names(contract), ours
    whole = located(organisation=report_id(3), merged_into=report_id(4), ongoing=True, cells={"9": "891f1d48967ffff"})
    read, said = msgspec.to_builtins(as_read(whole)), whole.model_dump(mode="json")
    assert read["report"] == {name: said["report"][name] for name in read["report"]}
    assert read["placement"] | {"areas": []} == {n: said["placement"][n] for n in read["placement"]} | {"areas": []}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"time_from": "2026-11-19T12:00:00"}, "time_from"),
        ({"event_type": "Q1"}, "event_type"),
        ({"revision": "many"}, "revision"),
        ({"report_id": "secret-person"}, "report_id"),
    ],
)
def test_what_cannot_be_read_names_the_field_and_not_the_content(change: dict[str, Any], says: str) -> None:
    said = located().model_dump(mode="json")
    said["report"] |= change
    with pytest.raises(Unreadable, match=says) as caught:
        reading.read(json.dumps(said))
    assert str(next(iter(change.values()))) not in str(caught.value)


def test_who_looked_counts_also_when_all_was_calm() -> None:
    """Zero reports and merged ones are signs of a reporter; systems and what was withdrawn are not."""
    facts = [
        located(1, reporter_token="token-one"),
        located(2, reporter_token="token-one", event_type="G1"),
        located(3, reporter_token="token-two", event_type="G1", areas=(UNPLACED,)),
        located(4, reporter_token="token-two", merged_into=report_id(1)),
        located(5, source="felanmalan"),
        located(6, reporter_token="token-three", withdrawn=True),
        located(7, reporter_token="token-four", event_type="G2"),
    ]
    rows = fold(ACTIVITY.contributions, [p for f in facts if (p := present(as_read(f))) is not None])
    assert sorted((k.reporter_token, k.kind, w.reports // MILLION) for k, w in rows.items()) == [
        ("token-four", "event", 1),  # a place that has become better is not all calm
        ("token-one", "event", 1),
        ("token-one", "zero", 1),
        ("token-two", "event", 1),
        ("token-two", "zero", 1),
    ]


def test_lateness_is_counted_in_swedish_days_and_never_negative() -> None:
    """Seen at 23:30 on Thursday in Sweden, sent at 00:30 on Friday: a day late."""
    night = datetime(2026, 11, 19, 22, 30, tzinfo=UTC)
    for received_at, late in ((night + timedelta(hours=1), 1), (night - timedelta(days=2), 0),
                              (night + timedelta(days=400), 60)):  # fmt: skip
        fact = located(time_from=night, time_to=night, received_at=received_at)
        assert [k.late for k in fold(LATENESS.contributions, counting(fact))] == [late]
