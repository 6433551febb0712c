"""What has a name and is no street: popular names, named places, stops, shops, schools, localities, areas, post towns.

A name is looked for as it is; a chain by its first word ("ICA"), and a kind by its common noun ("skolan"), which is an
answer only where there is exactly one, or where the point says which.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.locations import Precision
from services.geo.domain.geocoding.words import COMMON_NOUNS, Token, folded, key_of

TAUGHT = "granskning"
"""Source of a name that the municipality's decisions taught: it answers only where it is the whole text."""
LONGEST_NAME = 5
"""Words in the longest place name that is looked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place with a name. ``kind`` is a word of ``KINDS``' values or free; E and N in EPSG:3006, metres."""

    name: str
    precision: Precision
    e: float
    n: float
    radius_m: float
    source: str
    vintage: str
    kind: str = ""
    area: str | None = None


KINDS = {
    "skolan": "school", "skolgarden": "school", "forskolan": "preschool", "dagis": "preschool", "dagiset": "preschool",
    "kyrkan": "church", "stationen": "station", "jarnvagsstationen": "station", "busstationen": "bus_station",
    "resecentrum": "station", "torget": "square", "stortorget": "square", "biblioteket": "library",
    "badhuset": "swimming", "simhallen": "swimming", "idrottsplatsen": "sports", "sporthallen": "sports_hall",
    "ishallen": "ice_rink", "fritidsgarden": "youth_centre", "sjukhuset": "hospital", "vardcentralen": "health_centre",
    "polisstationen": "police", "kommunhuset": "town_hall", "stadshuset": "town_hall", "centrumhuset": "centre",
    "kopcentret": "mall", "gymnasiet": "upper_secondary", "apoteket": "pharmacy", "macken": "fuel",
    "kyrkogarden": "cemetery", "busshallplatsen": "bus_stop", "hallplatsen": "bus_stop", "affaren": "shop",
    "matbutiken": "shop",
}  # fmt: skip
"""Common nouns, folded, and the kind of place that they mean."""


class Spoken(NamedTuple):
    """Places that some words of the text may mean; ``exact`` when it is their name and not only their kind or chain."""

    places: tuple[Place, ...]
    first: int
    last: int
    exact: bool


class PlaceIndex:
    """Places by name, chain and kind."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._by_name: dict[str, tuple[Place, ...]] = {}
        self._by_chain: dict[str, tuple[Place, ...]] = {}
        self._by_kind: dict[str, tuple[Place, ...]] = {}
        self.all: list[Place] = []
        self._taught: dict[str, Place] = {}
        for place in places:
            key = key_of(place.name)
            if not key:
                continue
            if place.source == TAUGHT:
                self._taught[key] = place
                continue
            self.all.append(place)
            self._by_name[key] = (*self._by_name.get(key, ()), place)
            words = place.name.split()
            if len(words) > 1 and len(folded(words[0])) > 2 and place.precision == "place":
                self._by_chain[folded(words[0])] = (*self._by_chain.get(folded(words[0]), ()), place)
            if place.kind:
                self._by_kind[place.kind] = (*self._by_kind.get(place.kind, ()), place)

    def spoken(self, tokens: Sequence[Token], whole: tuple[int, int] | None) -> list[Spoken]:
        """Places that the words name, names before chains before kinds, longest first.

        ``whole``: the words that a text of nothing but a place consists of, first and last (exclusive). There capitals
        do not matter. In a sentence a name is capitalised and does not open it: "Bro" is a locality, "bro" a bridge.
        """
        found: list[tuple[int, int, Spoken]] = []
        for first in range(len(tokens)):
            key = ""
            for last in range(first, min(first + LONGEST_NAME, len(tokens))):
                if last > first and tokens[last].breaks:
                    break
                key += tokens[last].key
                everything = whole == (first, last + 1)
                proper = everything or (tokens[first].capital and first > 0) or last > first
                if proper and (everything or key not in COMMON_NOUNS) and (places := self._by_name.get(key)):
                    found.append((0, -len(key), Spoken(places, first, last + 1, exact=True)))
            token = tokens[first]
            if token.text[:3].isupper() and (places := self._by_chain.get(token.key)):
                found.append((1, -len(token.key), Spoken(places, first, first + 1, exact=False)))
            if (kind := KINDS.get(token.key)) is not None and (places := self._by_kind.get(kind)):
                found.append((2, -len(token.key), Spoken(places, first, first + 1, exact=False)))
        return [spoken for _, _, spoken in sorted(found, key=lambda f: f[:2])]

    def taught(self, text: str) -> Place | None:
        """The place that the municipality was taught for exactly this text."""
        return self._taught.get(key_of(text)) if self._taught else None

    def beginning(self, key: str, limit: int) -> list[Place]:
        """Places whose name begins with the key; for help while typing."""
        hits = [p for name, places in self._by_name.items() if name.startswith(key) for p in places]
        return sorted(hits, key=lambda p: (len(p.name), p.name))[:limit]
