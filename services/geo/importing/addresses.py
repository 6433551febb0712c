"""A table of addresses becomes one municipality's register: what is taken, what is left out and why, row by row.

Nothing is half-imported: a table is either a register, or a refusal that says what to do.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.geo.domain import crs
from services.geo.domain.geocoding.register import AddressRows
from services.geo.domain.geocoding.words import LETTERED
from services.geo.importing.columns import DEGREES
from services.geo.importing.reading import BadFile, Table
from services.geo.layers.shipped import Layers

VALID_STATUS = frozenset({"", "gällande", "gallande", "1"})
_NUMBER = re.compile(r"\s*(\d{1,5})\s*(.*?)\s*$")
_TRAILING = re.compile(r"^(.*?)[\s,]+(\d{1,5}\s*[A-Za-zÅÄÖåäö]{0,2}(?:\s+(?:U|UH|UV|LGH)\d+)?)$")
LARGEST_SHARE_OUTSIDE = 0.5
"""More rows than this outside the municipality: it is another one's file, or the wrong coordinate system."""

Floats = NDArray[np.float64]


@dataclass
class Tally:
    """What became of the rows of a file: ``read`` = ``taken`` + all of ``left_out``; up to three examples by reason."""

    read: int = 0
    taken: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def leave(self, reason: str, example: str) -> None:
        """Count a row that is left out."""
        self.left_out[reason] += 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < 3:
            kept.append(example[:80])


def points_of(table: Table, mapping: Mapping[str, str], declared: str | None, name: str) -> tuple[Floats, Floats]:
    """Eastings and northings in EPSG:3006 of every row, NaN for none; BadFile when the system cannot be right."""
    if table.points is not None and "east" not in mapping:
        system = declared or stated_system(table.crs)
    elif "east" in mapping and "north" in mapping:
        system = declared or (crs.WGS84 if mapping["east"].lower() in DEGREES else crs.SWEREF99_TM)
    else:
        raise BadFile("no_coordinates", name=name, columns=", ".join(table.columns))
    if system is None:
        raise BadFile("crs_unknown", name=name)
    if system not in crs.KNOWN:
        raise BadFile("crs_unsupported", name=name, crs=system)
    x, y = crs.upright(*_raw(table, mapping), system)
    inside = crs.EXTENTS[system].holds(x, y)
    there = np.isfinite(x) & np.isfinite(y)
    if there.any() and inside[there].mean() < 1 - LARGEST_SHARE_OUTSIDE:
        fits = crs.suggested(x[there], y[there])
        raise BadFile("crs_wrong", name=name, crs=system, fits=", ".join(fits) or "–")
    e, n = crs.to_sweref(np.where(inside, x, np.nan), np.where(inside, y, np.nan), system)
    return np.where(inside, e, np.nan), np.where(inside, n, np.nan)


def _fits(table: Table, mapping: Mapping[str, str], kommun: str, layers: Layers) -> list[str]:
    """The coordinate systems in which the first rows would lie in the municipality."""
    x, y = _raw(table, mapping)
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))[:200]
    return layers.fitting_systems(x[there], y[there], kommun)


def _raw(table: Table, mapping: Mapping[str, str]) -> tuple[Floats, Floats]:
    """The numbers as they stand: of the mapped columns, else of the geometries."""
    if table.points is not None and "east" not in mapping:
        return table.points
    return _numbers(table.columns[mapping["east"]]), _numbers(table.columns[mapping["north"]])


def stated_system(stated: str | None) -> str | None:
    """The EPSG code of a system that a file states, in words or as a code; None for none or an unknown one."""
    if stated is None:
        return None
    if stated.upper().startswith("EPSG:"):
        return stated.upper()
    from pyproj import CRS  # only for files that state their system in words
    from pyproj.exceptions import CRSError

    try:
        found = CRS.from_user_input(stated).to_epsg(min_confidence=60)
    except CRSError:
        return None
    return None if found is None else f"EPSG:{found}"


def _numbers(texts: Sequence[str]) -> Floats:
    """Coordinates as numbers: decimal commas and spaces between thousands are read; anything else is NaN."""

    def one(written: str) -> float:
        try:
            return float(written.replace(",", ".").replace("\u00a0", "").replace(" ", ""))
        except ValueError:
            return float("nan")

    return np.array([one(t) for t in texts], dtype=float)


def to_register(
    table: Table, mapping: Mapping[str, str], kommun: str | None, layers: Layers | None, *, declared: str | None = None,
    name: str = "",
) -> tuple[AddressRows, Tally]:  # fmt: skip
    """The rows of one municipality, and what was left out. BadFile when no usable rows remain, or most lie elsewhere.

    Without a ``kommun`` all rows in Sweden are taken.
    """
    if "street" not in mapping and "address" not in mapping:
        raise BadFile("no_street", name=name, columns=", ".join(table.columns))
    e, n = points_of(table, mapping, declared, name)
    where = [kommun] * len(table) if layers is None or kommun is None else layers.kommun_of(e, n)
    column = {meaning: table.columns[c] for meaning, c in mapping.items()}
    taken, parts, tally = _chosen(column, e, n, where, kommun)
    if tally.left_out["other_kommun"] > LARGEST_SHARE_OUTSIDE * tally.read:
        share = round(100 * tally.left_out["other_kommun"] / tally.read)
        fits = [] if layers is None or kommun is None else _fits(table, mapping, kommun, layers)
        raise BadFile("other_kommun", name=name, share=share, kommun=kommun, fits=", ".join(fits) or "–")
    if not taken:
        raise BadFile("nothing_taken", name=name)

    def values(meaning: str) -> list[str]:
        found = column.get(meaning)
        return [""] * len(taken) if found is None else [found[i] for i in taken]

    return AddressRows(
        street=[p[0] for p in parts],
        number=[p[1] for p in parts],
        letter=[p[2] for p in parts],
        supplement=[p[3] for p in parts],
        kommundel=values("kommundel"),
        postal_code=[_postal(c) for c in values("postal_code")],
        post_town=values("post_town"),
        popular_name=values("popular_name"),
        e=np.round(e[taken], 1),
        n=np.round(n[taken], 1),
    ), tally


Part = tuple[str, int, str, str]
"""Street, number, letters, supplement."""


def _chosen(
    column: Mapping[str, Sequence[str]], e: Floats, n: Floats, where: Sequence[str | None], kommun: str | None
) -> tuple[list[int], list[Part], Tally]:
    """The rows that are taken, what each says, and the tally of the others."""
    tally = Tally(read=len(e))
    taken: list[int] = []
    parts: list[Part] = []
    seen: set[tuple[str, ...]] = set()
    for i in range(len(e)):
        row = {meaning: values[i] for meaning, values in column.items()}
        part = address_of(row)
        street, number, letter, supplement = part
        reason = _why_not(row, street, bool(np.isfinite(e[i])), where[i], kommun)
        same = (street.lower(), str(number), letter, supplement, row.get("kommundel", ""), f"{e[i]:.0f} {n[i]:.0f}")
        if reason is None and same in seen:
            reason = "duplicate"
        if reason is not None:
            tally.leave(reason, f"{street} {number if number >= 0 else ''}{letter}".strip())
            continue
        seen.add(same)
        taken.append(i)
        parts.append(part)
    tally.taken = len(taken)
    return taken, parts, tally


def _why_not(row: Mapping[str, str], street: str, has_point: bool, where: str | None, kommun: str | None) -> str | None:
    if row.get("status", "").lower() not in VALID_STATUS:
        return "not_valid"
    if not street:
        return "no_street"
    if not has_point:
        return "no_point"
    if kommun is not None and (where != kommun or row.get("kommun", kommun).zfill(4) not in {kommun, "0000"}):
        return "other_kommun"
    return None


def _postal(written: str) -> str:
    """Five digits, or nothing: 0 stands for a missing one."""
    digits = "".join(c for c in written if c.isdigit())
    return digits if len(digits) == 5 else ""


def address_of(row: Mapping[str, str]) -> Part:
    """(street, number or -1, letters, supplement) of one row by meaning: columns apart, joined, or all in one."""
    street = " ".join(row.get("street", "").split())
    written = row.get("number", "")
    if not street and (whole := " ".join(row.get("address", "").split()).strip(" ,")):
        parted = _TRAILING.match(whole)
        street, written = (parted[1], parted[2]) if parted else (whole, "")
    if farm := " ".join(row.get("farm", "").split()):
        street = f"{street} {farm}".strip()
    if row.get("deviating") and not written:
        written = row["deviating"]
    found = _NUMBER.match(written)
    if found is None:
        return street, -1, "", ""
    rest = LETTERED.fullmatch((row.get("letter", "").strip() or found[2]).upper())
    letter, supplement = (rest[1], rest[2] or "") if rest else ("", "")
    if row.get("supplement_kind"):
        supplement = f"{row['supplement_kind']}{row.get('supplement_number', '')}".upper()
    return street, int(found[1]), letter, supplement
