"""Where in a text a misspelt street name may stand."""

from collections.abc import Iterable, Sequence

from services.geo.domain.geocoding import numbers
from services.geo.domain.geocoding.hints import FILLERS, PREPOSITIONS, Hints, is_whole
from services.geo.domain.geocoding.numbers import HouseNumber
from services.geo.domain.geocoding.streets import tells_apart
from services.geo.domain.geocoding.words import Token

LONGEST_GUESS = 4
"""Words in the longest misspelt name that is looked for in a sentence."""


def windows(tokens: Sequence[Token], hints: Hints) -> Iterable[tuple[list[tuple[int, int]], HouseNumber | None, bool]]:
    """Runs of words that may be a misspelt name: one to four before a number, or all of an address field."""
    for at in range(1, len(tokens)):
        number = numbers.after(tokens, at)
        if number is None or tokens[at - 1].kind != "word" or tokens[at].kind != "number":
            continue
        first = at
        while first > 0 and tokens[first - 1].kind == "word" and not tokens[first].breaks:
            first -= 1
        whole = at - first <= 5 and is_whole(tokens, [range(first, number.last)], hints)
        runs = [(i, at) for i in range(max(first, at - LONGEST_GUESS), at)]
        runs = [w for w in runs if not any(t.key in PREPOSITIONS for t in tokens[w[0] : at])]
        if whole and first < at - LONGEST_GUESS:
            runs.append((first, at))
        yield runs, number, whole
    words = [i for i, t in enumerate(tokens) if i not in hints.used]
    if words and len(words) <= 4 and all(tokens[i].kind == "word" for i in words) and words[-1] - words[0] < len(words):
        yield [(words[0], words[-1] + 1)], None, True


def joins(tokens: Sequence[Token], first: int) -> bool:
    """Whether the word before may belong to a name that begins at ``first``."""
    before = tokens[first - 1] if first > 0 else None
    return (
        before is not None
        and before.kind == "word"
        and not tokens[first].breaks
        and before.key not in FILLERS
        and before.key not in PREPOSITIONS
    )


def told_apart(tokens: Sequence[Token], first: int) -> bool:
    """Whether a word like Norra stands before, and is no part of what was found."""
    return joins(tokens, first) and tells_apart(tokens[first - 1].key)
