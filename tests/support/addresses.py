"""Invented registers: a rural municipality of by and metertal addresses, and one with a street name in three places."""

from collections.abc import Sequence

import numpy as np

from services.geo.domain.geocoding.answers import NOTHING
from services.geo.domain.geocoding.geocoder import Geocoder
from services.geo.domain.geocoding.places import Place
from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.domain.placing import Read
from services.geo.layers.shipped import Layers
from services.geo.registers.gazetteer import Gazetteer
from services.geo.registers.loading import Geocoders

Row = tuple[str, int, str, str, str, float, float]
"""Street, number, letter, kommundel, post town, E, N."""

VILLAGES = (
    "Hagby", "Norrby", "Söderby", "Åsbo", "Ekeberga", "Lilla Torp", "Stora Torp", "Mark", "Bro", "Näs", "Övre Fallet",
    "Kvarnbacken", "Skogsbo", "Brännan", "Ängen", "Hult", "Håkanstorp", "Västra Kil", "Östra Kil", "Rävåsen",
)  # fmt: skip


def rows_of(given: Sequence[Row]) -> AddressRows:
    """The rows as columns."""
    street, number, letter, district, town, e, n = (list(c) for c in zip(*given, strict=True))
    blank = [""] * len(given)
    return AddressRows(street, number, letter, blank, district, blank, town, blank, np.array(e), np.array(n))


def rural_rows() -> list[Row]:
    """Twenty villages, each with metertal numbers 100–700 along a road, and a main street in the only town."""
    rows: list[Row] = []
    for v, village in enumerate(VILLAGES):
        e, n = 500_000.0 + 7_000 * (v % 5), 6_400_000.0 + 7_000 * (v // 5)
        rows += [(village, 100 + 17 * k + v, "", "", "Hagby", e + 170.0 * k, n + 20.0 * k) for k in range(36)]
    rows += [("Storgatan", k, "", "", "Hagby", 517_000.0 + 15 * k, 6_414_000.0) for k in range(1, 41)]
    return rows


def rural() -> Geocoder:
    """The rural municipality."""
    return Geocoder(Register(rows_of(rural_rows()), source="test", vintage="2026"))


KOMMUNDELAR = (
    ("Åby", 500_000.0, 6_400_000.0, 40),
    ("Bäckaskog", 512_000.0, 6_407_000.0, 20),
    ("Cederslätt", 505_000.0, 6_421_000.0, 12),
)


def divided_rows(*, named: bool) -> list[Row]:
    """Storgatan and Kyrkvägen in three kommundelar, which the register names or only tells by the post town."""
    rows: list[Row] = []
    for part, e, n, longest in KOMMUNDELAR:
        district = part if named else ""
        for street, shift in (("Storgatan", 0.0), ("Kyrkvägen", 150.0)):
            rows += [(street, k, "", district, part, e + 20.0 * k, n + shift) for k in range(1, longest + 1)]
    rows += [("Åbyvägen", k, "", "Åby" if named else "", "Åby", 500_000.0, 6_399_900.0 + 10 * k) for k in range(1, 30)]
    return rows


def divided(*, named: bool, places: Sequence[Place] = ()) -> Geocoder:
    """The divided municipality."""
    return Geocoder(Register(rows_of(divided_rows(named=named)), source="test", vintage="2026"), places)


def silent(_kommun: str, _text: str, _near: tuple[float, float] | None) -> Read:
    """A reader of a municipality without a register, where no text names anything."""
    return Read(NOTHING, None)


def geocoders(layers: Layers) -> Geocoders:
    """As a room loads them."""
    return Geocoders(Gazetteer(layers), most_addresses=100_000)
