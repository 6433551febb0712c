"""What two counts bear, in a word: never a bare difference."""

from typing import Literal

Word = Literal["sure", "unsure", "thin"]
FEWEST = 5
"""Below this many reports, seen and expected together, nothing is said about change (house rule; look guide §4)."""

LEVEL = 0.05
"""Of q, where many are judged together (Benjamini–Hochberg)."""


def judged(reports: float, q: float) -> Word:
    """sure: more than chance gives, of all that was judged; unsure: may be chance; thin: too few ``reports`` to say."""
    if reports < FEWEST:
        return "thin"
    return "sure" if q < LEVEL else "unsure"
