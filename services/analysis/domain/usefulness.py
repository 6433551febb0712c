"""How useful a rule's alerts are, and whether that is enough to propose another threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.analysis.statistics.surveys import share_interval

FEWEST = 10
"""Fewer answers than this say nothing."""
MOSTLY = 0.5

HIGHEST = 4
"""Severities are 1 to this."""

Proposal = Literal["keep", "raise", "thin"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A least severity and what it would have meant: alerts left, useful ones among them, useful ones missed."""

    severity: int
    answers: int
    useful: int
    missed: int


@dataclass(frozen=True, slots=True)
class Usefulness:
    """The share of useful alerts with its 95 % interval (Wilson 1927, without continuity correction).

    ``threshold``: a least severity to try; None where none is proposed, or no severity would do.
    """

    rule: str
    answers: int
    useful: int
    low: float
    high: float
    proposal: Proposal
    threshold: Threshold | None = None


def judge(rule: str, answers: Sequence[tuple[int | None, bool]]) -> Usefulness:
    """``raise`` the threshold only when the whole interval lies below one half: most were surely not useful.

    ``answers``, at least one: (severity, useful), no severity of what was about no report: a least severity would shut
    that out, so none is proposed where there is any.
    """
    useful = sum(said for _, said in answers)
    low, high = share_interval(useful, len(answers))
    proposal: Proposal = "thin" if len(answers) < FEWEST else "raise" if high < MOSTLY else "keep"
    reports = [(severity, said) for severity, said in answers if severity is not None]
    found = threshold(reports) if proposal == "raise" and len(reports) == len(answers) else None
    return Usefulness(rule, len(answers), useful, low, high, proposal, found)


def threshold(graded: Sequence[tuple[int, bool]]) -> Threshold | None:
    """The lowest severity from which at least half of these were useful; None when there is none but what all have.

    From fewer than ``FEWEST`` answers nothing is said: it would be what one or two people answered.
    """
    for least in range(min((s for s, _ in graded), default=HIGHEST) + 1, HIGHEST + 1):
        kept = [useful for severity, useful in graded if severity >= least]
        if len(kept) >= FEWEST and sum(kept) >= MOSTLY * len(kept):
            missed = sum(useful for severity, useful in graded if severity < least)
            return Threshold(least, len(kept), sum(kept), missed)
    return None
