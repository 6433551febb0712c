"""Which street a text names: exactly, in an abbreviated form, or with a typo.

Exact: every run of up to six words, joined and folded, is looked up; a split compound ("Smålands gatan") is exact too.
Abbreviated forms stand in the index beside the full ones. With a typo: rapidfuzz over all names (geo reference §7.1
rule 4), scored by the mean of two measures that fail differently: the longest common subsequence forgives a missing
letter, the edit distance with transpositions forgives two that changed places.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel

from services.geo.domain.geocoding.register import Street
from services.geo.domain.geocoding.words import Token, plain

LONGEST_NAME = 6
"""Words in the longest street name that is looked for."""
SHORTEST_SHORT = 4
"""Letters of the shortest abbreviated form without a dot: "sv" and "st" are other things."""
_WORDS = frozenset({"torg", "gata", "plan", "park", "vagg", "stor"})
"""Words that are no abbreviation without a dot: "torg 2" is not Torggatan 2."""
SHORTEST_GUESS = 5
"""Letters below which a word is never taken for a misspelt name."""
How = Literal["exact", "short", "typo"]


class Named(NamedTuple):
    """A street name found in the words ``first`` to ``last`` (exclusive); ``score`` 0–100."""

    streets: tuple[Street, ...]
    first: int
    last: int
    how: How
    score: float
    faithful: bool
    """No letter was written with a diacritic that the name has not."""
    slips: int = 0
    """Letters left out, put in, exchanged or changed."""

    @property
    def length(self) -> int:
        """Letters of the name."""
        return len(self.streets[0].key)


_FIRST_SHORT = {
    "norra": ("n", "norr"), "södra": ("s", "söder"), "östra": ("ö", "öster"), "västra": ("v", "väster"),
    "sankt": ("st", "s"), "s:t": ("st", "s"), "sankta": ("sta",), "s:ta": ("sta",),
    "lilla": ("l",), "stora": ("st",), "gamla": ("gla", "g"),
}  # fmt: skip
_LAST_SHORT = {
    "gatan": "g",
    "vägen": "v",
    "stigen": "st",
    "gränd": "gr",
    "torget": "t",
    "gata": "g",
    "väg": "v",
    "plan": "pl",
}
_SPLIT = {"gata": "gatan", "väg": "vägen", "gatan": "gata", "vägen": "väg"}
_OPPOSITE = ("norra", "sodra", "ostra", "vastra", "lilla", "stora", "gamla", "nya", "ovre", "nedre", "inre", "yttre")


def _short_forms(name: str) -> Iterable[str]:
    """Keys by which people shorten a name: "N. Parkg.", "Henrik Smithsg."; and the definite form of "X gata"."""
    words = name.lower().split()
    heads = [words[0], *_FIRST_SHORT.get(words[0], ())] if len(words) > 1 else [words[0]]
    middle, last = words[1:-1], words[-1]
    tails = [last]
    if len(words) > 1:
        for ending, short in _LAST_SHORT.items():
            if last.endswith(ending):
                tails.append(last.removesuffix(ending) + short)
                break
        if last in _SPLIT:
            tails.append(_SPLIT[last])
    for head in heads:
        for tail in tails:
            yield plain("".join([head, *middle, tail] if len(words) > 1 else [tail]))
    if len(words) == 1:
        for ending, short in _LAST_SHORT.items():
            if last.endswith(ending) and len(last) > len(ending) + 1:
                yield plain(last.removesuffix(ending) + short)
                return


class StreetIndex:
    """The names of one register, looked up by key and by likeness."""

    def __init__(self, streets: Sequence[Street]) -> None:
        self._exact: dict[str, tuple[Street, ...]] = {}
        for street in streets:
            self._exact[street.key] = (*self._exact.get(street.key, ()), street)
        short: dict[str, dict[str, tuple[Street, ...]]] = {}
        for key, named in self._exact.items():
            for form in {"".join(c for c in f if c.isalnum()) for f in _short_forms(named[0].name)} - {key}:
                short.setdefault(form, {})[key] = named
        self._short = {form: tuple(s for named in keys.values() for s in named) for form, keys in short.items()}
        self._names = list(self._exact)

    def __len__(self) -> int:
        return len(self._names)

    def exact(self, tokens: Sequence[Token]) -> list[Named]:
        """Every name that stands in the text, whole or shortened; longest first, then in the order of the text."""
        found: list[Named] = []
        for first in range(len(tokens)):
            key = ""
            for last in range(first, min(first + LONGEST_NAME, len(tokens))):
                token = tokens[last]
                if token.kind == "supplement" or (last > first and token.breaks):
                    break
                key += token.key
                streets, how = self._exact.get(key), "exact"
                if streets is None and self._may_be_short(tokens, last, key):
                    streets, how = self._short.get(key), "short"
                if streets is not None:
                    found.append(_named(streets, tokens, first, last + 1, how))
        found.sort(key=lambda m: (-m.length, m.first))
        kept: list[Named] = []
        for match in found:
            if all(match.last <= k.first or match.first >= k.last for k in kept):
                kept.append(match)
        return kept

    @staticmethod
    def _may_be_short(tokens: Sequence[Token], last: int, key: str) -> bool:
        """A shortened name stands before a house number, or ends in a dot; "älg" alone is not Algatan."""
        long_enough = len(key) >= SHORTEST_SHORT and key not in _WORDS
        if last + 1 < len(tokens) and tokens[last + 1].kind == "number" and not tokens[last + 1].breaks:
            return long_enough or tokens[last].dotted
        return long_enough and tokens[last].dotted and (last == 0 or tokens[last - 1].kind != "number")

    def like(self, windows: Sequence[tuple[int, int]], tokens: Sequence[Token], cutoff: float) -> list[Named]:
        """Names like the words of some window, best first, at most twelve; scores are at least ``cutoff``."""
        found: dict[str, Named] = {}
        for first, last in windows:
            key = "".join(t.key for t in tokens[first:last])
            if len(key) < SHORTEST_GUESS:
                continue
            near = process.extract(
                key,
                self._names,
                scorer=Indel.normalized_similarity,
                processor=None,
                limit=8,
                score_cutoff=(cutoff - 6) / 100,
            )
            for name, ratio, _ in near:
                slips = OSA.distance(key, name)
                score = 50 * (ratio + 1 - slips / max(len(key), len(name)))
                if score < cutoff or _opposite(key, name) or (name in found and found[name].score >= score):
                    continue
                found[name] = Named(self._exact[name], first, last, "typo", score, faithful=True, slips=slips)
        return sorted(found.values(), key=lambda m: -m.score)[:12]

    def beginning(self, key: str, limit: int) -> list[Street]:
        """Streets whose name, or a later word of it, begins with the key; for help while typing."""
        whole = [s for name in self._names if name.startswith(key) for s in self._exact[name]]
        if len(whole) < limit and len(key) >= 2:
            whole += [
                s
                for name in self._names
                if not name.startswith(key)
                for s in self._exact[name]
                if any(plain(w).startswith(key) for w in s.name.split()[1:])
            ]
        return sorted(whole, key=lambda s: (len(s.key), s.name))[:limit]


def _named(streets: tuple[Street, ...], tokens: Sequence[Token], first: int, last: int, how: str) -> Named:
    """The match; of two names that fold alike the one that is spelled as written."""
    written = "".join(c for t in tokens[first:last] for c in t.text.lower() if c.isalnum())
    same = tuple(s for s in streets if s.spelling == written)
    faithful = bool(same) or how == "short" or any(_from(written, s.spelling) for s in streets)
    return Named(same or streets, first, last, "short" if how == "short" else "exact", 100.0, faithful)


def _from(written: str, name: str) -> bool:
    """Whether the name became the written form by leaving diacritics out; putting them in makes another word."""
    return len(written) != len(name) or all(w in {c, plain(c)} for w, c in zip(written, name, strict=True))


def tells_apart(word: str) -> bool:
    """Whether a folded word is, or is a slip from, one that tells two streets apart: Norra, Gamla, Lilla."""
    return len(word) > 2 and any(OSA.distance(word, w, score_cutoff=2) <= (1 if len(w) < 5 else 2) for w in _OPPOSITE)


def _opposite(key: str, name: str) -> bool:
    """Whether both begin with words that tell two streets apart (Norra, Södra), and not with the same one."""
    mine = next((w for w in _OPPOSITE if key.startswith(w)), None)
    theirs = next((w for w in _OPPOSITE if name.startswith(w)), None)
    return mine is not None and theirs is not None and mine != theirs
