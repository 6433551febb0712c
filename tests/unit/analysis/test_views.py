"""Views are sums: any order, any duplication, any corrections give the rows of a fresh fold."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.locations import ReportLocated
from schemas.values import UNPLACED
from services.analysis.views import MILLION, Weight, add_into, context_days, cube, delta, fold, shares
from tests.support.facts import NOON, located, published, report_id

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
    time_to=st.just(NOON + timedelta(days=2)),
)


def _version(fact: ReportLocated) -> tuple[int, int]:
    return fact.report.revision, fact.placement.placement


def _one_content_per_version(facts: Sequence[ReportLocated]) -> list[ReportLocated]:
    """ingest and geo mint a version once: the same number never names two contents."""
    kept: dict[Any, ReportLocated] = {}
    return [kept.setdefault((f.report.report_id, _version(f)), f) for f in facts]


def live_through(facts: Sequence[ReportLocated]) -> dict[cube.CubeKey, Weight]:
    """What the room does, one fact at a time: newer replaces older by the difference, anything else is nothing."""
    newest: dict[Any, ReportLocated] = {}
    view: dict[cube.CubeKey, Weight] = {}
    for fact in facts:
        old = newest.get(fact.report.report_id)
        if old is None or _version(fact) > _version(old):
            newest[fact.report.report_id] = fact
            add_into(view, delta(cube.contributions, [(old, fact)]))
    return view


def newest_of(facts: Sequence[ReportLocated]) -> list[ReportLocated]:
    found: dict[Any, ReportLocated] = {}
    for fact in facts:
        known = found.get(fact.report.report_id)
        if known is None or _version(fact) > _version(known):
            found[fact.report.report_id] = fact
    return list(found.values())


@given(st.lists(versions, max_size=40), st.randoms(use_true_random=False))
def test_any_order_and_any_duplication_equal_a_fresh_fold(facts: list[ReportLocated], chance: Any) -> None:
    facts = _one_content_per_version(facts)
    shuffled = facts + chance.choices(facts, k=len(facts) // 2) if facts else []
    chance.shuffle(shuffled)
    assert live_through(shuffled) == fold(cube.contributions, newest_of(facts))


@given(st.lists(versions, max_size=30))
def test_every_layer_counts_every_report(facts: list[ReportLocated]) -> None:
    view = fold(cube.contributions, newest_of(_one_content_per_version(facts)))
    totals: dict[str, int] = {}
    for key, weight in view.items():
        totals[key.layer] = totals.get(key.layer, 0) + weight.reports
    counting = [f for f in newest_of(_one_content_per_version(facts)) if cube.why_not_counted(f) is None]
    assert all(total == len(counting) * MILLION for total in totals.values())
    assert bool(totals) == bool(counting)


@given(st.integers(1, 5000))
def test_shares_are_integers_that_sum_to_one_million(parts: int) -> None:
    found = shares(parts)
    assert sum(found) == MILLION
    assert max(found) - min(found) <= 1


def test_the_day_is_the_swedish_day_of_the_start() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    (key, *_) = cube.contributions(located(time_from=late, time_to=late + timedelta(days=3)))
    assert key.day == date(2026, 11, 20)


def test_zero_reports_and_the_calendar_never_count() -> None:
    assert cube.contributions(located(event_type="G1")) == {}
    assert cube.contributions(located(event_type="F2")) == {}
    assert cube.contributions(located(event_type="G2")) != {}
    assert cube.contributions(located(event_type="A-X7")) != {}


def test_a_withdrawal_or_a_merge_contributes_nothing_and_says_why() -> None:
    assert cube.why_not_counted(located(withdrawn=True)) == "withdrawn"
    assert cube.why_not_counted(located(merged_into=report_id(2))) == "merged"
    assert delta(cube.contributions, [(located(), located(revision=2, withdrawn=True))]) == {
        key: Weight(-weight.reports, -weight.seen) for key, weight in cube.contributions(located()).items()
    }


def test_published_items_count_on_the_day_they_happened() -> None:
    happened = published(occurred_at=NOON - timedelta(days=1))
    (key,) = context_days.contributions(happened)
    assert key.day == date(2026, 11, 18)
    assert (key.precision, key.located_kommun) == ("kommun", "0682")
    assert context_days.contributions(published(withdrawn=True)) == {}
