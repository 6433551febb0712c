"""How useful a rule's alerts are, and whether that is enough to propose another threshold."""

from dataclasses import dataclass
from typing import Literal

from services.analysis.statistics.surveys import share_interval

FEWEST = 10
"""Fewer answers than this say nothing."""
MOSTLY = 0.5

Proposal = Literal["keep", "raise", "thin"]


@dataclass(frozen=True, slots=True)
class Usefulness:
    """The share of useful alerts with its 95 % interval (Wilson 1927, without continuity correction)."""

    rule: str
    answers: int
    useful: int
    low: float
    high: float
    proposal: Proposal


def judge(rule: str, answers: int, useful: int) -> Usefulness:
    """``raise`` the threshold only when the whole interval lies below one half: most were surely not useful.

    ``answers`` ≥ 1, 0 ≤ ``useful`` ≤ ``answers``.
    """
    low, high = share_interval(useful, answers)
    proposal: Proposal = "thin" if answers < FEWEST else "raise" if high < MOSTLY else "keep"
    return Usefulness(rule, answers, useful, low, high, proposal)
