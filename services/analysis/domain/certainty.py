"""What two counts bear, in a word: never a bare difference."""

from typing import Literal

from services.analysis.statistics import counts

Word = Literal["sure", "unsure", "thin"]
FEWEST = 5
"""Below this many reports in both periods together nothing is said about change (house rule; look guide §4)."""


LEVEL = 0.05
"""Of q, where many are judged together (Benjamini–Hochberg)."""


def word(now: int, before: int, alpha: float = 0.05) -> Word:
    """sure: larger than chance reasonably gives; unsure: may be chance; thin: too few to say anything."""
    if now + before < FEWEST:
        return "thin"
    return "sure" if counts.exact_p(now, 1, before, 1) < alpha else "unsure"


def judged(reports: float, q: float) -> Word:
    """The same word of one of many, by its q; ``reports`` = how many there are to speak of."""
    if reports < FEWEST:
        return "thin"
    return "sure" if q < LEVEL else "unsure"
