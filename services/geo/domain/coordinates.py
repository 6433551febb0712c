"""Coordinates that people write: decimal degrees, degrees–minutes–seconds, SWEREF 99 TM, with comma or point."""

import re
from typing import NamedTuple

import numpy as np

from services.geo.domain import crs


class Written(NamedTuple):
    """A pair of coordinates read from a text: ``x`` east, ``y`` north, in ``crs``; true within ``radius_m``."""

    x: float
    y: float
    crs: str
    radius_m: float


_BEFORE = r"(?:(?<![^\W\d_])([NSEWÖVO]))?\s*"
_MARK = r"(?:[°º˚d]|\s)\s*"
_LETTER = r"\s*([NSEWÖVO])?"
_SECONDS = re.compile(
    rf"{_BEFORE}(\d{{1,3}}){_MARK}(\d{{1,2}})\s*['′’´ ]\s*(\d{{1,2}}(?:[.,]\d+)?)\s*(?:\"|″|”|''|´´)?{_LETTER}",
    re.IGNORECASE,
)
_MINUTES = re.compile(rf"{_BEFORE}(\d{{1,3}})\s*[°º˚]\s*(\d{{1,2}}[.,]\d+)\s*['′’´]?{_LETTER}", re.IGNORECASE)
_DEGREES = re.compile(rf"{_BEFORE}(\d{{1,2}}[.,]\d{{3,}})\s*[°º˚]?{_LETTER}(?![a-zåäö])", re.IGNORECASE)
_METRES = re.compile(rf"{_BEFORE}(\d{{6,7}}(?:[.,]\d+)?)\s*m?{_LETTER}(?![a-zåäö])", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(?:lat|lon|long|latitude?|longitude?|koordinater?(?:na)?|position(?:en)?|gps|wgs ?84|sweref(?: 99)?|tm|[xy])\b",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[\s,;:/()=°'\"′″.+-]*")
_SOUTH_OR_WEST = frozenset("SWV")
_EAST_OR_WEST = frozenset("EÖOWV")


def read(text: str) -> Written | None:
    """The coordinates that a text consists of; None when it says anything else, or what it says is not in Sweden."""
    for pattern, value in ((_SECONDS, _from_seconds), (_MINUTES, _from_minutes), (_DEGREES, _from_degrees)):
        found = _pair(pattern, text)
        if found is not None:
            (first, a), (second, b) = ((_letter(m), value(m)) for m in found)
            if first in _EAST_OR_WEST or second in {"N", "S"}:
                a, b = b, a
            return _degrees(a, b, text)
    found = _pair(_METRES, text)
    if found is None:
        return None
    a, b = (float(m[2].replace(",", ".")) for m in found)
    x, y = (float(v[0]) for v in crs.upright(np.array([b]), np.array([a]), crs.SWEREF99_TM))
    inside = bool(crs.EXTENTS[crs.SWEREF99_TM].holds(np.array([x]), np.array([y]))[0])
    return Written(x, y, crs.SWEREF99_TM, 1.0) if inside else None


def _pair(pattern: re.Pattern[str], text: str) -> list[re.Match[str]] | None:
    """Exactly two matches, with nothing else in the text than the words and signs that go with coordinates."""
    found = list(pattern.finditer(text))
    if len(found) != 2:
        return None
    rest = text[: found[0].start()] + " " + text[found[0].end() : found[1].start()] + " " + text[found[1].end() :]
    return found if _SIGNS.fullmatch(_WORDS.sub(" ", rest)) else None


def _letter(found: re.Match[str]) -> str:
    return (found[1] or found[found.re.groups] or "").upper()


def _signed(found: re.Match[str], degrees: float) -> float:
    return -degrees if _letter(found) in _SOUTH_OR_WEST else degrees


def _from_seconds(found: re.Match[str]) -> float:
    return _signed(found, int(found[2]) + int(found[3]) / 60 + float(found[4].replace(",", ".")) / 3600)


def _from_minutes(found: re.Match[str]) -> float:
    return _signed(found, int(found[2]) + float(found[3].replace(",", ".")) / 60)


def _from_degrees(found: re.Match[str]) -> float:
    return _signed(found, float(found[2].replace(",", ".")))


def _degrees(lat: float, lon: float, text: str) -> Written | None:
    """The point, turned if it lies in Sweden only so. Rounding: 3 decimals are 64 m, each one more a tenth (§5)."""
    x, y = (float(v[0]) for v in crs.upright(np.array([lon]), np.array([lat]), crs.WGS84))
    if not crs.EXTENTS[crs.WGS84].holds(np.array([x]), np.array([y]))[0]:
        return None
    decimals = [len(d) for d in re.findall(r"\d[.,](\d+)", text)]
    exact = "'" in text or "′" in text or not decimals
    return Written(round(x, 7), round(y, 7), crs.WGS84, 16.0 if exact else round(64.0 / 10 ** (min(decimals) - 3), 2))
