"""What a text says beside the name: postal code, post town, kommundel, and the point that the sender was at."""

from collections.abc import Sequence
from math import hypot
from typing import NamedTuple

from services.geo.domain.geocoding import numbers
from services.geo.domain.geocoding.register import Street
from services.geo.domain.geocoding.words import Token, folded

NEAR_METRES = 1_000.0
"""A sender this near a street is taken to mean that one of two with the same name."""
FILLERS = frozenset(
    """
    ca x nr adressen hos i nara fore bredvid och platsen se intill av korsningen invid cirka utanfor gata
    postadress framfor efter mot sverige ort under mellan omkring langs over hornet kommun mittemot nummer vid
    adress pa vag runt plats bakom
    """.split()
)
"""Words that may stand beside a place without making the text a sentence."""


PREPOSITIONS = frozenset(
    """
    det till i nara bredvid och intill invid utanfor framfor efter mot kring fran under mellan ar langs mittemot
    vid pa bakom
    """.split()
)
"""Words that no misspelt street name contains."""


class Point(NamedTuple):
    """Where the sender was: EPSG:3006, metres."""

    e: float
    n: float


class Hints(NamedTuple):
    """What helps to choose between streets of one name, and between names."""

    postal_code: str | None
    towns: frozenset[str]
    districts: frozenset[str]
    near: Point | None
    used: frozenset[int]
    """Words of the text that are part of a hint."""
    foreign: bool = False
    """It names a town of another municipality: the address lies there."""

    @classmethod
    def none(cls) -> "Hints":
        """A text that says nothing besides."""
        return cls(None, frozenset(), frozenset(), None, frozenset())

    def contradicts(self, street: Street, postal_code: str | None = None) -> bool:
        """Whether the text names another post town or postal code than the street (or its address) has."""
        if self.foreign:
            return True
        if self.postal_code and (street.postal_codes or postal_code):
            return self.postal_code != postal_code if postal_code else self.postal_code not in street.postal_codes
        return bool(self.towns and street.post_towns and not self.towns & street.post_towns)

    def supports(self, street: Street) -> bool:
        """Whether something beside the name says that it is this street."""
        if self.postal_code and self.postal_code in street.postal_codes:
            return True
        if folded_district(street) in self.districts or self.towns & street.post_towns:
            return True
        return self.near is not None and distance(self.near, street.e, street.n) < NEAR_METRES + street.radius_m


def folded_district(street: Street) -> str:
    """A street's district as a key; empty for none."""
    return "".join(folded(w) for w in street.district.split())


def distance(point: Point, e: float, n: float) -> float:
    """Metres from the sender's point."""
    return hypot(point.e - e, point.n - n)


class HintReader:
    """Knows the post towns and districts of one register."""

    def __init__(self, streets: Sequence[Street], foreign: frozenset[str] = frozenset()) -> None:
        self._towns = frozenset(t for s in streets for t in s.post_towns)
        self._districts = frozenset(d for s in streets if (d := folded_district(s)))
        self._foreign = foreign - self._towns - self._districts - {s.key for s in streets}

    def read(self, tokens: Sequence[Token], near: Point | None) -> Hints:
        """The hints of a text; a postal code counts when the register has it, or when a town follows it."""
        code: str | None = None
        used: set[int] = set()
        towns: set[str] = set()
        districts: set[str] = set()
        foreign = False
        for i, token in enumerate(tokens):
            if token.kind == "number" and i not in used:
                found = numbers.postal_code(tokens, i)
                if found is not None and i > 0:
                    code = found[0]
                    used.update(range(i, found[1]))
                    towns |= self._foreign_town(tokens, found[1], used)
                continue
            for length in (3, 2, 1):
                key = "".join(t.key for t in tokens[i : i + length])
                if i + length <= len(tokens) and (key in self._towns or key in self._districts):
                    (towns if key in self._towns else districts).add(key)
                    used.update(range(i, i + length))
                    if key in self._districts:
                        districts.add(key)
                    break
            if token.key in self._foreign and token.capital and i > 0 and (token.breaks or tokens[i - 1].key == "i"):
                foreign = True
                used.add(i)
        return Hints(code, frozenset(towns), frozenset(districts), near, frozenset(used), foreign)

    def _foreign_town(self, tokens: Sequence[Token], at: int, used: set[int]) -> set[str]:
        """A town after a postal code that no street of the register has: the address lies elsewhere."""
        if (
            at < len(tokens)
            and tokens[at].kind == "word"
            and tokens[at].key not in self._towns
            and not tokens[at].breaks
        ):
            used.add(at)
            return {tokens[at].key}
        return set()


def is_whole(tokens: Sequence[Token], used: Sequence[range], hints: Hints) -> bool:
    """Whether the text is nothing but a place: every word belongs to the match, a hint, or stands beside places."""
    taken = {i for r in used for i in r} | hints.used
    return all(i in taken or t.key in FILLERS for i, t in enumerate(tokens))


def content(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """The words that a text consists of, those aside that may stand beside a place: first and last (exclusive).

    None when they do not stand together.
    """
    said = [i for i, t in enumerate(tokens) if t.key not in FILLERS]
    together = bool(said) and said[-1] - said[0] + 1 == len(said)
    return (said[0], said[-1] + 1) if together else None
