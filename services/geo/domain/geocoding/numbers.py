"""House numbers: what stands after a street's name, and which address of the street that is.

Exact → the same number with another letter → the nearest of the same parity within six → the street (geo reference §7.1
rule 5).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from schemas.locations import Precision
from services.geo.domain.geocoding.register import Register, Street
from services.geo.domain.geocoding.words import Token

NEAR = 6
"""How far a missing number may be from the one that is taken instead."""
RADIUS = {"address": 20.0, "address_other_letter": 50.0, "near_number": 100.0}
"""Metres within which nine of ten lie. For ``address``: p90 is 18 m against independent points (geo reference §7.2)."""
_BEFORE = frozenset({"nr", "nummer", "no", "num"})
_SMALL_WORDS = frozenset("ioå")
"""Letters that are words when they stand alone: "Storgatan 16 i Malmö" has no letter I."""
_TWO_LETTERS = frozenset(
    "av en ej på är om så nu vi de du ni se ut in ca kl nr el fd ev st år ha ge le gå få må då ju jo ja ok id".split()
)
"""Words of two letters, for the same reason; any others after a number are its letters ("6 bj")."""


class HouseNumber(NamedTuple):
    """A number as written after a street; ``last`` is the first word that does not belong to it."""

    number: int
    letter: str
    supplement: str
    last: int


class Resolved(NamedTuple):
    """What a number on a street came to. ``row`` is None for the street as a whole."""

    precision: Precision
    row: int | None
    radius_m: float


def after(tokens: Sequence[Token], at: int) -> HouseNumber | None:
    """The house number that begins at word ``at``, with its letter and supplement ("15 B U1"); None for none."""
    if at < len(tokens) and tokens[at].key in _BEFORE:
        at += 1
    if at >= len(tokens) or tokens[at].kind != "number" or (tokens[at].breaks and tokens[at].joiner != ","):
        return None
    number, letter, supplement = tokens[at].number
    if number > 99_999 or _is_postal_code(tokens, at) or _counts_something(tokens, at):
        return None
    at += 1
    if not letter and not supplement and at < len(tokens) and _is_letter(tokens, at):
        letter = tokens[at].text.rstrip(".").upper()
        at += 1
    if not supplement and at < len(tokens) and tokens[at].kind == "supplement" and not tokens[at].breaks:
        supplement = tokens[at].text.rstrip(".").upper()
        at += 1
    return HouseNumber(number, letter, supplement, at)


_NOT_BEFORE = frozenset("kl klockan ca cirka den tel telefon mobil ungefar minst till mellan buss linje".split())
"""Words, folded, after which a number is a time, a date or a count."""
_NOT_AFTER = frozenset(
    "meter km mil minuter tim timmar st stycken personer ungdomar bilar år dagar kr kronor grader procent ggr".split()
)
"""Words, as written in lower case, before which a number counts something."""
_TIME = re.compile(r"[0-2]?\d[:.][0-5]\d")


def _counts_something(tokens: Sequence[Token], at: int) -> bool:
    """Whether the number at ``at`` is a time, a date, a distance or a count and no house number."""
    if at > 0 and tokens[at - 1].key in _NOT_BEFORE:
        return True
    if _TIME.fullmatch(tokens[at].text):
        return True
    if at + 1 == len(tokens) or tokens[at + 1].breaks:
        return False
    following = tokens[at + 1]
    dotted = tokens[at].text.endswith(".") and following.kind == "number" and following.start == tokens[at].end
    metres = following.text == "m" and at + 2 < len(tokens) and not tokens[at + 2].breaks
    return dotted or metres or following.text.lower().rstrip(".") in _NOT_AFTER


def _is_letter(tokens: Sequence[Token], at: int) -> bool:
    """Whether a short word after a number is its letter: one letter, or two that are no common word."""
    text = tokens[at].text.rstrip(".")
    if tokens[at].breaks or tokens[at].kind != "word" or not text.isalpha():
        return False
    if len(text) == 1:
        return text.lower() not in _SMALL_WORDS or at + 1 == len(tokens)
    return len(text) == 2 and text.lower() not in _TWO_LETTERS


def _is_postal_code(tokens: Sequence[Token], at: int) -> bool:
    """Five digits, "214 30" or "21430"."""
    return postal_code(tokens, at) is not None


def postal_code(tokens: Sequence[Token], at: int) -> tuple[str, int] | None:
    """The postal code that begins at a word, and the first word after it."""
    text = tokens[at].text.rstrip(".")
    if text.isdigit() and len(text) == 5:
        return text, at + 1
    if text.isdigit() and len(text) == 3 and at + 1 < len(tokens) and not tokens[at + 1].breaks:
        rest = tokens[at + 1].text.rstrip(".")
        if rest.isdigit() and len(rest) == 2:
            return text + rest, at + 2
    return None


def resolve(register: Register, street: Street, wanted: HouseNumber) -> Resolved:
    """The address of the street that is meant, as near as the register comes."""
    numbers = register.number
    first = bisect_left(numbers, wanted.number, street.start, street.end)
    last = bisect_right(numbers, wanted.number, first, street.end)
    if first < last:
        same = [r for r in range(first, last) if register.letter[r] == wanted.letter]
        if same:
            row = next((r for r in same if register.supplement[r] == wanted.supplement), same[0])
            return Resolved("address", row, RADIUS["address"])
        if len(wanted.letter) > 1:  # the first of two letters is the entrance, the second a part of it
            part = [r for r in range(first, last) if register.letter[r] == wanted.letter[0]]
            first, last = (part[0], part[-1] + 1) if part else (first, last)
        row = (first + last - 1) // 2 if not wanted.letter else first
        return Resolved("address_other_letter", row, RADIUS["address_other_letter"])
    around = range(
        bisect_left(numbers, wanted.number - NEAR, street.start, street.end),
        bisect_right(numbers, wanted.number + NEAR, street.start, street.end),
    )
    near = [r for r in around if numbers[r] >= 0 and (numbers[r] - wanted.number) % 2 == 0]
    if near:
        row = min(near, key=lambda r: abs(numbers[r] - wanted.number))
        return Resolved("near_number", row, RADIUS["near_number"])
    return Resolved("street", None, street.radius_m)
