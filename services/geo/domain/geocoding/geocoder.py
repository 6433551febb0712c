"""From a written place to an answer, in the order of geo reference §7.1; a ``Geocoder`` holds one municipality."""

from collections.abc import Iterable, Sequence
from math import hypot

import numpy as np

from services.geo.domain.geocoding import numbers, weighing
from services.geo.domain.geocoding.answers import NOTHING, Answer, Candidate, Outcome
from services.geo.domain.geocoding.crossings import crossing
from services.geo.domain.geocoding.hints import (
    PREPOSITIONS,
    HintReader,
    Hints,
    Point,
    content,
    distance,
    is_whole,
)
from services.geo.domain.geocoding.numbers import HouseNumber
from services.geo.domain.geocoding.places import Place, PlaceIndex
from services.geo.domain.geocoding.register import Register
from services.geo.domain.geocoding.streets import Named, StreetIndex
from services.geo.domain.geocoding.weighing import MARGIN, SURE, Weighed
from services.geo.domain.geocoding.windows import joins, told_apart, windows
from services.geo.domain.geocoding.words import COMMON_NOUNS, Token, read, street_like, written

FIELD_CUTOFF = 74.0
"""Least likeness, 0–100, for a text that is nothing but an address."""
GUESS_CUTOFF = 62.0
"""Least likeness of what is shown to a person as a guess."""
SENTENCE_CUTOFF, SHORT_CUTOFF = 84.0, 90.0
"""Least likeness in a sentence; the second for names below nine letters (geo reference §7.1 rule 4)."""
LEFT_OVER = 8.0
"""Points that a word costs which belongs to the address and not to the name that was found in it."""


class Geocoder:
    """Answers for one municipality; immutable, safe for many threads."""

    def __init__(self, register: Register, places: Iterable[Place] = (), foreign: frozenset[str] = frozenset()) -> None:
        """``foreign``: the localities of other municipalities, folded; an address in one of them is not here."""
        popular = (
            Place(name, "place", float(e), float(n), 50.0, register.source, register.vintage)
            for name, e, n in register.popular
        )
        self.register = register
        self.streets = StreetIndex(register.streets)
        self.places = PlaceIndex([*places, *popular])
        self._hints = HintReader(register.streets, foreign)

    def find(self, text: str, near: Point | None = None) -> Answer:
        """The place that a text names. ``near`` is where the sender was; it chooses, it never moves the answer."""
        text, tokens = read(text)
        if not tokens:
            return NOTHING
        if (taught := self.places.taught(text)) is not None:
            return Answer("found", (_of_place(taught, 0.95),), text.strip())
        hints = self._hints.read(tokens, near)
        exact = self.streets.exact(tokens)
        answer = self._with_number(text, tokens, exact, hints) or crossing(self.register, text, tokens, exact, hints)
        if answer is None:
            answer = self._misspelt(text, tokens, hints)
        weaker = answer if answer is not None and answer.outcome != "found" else None
        if answer is None or weaker is not None:
            answer = self._place(text, tokens, exact, hints) or self._street_alone(text, tokens, exact, hints)
            if answer is None or (answer.outcome != "found" and weaker is not None):
                answer = weaker or answer
        if answer is None or (answer.outcome == "suggested" and not answer.candidates):
            answer = self._rough(text, tokens, hints)
        return answer or NOTHING

    def guesses(self, text: str) -> tuple[Candidate, ...]:
        """Streets that are only somewhat like the words, for a person to look at; never an answer."""
        _, tokens = read(text)
        words = [i for i, t in enumerate(tokens) if t.kind == "word" and t.key not in PREPOSITIONS][:8]
        windows = [(i, i + n) for i in words for n in (1, 2) if i + n <= len(tokens)]
        found: dict[str, Candidate] = {}
        for named in self.streets.like(windows, tokens, GUESS_CUTOFF):
            weighed = weighing.weigh(self.register, named, numbers.after(tokens, named.last), Hints.none())
            guess = weighing.candidate(self.register, weighed[0], (named.score - 50) / 100)
            found.setdefault(guess.label, guess)
        return tuple(found.values())

    def _with_number(self, text: str, tokens: Sequence[Token], exact: Sequence[Named], hints: Hints) -> Answer | None:
        """A name that stands in the text with a number after it."""
        for named in exact:
            number = numbers.after(tokens, named.last)
            if number is None and named.first == 1 and tokens[0].kind == "number":
                number = numbers.after(tokens[:1], 0)  # "5 Storgatan"
                number = number._replace(last=named.last) if number else None
            if number is None:
                continue
            single = named.last - named.first == 1
            lower = single and not street_like(named.streets[0].key) and not tokens[named.first].capital
            if lower and not is_whole(tokens, [range(named.first, number.last)], hints):
                continue  # "mark 5" in a sentence is not the village Mark
            return self._longer(text, tokens, named, number, hints) or self._answer(
                text, tokens, named, number, hints, certainty=0.8 if told_apart(tokens, named.first) else 1.0
            )
        return None

    def _longer(
        self, text: str, tokens: Sequence[Token], named: Named, number: HouseNumber, hints: Hints
    ) -> Answer | None:
        """A longer name that the word before belongs to: "väsrta parkgatan 5" is not Parkgatan 5."""
        at = named.first - 1
        if at < 0 or (at > 0 and not told_apart(tokens, named.first)) or not joins(tokens, named.first):
            return None
        longer = [
            m for m in self.streets.like([(at, named.last)], tokens, SENTENCE_CUTOFF) if m.length > named.length + 2
        ]
        weighed = [(m, weighing.weigh(self.register, m, number, hints)[0]) for m in longer]
        weighed = sorted((w for w in weighed if w[1].resolved.precision != "street"), key=lambda w: -w[1].score)
        if not weighed:
            return None
        best, chosen = weighed[0]
        runner_up = weighed[1][1].score if len(weighed) > 1 else 0.0
        sure = weighing.confidence_of_typo(best, chosen, runner_up, number)
        shorter = weighing.candidate(
            self.register, weighing.weigh(self.register, named, number, hints)[0], (1 - sure) / 2
        )
        outcome: Outcome = "ambiguous" if chosen.score - runner_up < MARGIN else "found"
        matched = written(text, tokens, at, number.last)
        notes = ("typo", *_notes(best, chosen, number))
        return Answer(outcome, (weighing.candidate(self.register, chosen, sure), shorter), matched, notes)

    def _answer(
        self, text: str, tokens: Sequence[Token], named: Named, number: HouseNumber | None, hints: Hints,
        *, certainty: float,
    ) -> Answer:  # fmt: skip
        """The answer for one exact name: found, or ambiguous between its districts.

        ``certainty`` is below 1 where only a capital tells the name from a common noun, or a word before is left over.
        """
        weighed = weighing.weigh(self.register, named, number, hints)
        matched = written(text, tokens, named.first, number.last if number else named.last)
        best = weighed[0]
        sure = weighing.confidence_of_exact(named, best, number, certainty=certainty)
        notes = _notes(named, best, number)
        if weighing.lead_of(weighed) < 1.0:
            tied = [w for w in weighed if best.score - w.score < 1.0]
            return Answer(
                "ambiguous",
                tuple(weighing.candidate(self.register, w, sure / len(tied)) for w in tied[:8]),
                matched,
                (*notes, "several_districts"),
            )
        if len(weighed) > 1 and not hints.supports(best.street):
            sure *= 0.9  # only the number says which
        others = [weighing.candidate(self.register, w, (1 - sure) / len(weighed)) for w in weighed[1:4]]
        outcome: Outcome = "ambiguous" if best.contradicted else "found"
        return Answer(outcome, (weighing.candidate(self.register, best, sure), *others), matched, notes)

    def _misspelt(self, text: str, tokens: Sequence[Token], hints: Hints) -> Answer | None:
        """A name with a typo, with a number after it or as the whole text."""
        best: tuple[Named, Weighed, HouseNumber | None, bool] | None = None
        others: list[tuple[Named, Weighed]] = []
        for runs, number, whole in windows(tokens, hints):
            cutoff = FIELD_CUTOFF if whole else SENTENCE_CUTOFF
            for named in self.streets.like(runs, tokens, cutoff):
                weighed = weighing.weigh(self.register, named, number, hints)
                left_over = named.first - min(first for first, _ in runs) if whole else told_apart(tokens, named.first)
                weighed[0] = weighed[0]._replace(score=weighed[0].score - LEFT_OVER * left_over)
                if not whole and not _credible(named, weighed[0]):
                    continue
                others.append((named, weighed[0]))
                if best is None or weighed[0].score > best[1].score:
                    best = (named, weighed[0], number, whole)
        if best is None:
            return None
        named, chosen, number, _ = best
        runner_up = max((w.score for m, w in others if m.streets != named.streets), default=0.0)
        sure = weighing.confidence_of_typo(named, chosen, runner_up, number)
        first = weighing.candidate(self.register, chosen, sure)
        rest = sorted((w for m, w in others if m.streets != named.streets), key=lambda w: -w.score)[:4]
        candidates = (first, *(weighing.candidate(self.register, w, (1 - sure) / 2) for w in rest))
        matched = written(text, tokens, named.first, number.last if number else named.last)
        if chosen.score - runner_up < MARGIN:
            return Answer("ambiguous", candidates, matched, ("typo",))
        same_name = weighing.weigh(self.register, named, number, hints)
        if weighing.lead_of(same_name) < 1.0:
            tied = tuple(weighing.candidate(self.register, w, sure / len(same_name)) for w in same_name[:8])
            return Answer("ambiguous", tied, matched, ("typo", "several_districts"))
        there = chosen.resolved.precision in {"address", "address_other_letter"}
        usable = sure >= SURE or (number is not None and (there or named.score >= SENTENCE_CUTOFF))
        notes = ("typo", *_notes(named, chosen, number))
        if chosen.contradicted:
            return Answer("ambiguous", candidates, matched, notes)
        return Answer("found" if usable else "suggested", candidates, matched, notes)

    def _street_alone(self, text: str, tokens: Sequence[Token], exact: Sequence[Named], hints: Hints) -> Answer | None:
        """A name without a number: the whole text, or told from a common noun by its form or its capital."""
        for named in exact:
            token, key = tokens[named.first], named.streets[0].key
            whole = is_whole(tokens, [range(named.first, named.last)], hints)
            proper = token.capital and named.first > 0 and not token.breaks
            single = named.last - named.first == 1
            ordinary = key in COMMON_NOUNS or not street_like(key) or (not single and not token.capital)
            if whole or not ordinary or (proper and key not in COMMON_NOUNS):
                return self._answer(text, tokens, named, None, hints, certainty=1.0 if whole else 0.95)
            if proper:
                return self._answer(text, tokens, named, None, hints, certainty=0.8)
        return None

    def _place(self, text: str, tokens: Sequence[Token], exact: Sequence[Named], hints: Hints) -> Answer | None:
        """A place with a name; a chain or a kind where there is one, or where the point or a street says which."""
        for spoken in self.places.spoken(tokens, content(tokens)):
            points = [p for p in spoken.places if p.precision in {"place", "area"}]
            if not points:
                continue
            matched = written(text, tokens, spoken.first, spoken.last)
            if len(points) > 1:
                points = self._nearest(points, exact, hints)
            sure = (0.95 if spoken.exact else 0.8) / len(points)
            found = tuple(_of_place(p, sure) for p in points[:8])
            return Answer("found" if len(points) == 1 else "ambiguous", found, matched)
        return None

    @staticmethod
    def _nearest(points: list[Place], exact: Sequence[Named], hints: Hints) -> list[Place]:
        """The one of several places that the sender's point or a street in the text singles out; else all."""
        centre = hints.near
        reach = 300.0
        if centre is None and exact:
            street = exact[0].streets[0]
            centre, reach = Point(street.e, street.n), 100.0 + street.radius_m
        if centre is None:
            return points
        ranked = sorted(points, key=lambda p: distance(centre, p.e, p.n))
        first, second = (distance(centre, p.e, p.n) for p in ranked[:2])
        return ranked[:1] if first < reach and second > 2 * first else ranked

    def _rough(self, text: str, tokens: Sequence[Token], hints: Hints) -> Answer | None:
        """A locality or a post town: where it roughly is, when nothing finer is known."""
        for spoken in self.places.spoken(tokens, content(tokens)):
            rough = [p for p in spoken.places if p.precision in {"locality", "postort"}]
            if rough and spoken.exact:
                found = tuple(_of_place(p, 0.6 / len(rough)) for p in rough[:8])
                matched = written(text, tokens, spoken.first, spoken.last)
                return Answer("found" if len(rough) == 1 else "ambiguous", found, matched)
        if hints.postal_code is None:
            return None
        rows = [r for r, code in enumerate(self.register.postal_code) if code == hints.postal_code]
        if not rows:
            return None
        e, n = np.array([self.register.e[r] for r in rows]), np.array([self.register.n[r] for r in rows])
        middle = (float(np.median(e)), float(np.median(n)))
        radius = max(hypot(a - middle[0], b - middle[1]) for a, b in zip(e, n, strict=True))
        town = self.register.post_town[rows[0]].capitalize()
        code = f"{hints.postal_code[:3]} {hints.postal_code[3:]}"
        found_at = Place(
            f"{code} {town}", "postort", *middle, round(radius, 1), self.register.source, self.register.vintage
        )
        return Answer("found", (_of_place(found_at, 0.5),), code)


def _credible(named: Named, weighed: Weighed) -> bool:
    """Whether a likeness inside a sentence is one: a short name needs more, or one slip and a number that exists."""
    if named.length >= 9 or named.score >= SHORT_CUTOFF:
        return True
    return named.slips == 1 and named.length > 5 and weighed.resolved.precision == "address"


def _of_place(place: Place, sure: float) -> Candidate:
    return Candidate(
        place.name,
        place.precision,
        place.e,
        place.n,
        place.radius_m,
        round(sure, 3),
        place.source,
        place.vintage,
        area=place.area,
    )


def _notes(named: Named, best: Weighed, number: HouseNumber | None) -> tuple[str, ...]:
    """What a reader should know of an answer."""
    said = []
    if number is not None and best.resolved.precision in {"near_number", "street"}:
        said.append("number_missing")
    if best.contradicted:
        said.append("other_postal_code")
    if not named.faithful:
        said.append("typo")
    return tuple(said)
