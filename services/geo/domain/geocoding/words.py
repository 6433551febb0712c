"""How a written place is read: words with their place in the text, folded so that spelling habits do not matter.

Folding never expands an abbreviation that could be something else ("torg 2" is not Torggatan 2): the street index
holds the abbreviated forms beside the full ones instead.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

LONGEST_TEXT = 400
"""Characters that are read; what comes after is left. A report's place has at most 120."""

_WORD = re.compile(r"[^\W_]+(?:[:'’´-][^\W_]+)*\.?")
_BREAK = re.compile(r"[,;()/\n\r|!?]|\.(?=\s)")
_NUMBER = re.compile(
    r"(\d{1,5})(?:([^\W\d_]?(?:U|UH|UV)\d{1,3})|([^\W\d_]{0,2}))(?:[-:]\d{1,4}[^\W\d_]?)?\.?", re.IGNORECASE
)
LETTERED = re.compile(r"([^\W\d_]{0,2}?)\s*((?:U|UH|UV)\d{1,3})?", re.IGNORECASE)
"""What follows a number in an address: one or two letters, and a supplement for one of several entrances ("B U1")."""
_SUPPLEMENT = re.compile(r"(?:u|uh|uv|gh|lgh)\d{1,4}\.?")

_WHOLE = {
    "s:t": "sankt", "s:ta": "sankta", "n:a": "norra", "s:a": "sodra", "o:a": "ostra", "v:a": "vastra", "g:la": "gamla",
    "l:a": "lilla", "st:a": "stora", "1:a": "forsta", "2:a": "andra", "3:e": "tredje", "4:e": "fjarde", "5:e": "femte",
}  # fmt: skip
"""Forms with a colon mean one thing only, so both sides are folded to it."""


class _Plain(dict[int, str]):
    """Letter without its diacritic, one character for one, found when first asked for."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        base = {"ø": "o", "æ": "a", "ß": "s", "đ": "d", "ł": "l"}.get(letter) or unicodedata.normalize("NFKD", letter)[
            0
        ]
        self[code] = base
        return base


_PLAIN = _Plain({code: chr(code) for code in range(128)})


def plain(text: str) -> str:
    """Lower case without diacritics, as long as the text itself: å and ä become a, ö o, é e."""
    return text.lower().translate(_PLAIN)


def folded(word: str) -> str:
    """A word as a key: plain, letters and digits only."""
    low = plain(word).rstrip(".")
    return _WHOLE.get(low) or "".join(c for c in low if c.isalnum())


def key_of(name: str) -> str:
    """A name as a key: all its words folded and joined, so that a split compound equals a whole one."""
    return "".join(folded(w) for w in _WORD.findall(unicodedata.normalize("NFC", name)))


def spelling_of(name: str) -> str:
    """A name as it is spelled, apart from capitals, spaces and signs: what tells Hällgatan from Hallgatan."""
    return "".join(c for c in unicodedata.normalize("NFC", name).lower() if c.isalnum())


class Token(NamedTuple):
    """One word of the text, with what decides how it may be used."""

    text: str
    key: str
    start: int
    end: int
    kind: Literal["word", "number", "supplement"]
    breaks: bool
    """A comma, slash, bracket, line or sentence ends before it: no street name goes across."""
    joiner: str = ""
    """What stands between it and the word before, spaces aside."""

    @property
    def capital(self) -> bool:
        """Written with a capital letter first."""
        return self.text[:1].isupper()

    @property
    def dotted(self) -> bool:
        """Ends with a dot: an abbreviation, or the end of a sentence."""
        return self.text.endswith(".")

    @property
    def number(self) -> tuple[int, str, str]:
        """Number, letters and supplement of "16B" or "38U4"; only for a token of that kind."""
        found = _NUMBER.fullmatch(self.text)
        if found is None:
            raise ValueError(f"{self.text} is not a number")
        rest = LETTERED.fullmatch(found[2] or found[3])
        return int(found[1]), (rest[1] if rest else found[3]).upper(), ((rest[2] if rest else None) or "").upper()


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the words are; "Storgatan-Nygatan" is two, "Carl-Bertil" one."""
    for found in _WORD.finditer(text):
        start = found.start()
        if "-" in found[0]:
            for part in re.finditer(r"[^-]+(?=-)", found[0]):
                if street_like(plain(part[0])):
                    yield start, found.start() + part.end()
                    start = found.start() + part.end() + 1
        yield start, found.end()


def read(text: str) -> tuple[str, list[Token]]:
    """The text in NFC, cut at ``LONGEST_TEXT`` characters, and its words in order."""
    # Normalising costs in the length of the text, so a hostile one is cut first.
    text = unicodedata.normalize("NFC", text[: 2 * LONGEST_TEXT])[:LONGEST_TEXT]
    tokens: list[Token] = []
    at = 0
    for start, end in _spans(text):
        word, between = text[start:end], text[at:start]
        low = plain(word)
        kind: Literal["word", "number", "supplement"] = "word"
        if low[0].isdigit() and low.rstrip(".") not in _WHOLE and _NUMBER.fullmatch(word):
            kind = "number"
        elif _SUPPLEMENT.fullmatch(low):
            kind = "supplement"
        ended = bool(tokens) and tokens[-1].dotted and len(tokens[-1].text) > 5 and word[:1].isupper()
        breaks = ended or _BREAK.search(between) is not None
        tokens.append(Token(word, folded(word), start, end, kind, breaks, between.strip()))
        at = end
    return text, tokens


_STREETLIKE = re.compile(r"(?:gatan|gata|vagen|vag|stigen|granden|grand|torget|torg|plan|plats|backen|allen|gangen)$")


def street_like(key: str) -> bool:
    """Whether a key ends the way streets do."""
    return _STREETLIKE.search(key) is not None


_FIRST = tuple(
    """
    gang cykel gc gangochcykel grus skogs skog skol park motor lands land bil huvud genomfarts infarts utfarts
    avfarts pafarts tillfarts ringleds ring buss ga bak sido sid tvar strand villa bygg trafik vandrings motions
    natur elljus by gards enskilda handels affars lek bostads lokal matar aterv atervands promenad rid vinter
    service transport utrycknings brand omlednings omkorings hem fagel tag jarn spar lednings kraftlednings smit
    gen stads bad smal bro riks lans asfalt trapp ramp hall parkerings angorings skid skoter hund barn
    lanke cykelled gangled fri arbets under reserv livs om av in ut upp ned ner till mot vid halv liten
    """.split()
)
_LAST = tuple(
    """
    vagen gatan stigen gangen leden torget planen platsen backen grand granden vag gata stig plan plats parken
    stranden bron kajen garden torg tunneln backe gang led park bro strand hamnen skogen allen angen dalen
    viadukten slingan rundan
    """.split()
)
COMMON_NOUNS = frozenset(first + last for first in ("", *_FIRST) for last in _LAST)
"""Words that look like street names and mostly are none ("cykelvägen"): without a number they name nothing."""


def written(text: str, tokens: Sequence[Token], first: int, last: int) -> str:
    """The words ``first`` to ``last`` (exclusive) as they stand in the text."""
    return text[tokens[first].start : tokens[last - 1].end]
