"""Invented streets: what a register is mixed with to see whether the geocoder takes one name for another."""

import random
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from services.geo.domain.geocoding.register import AddressRows
from services.geo.domain.geocoding.words import spelling_of

_FIRST = tuple(
    """
    Al Ask Björk Ek Gran Tall Lind Hassel Rönn Alm Käll Sjö Berg Dal Äng Hage Skog Mark Ler Sand Sten Klipp Höjd
    Kulle Varv Hamn Båt Skepps Ankar Segel Fisk Mås Trast Lärk Svan Ugle Hök Räv Hjort Älg Vinter Sommar Vår
    Höst Kvarn Smed Snickar Bagar Målar Vävar Gjutar Bruks Linné Tegnér Runeberg Bellman Karlfeldt
    """.split()
)
_MIDDLE = (
    "",
    "bo",
    "by",
    "holms",
    "lunda",
    "torps",
    "näs",
    "viks",
    "stads",
    "hults",
    "åkers",
    "sunds",
    "löfs",
    "roths",
    "bergs",
)
_LAST = ("gatan", "vägen", "stigen", "gränden", "backen", "torget", "plan")
_BEFORE = ("", "", "", "", "Norra ", "Södra ", "Gamla ", "Västra ")


def distractors(real: AddressRows, count: int = 2_000, seed: int = 7) -> AddressRows:
    """Invented streets around a register with numbers 1–22, none equal to a real one; the same every time."""
    dice = random.Random(seed)  # noqa: S311 - invented names, no secret
    taken = {spelling_of(r) for r in set(real.street)}
    names: list[str] = []
    while len(names) < count:
        name = dice.choice(_BEFORE) + dice.choice(_FIRST) + dice.choice(_MIDDLE) + dice.choice(_LAST)
        if spelling_of(name) not in taken:
            taken.add(spelling_of(name))
            names.append(name)
    rows = [(name, number) for name in names for number in range(1, 23)]
    e = np.array([dice.uniform(*_span(real.e)) for _ in rows])
    n = np.array([dice.uniform(*_span(real.n)) for _ in rows])
    blank = [""] * len(rows)
    return AddressRows([r[0] for r in rows], [r[1] for r in rows], blank, blank, blank, blank, blank, blank, e, n)


def joined(a: AddressRows, b: AddressRows) -> AddressRows:
    """Both registers as one."""
    texts = {f.name: [*getattr(a, f.name), *getattr(b, f.name)] for f in fields(a) if f.name not in {"e", "n"}}
    return AddressRows(**texts, e=np.concatenate([a.e, b.e]), n=np.concatenate([a.n, b.n]))


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.min(values)), float(np.max(values)) + 1.0
