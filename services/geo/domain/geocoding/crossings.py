"""Crossings: "A/B", "korsningen A och B", "A x B" – the midpoint of the nearest addresses of two streets."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from services.geo.domain.geocoding.answers import Answer, Candidate
from services.geo.domain.geocoding.hints import Hints, distance
from services.geo.domain.geocoding.register import Register, Street
from services.geo.domain.geocoding.streets import Named
from services.geo.domain.geocoding.words import Token, written

MOST_PAIRS = 3
"""Pairs of neighbouring names that are looked at; a text of many names is a list and no crossing."""
CROSSING_METRES = 150.0
"""Streets whose addresses come no nearer than this do not cross."""
_CROSSING_WORDS = frozenset({"och", "x", "mot", "korsar", "korsningen"})
_CROSSING_SIGNS = frozenset({"/", "-", "&", "+", "–", "x"})


def crossing(
    register: Register, text: str, tokens: Sequence[Token], exact: Sequence[Named], hints: Hints
) -> Answer | None:
    """Two names with a sign or word of crossing between them: the midpoint of their nearest addresses."""
    ordered = sorted(exact, key=lambda m: m.first)
    for one, other in list(pairwise(ordered))[:MOST_PAIRS]:
        between = tokens[one.last : other.first]
        signs = {t.joiner for t in tokens[one.last : other.first + 1]} & _CROSSING_SIGNS
        joined = signs or any(t.key in _CROSSING_WORDS for t in between)
        if not joined or len(between) > 1:
            continue
        pairs = [(a, b, *_meeting(register, a, b)) for a in one.streets for b in other.streets]
        a, b, gap, e, n = min(pairs, key=lambda p: p[2])
        if gap > CROSSING_METRES:
            continue
        sure = 0.95 if hints.near is None or distance(hints.near, e, n) < 2_000 else 0.85
        place = Candidate(
            f"{a.name}/{b.name}", "crossing", e, n, round(gap / 2 + 20, 1), sure, register.source,
            register.vintage, a.district,
        )  # fmt: skip
        return Answer("found", (place,), written(text, tokens, one.first, other.last))
    return None


def _meeting(register: Register, a: Street, b: Street) -> tuple[float, float, float]:
    """Shortest distance between addresses of two streets, and the midpoint there."""
    from scipy.spatial import KDTree  # late, as in the register

    points_a = np.column_stack([register.e[a.start : a.end], register.n[a.start : a.end]])
    points_b = np.column_stack([register.e[b.start : b.end], register.n[b.start : b.end]])
    distances, nearest = KDTree(points_b).query(points_a)
    i = int(np.argmin(distances))
    middle = (points_a[i] + points_b[nearest[i]]) / 2
    return float(distances[i]), round(float(middle[0]), 1), round(float(middle[1]), 1)
