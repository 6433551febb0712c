"""How useful alerts are, and who falls silent between two drafts."""

from datetime import UTC, datetime

import pytest

from services.analysis.domain.usefulness import Threshold, Usefulness, judge
from services.analysis.handlers.silences import silence, turns

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def said(answers: int, useful: int) -> Usefulness:
    """So many answers about signals, of which so many say that it was useful."""
    return judge("r", [(None, number < useful) for number in range(answers)])


def test_the_interval_is_wilson_s() -> None:
    """Agresti & Coull 1998, table: 0 of 10 and 5 of 10."""
    assert (said(10, 0).low, round(said(10, 0).high, 4)) == (0.0, 0.2775)
    assert (round(said(10, 5).low, 4), round(said(10, 5).high, 4)) == (0.2366, 0.7634)


@pytest.mark.parametrize(
    ("answers", "useful", "proposal"),
    [(9, 0, "thin"), (10, 0, "raise"), (10, 2, "keep"), (30, 7, "raise"), (30, 12, "keep"), (30, 30, "keep")],
)
def test_a_threshold_is_proposed_only_when_most_were_surely_not_useful(
    answers: int, useful: int, proposal: str
) -> None:
    assert said(answers, useful).proposal == proposal


def test_the_least_severity_from_which_most_were_useful_is_proposed_with_what_it_would_have_cost() -> None:
    graded = [(1, False)] * 24 + [(2, False)] * 6 + [(2, True)] * 2 + [(3, True)] * 5 + [(3, False)] * 5 + [(4, True)]
    found = judge("r", graded)
    assert found.proposal == "raise"
    assert found.threshold == Threshold(severity=3, answers=11, useful=6, missed=2)
    signals: list[tuple[int | None, bool]] = [(None, True), *graded]
    assert judge("r", signals).threshold is None, "a least severity would shut the signals out"
    few = [(2, False)] * 19 + [(4, True)]
    assert judge("r", few).threshold is None, "what one person answered is not to be read off"
    assert judge("r", [(4, False)] * 19 + [(4, True)]).threshold is None, "there is nothing above the highest"
    assert judge("r", [(1, False)] * 20).threshold is None, "no severity would have done"
    assert judge("r", [(1, False)] * 5 + [(2, True)] * 15).threshold is None, "it does well as it is"


def test_a_silence_is_told_when_it_begins_and_when_it_ends_and_a_new_one_is_another() -> None:
    old, new = {"organisation": FIRST, "since": "2026-11-01"}, {"organisation": FIRST, "since": "2026-11-15"}
    never = {"organisation": SECOND, "since": None}
    assert turns([], [old, never]) == [("opened", FIRST, "2026-11-01"), ("opened", SECOND, None)]
    assert turns([old], [old]) == []
    assert turns([old], []) == [("closed", FIRST, "2026-11-01")]
    assert turns([old], [new]) == [("opened", FIRST, "2026-11-15"), ("closed", FIRST, "2026-11-01")]
    now = datetime(2026, 11, 19, tzinfo=UTC)
    begun, ended = (silence("0682", (state, FIRST, "2026-11-01"), now) for state in ("opened", "closed"))
    assert begun.situation_id == ended.situation_id
    assert begun.revision < ended.revision
    assert silence("0682", ("opened", SECOND, None), now).since is None
