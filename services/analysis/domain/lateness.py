"""How late reports come in: the spread of days between what happened and its first version, out of the view."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.analysis.domain.selection import reports


@dataclass(frozen=True, slots=True)
class Lateness:
    """Reports of a group by days late.

    Half came within ``median_days``, nine of ten within ``nine_in_ten_days``; 60 stands for that and more. Of days that
    are not old yet only the punctual reports are here: what is to come makes them later.
    """

    reports: int | float
    same_day: int | float
    within_week: int | float
    within_four_weeks: int | float
    median_days: int
    nine_in_ten_days: int


def lateness(rows: Iterable[tuple[int, int]]) -> Lateness:
    """``rows`` = (days late, reports in millionths), at least one report.

    A quantile is the smallest number of days within which that share of the reports came in.
    """
    ordered = sorted(rows)
    return Lateness(
        reports(sum(n for _, n in ordered)),
        reports(_within(ordered, 0)),
        reports(_within(ordered, 7)),
        reports(_within(ordered, 28)),
        _quantile(ordered, 5),
        _quantile(ordered, 9),
    )


def _within(ordered: Sequence[tuple[int, int]], days: int) -> int:
    return sum(n for late, n in ordered if late <= days)


def _quantile(ordered: Sequence[tuple[int, int]], tenths: int) -> int:
    whole = sum(n for _, n in ordered)
    return next(late for late, _ in ordered if 10 * _within(ordered, late) >= tenths * whole)
