"""How sure an answer is: a confidence for each way of being found, and which of several candidates stands out.

The numbers are calibrated, not derived: ``lagesbild check geocoder`` prints how often answers of each confidence are
right, and a test holds that of those at 0.9 and above at most one in two hundred names the wrong street.
"""

from collections.abc import Sequence
from typing import NamedTuple

from services.geo.domain.geocoding import numbers
from services.geo.domain.geocoding.answers import Candidate
from services.geo.domain.geocoding.hints import Hints
from services.geo.domain.geocoding.numbers import HouseNumber, Resolved
from services.geo.domain.geocoding.register import Register, Street
from services.geo.domain.geocoding.streets import Named

SURE = 0.9
"""Confidence from which an answer may be used unseen; a guess without a number must reach it (rule 10)."""
MARGIN = 2.5
"""Points by which a misspelt name must be liker the best street than the next; less is ambiguous."""
_BY_NAME = {"exact": 0.99, "short": 0.97}
_BY_NUMBER = {"address": 1.0, "address_other_letter": 0.96, "near_number": 0.87, "street": 0.75}
_EVIDENCE = {"address": 5.0, "address_other_letter": 2.0, "near_number": 0.0, "street": -4.0}


class Weighed(NamedTuple):
    """A street with its number, and how well it fits; ``score`` only compares candidates of one text."""

    street: Street
    resolved: Resolved
    score: float
    contradicted: bool


def weigh(register: Register, named: Named, number: HouseNumber | None, hints: Hints) -> list[Weighed]:
    """The streets of one name, best first: by the number, then by what else the text and the sender's point say."""
    weighed = []
    for street in named.streets:
        resolved = numbers.resolve(register, street, number) if number else Resolved("street", None, street.radius_m)
        code = register.postal_code[resolved.row] if resolved.row is not None else None
        contradicted = hints.contradicts(street, code)
        score = named.score + (_EVIDENCE[resolved.precision] if number else 0.0)
        score += (4.0 if hints.supports(street) and not contradicted else 0.0) - (6.0 if contradicted else 0.0)
        weighed.append(Weighed(street, resolved, score, contradicted))
    return sorted(weighed, key=lambda w: -w.score)


def candidate(register: Register, weighed: Weighed, confidence: float) -> Candidate:
    """The candidate as it is answered."""
    row = weighed.resolved.row
    street = weighed.street
    return Candidate(
        label=street.name if row is None else register.label(row),
        precision=weighed.resolved.precision,
        e=street.e if row is None else register.e[row],
        n=street.n if row is None else register.n[row],
        radius_m=weighed.resolved.radius_m,
        confidence=round(max(0.0, min(1.0, confidence)), 3),
        source=register.source,
        vintage=register.vintage,
        district=street.district,
    )


def confidence_of_exact(named: Named, best: Weighed, number: HouseNumber | None, *, certainty: float) -> float:
    """A name that stands in the text; ``certainty`` below 1 where something else speaks against it."""
    sure = _BY_NAME[named.how] * (1.0 if named.faithful else 0.86)
    sure *= certainty * (_BY_NUMBER[best.resolved.precision] if number else 0.95)
    return sure * (0.85 if best.contradicted else 1.0)


def confidence_of_typo(named: Named, best: Weighed, runner_up: float, number: HouseNumber | None) -> float:
    """A misspelt name: by its likeness, its lead over the next name, and whether the street has the number."""
    lead = best.score - runner_up
    sure = 0.55 + 0.012 * (named.score - 75) + 0.018 * min(lead, 12.0)
    sure *= _BY_NUMBER[best.resolved.precision] if number else 0.93
    if named.length < 9:
        sure *= 0.94
    return min(0.97, sure) * (0.85 if best.contradicted else 1.0)


def lead_of(weighed: Sequence[Weighed]) -> float:
    """Points between the first and the next; large for a single one."""
    return weighed[0].score - weighed[1].score if len(weighed) > 1 else 100.0
