"""One case of an index: its inputs read, its expectation found, two answers compared."""

import csv
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Columns = dict[str, list[Any]]
LOOSER = {
    "naus_scan_p": {"": 1e-5},
    "pai_on_real_data": {"": 0.1},
    "quasipoisson_trend": {"dispersion": 5e-5},
    "space_time_permutation_scan": {"p": 0.03, "exp": 0.005},
    "knox_bands": {"mc_p": 0.05},
}
"""Where more is allowed than the index says: by the reference (§8: naus, pai, trend, the scan's p), or by us.

Ours: the scan's expected cases are printed with two decimals; the p of ``knox_bands`` come from 999 drawn permutations,
each with a standard error of up to 0.016 of its own, so that 0.02 is met by luck only.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a case gave. ``note`` says why it could not be run, or why it is no ``gate``: its answer decides nothing."""

    id: str
    ok: bool
    got: Any
    expect: Any
    note: str | None = None
    gate: bool = True

    def plain(self) -> dict[str, Any]:
        """As JSON; a missing number is null, infinity the text Inf."""
        return (
            {"id": self.id, "ok": self.ok, "got": plain(self.got), "expect": plain(self.expect)}
            | ({"note": self.note} if self.note else {})
            | ({} if self.gate else {"gate": False})
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands in the index, and the folder that its paths begin at."""

    id: str
    function: str
    input: Any
    params: Mapping[str, Any]
    expect: Any
    tol: Any
    folder: Path

    def path(self, name: str) -> Path:
        """A file named in the index; files of events are also looked for in ``events`` beside the index' folder."""
        here = self.folder / name
        if here.exists():
            return here
        beside = self.folder.parent / "events" / Path(name).name
        if beside.exists():
            return beside
        raise OSError(f"no file {name} beside the index")

    def given(self) -> Any:
        """The input: as written in the case, or the content of its file."""
        return self.read(self.input) if isinstance(self.input, str) else self.input

    def read(self, name: str) -> Any:
        """A file's content: JSON as it is, a table as columns of numbers where they are numbers."""
        path = self.path(name)
        return json.loads(path.read_text("utf-8")) if path.suffix == ".json" else columns(path)

    def expected(self) -> Any:
        """The expectation: as written, a whole file, or one part of a file (``file:part``)."""
        if not isinstance(self.expect, str):
            return self.expect
        name, _, part = self.expect.partition(":")
        found = self.read(name)
        return found[part] if part else found

    def tolerance(self) -> Mapping[str, float]:
        """Allowed difference by name of the number; "" for those that are not named."""
        own = {"": float(self.tol)} if isinstance(self.tol, int | float) else {k: float(v) for k, v in self.tol.items()}
        looser = LOOSER.get(self.function, {})
        return own | {k: max(v, own.get(k, 0.0)) for k, v in looser.items()}


Adapter = Callable[[Case], tuple[Any, Any]]


def read_index(path: Path) -> list[Case]:
    """The cases of an index; ValueError says what is wrong with the file."""
    try:
        rows = json.loads(path.read_text("utf-8"))
    except ValueError as wrong:
        raise ValueError(f"{path.name} is not JSON: {wrong}") from None
    if not isinstance(rows, list) or not all(isinstance(r, dict) and {"id", "function"} <= set(r) for r in rows):
        raise ValueError(f"{path.name} is not a list of cases with id and function")
    return [
        Case(
            str(r["id"]), str(r["function"]), r.get("input"), r.get("params") or {}, r.get("expect"), r.get("tol", 0.0),
            path.parent,
        )
        for r in rows
    ]  # fmt: skip


def columns(path: Path, names: list[str] | None = None) -> Columns:
    """A CSV as columns; ``names`` for files without a header."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header = names or rows.pop(0)
    return {name: [number(row[i]) for row in rows] for i, name in enumerate(header)}


def number(text: str) -> Any:
    """A number where the text is one, NaN for NA, otherwise the text."""
    if text in {"NA", "NaN"}:
        return math.nan
    try:
        return float(text)
    except ValueError:
        return text


def infinite(value: Any) -> float:
    """A number that may be written Inf."""
    return math.inf if value in {"Inf", "inf"} else float(value)


def compare(got: Any, expect: Any, tolerance: Mapping[str, float], name: str = "") -> bool:
    """Whether two answers agree: every name and place of the expectation, numbers within their tolerance."""
    if isinstance(expect, Mapping):
        return isinstance(got, Mapping) and all(
            k in got and compare(got[k], v, tolerance, str(k)) for k, v in expect.items()
        )
    if isinstance(expect, list | tuple):
        return (
            isinstance(got, list | tuple)
            and len(got) == len(expect)
            and all(compare(g, e, tolerance, name) for g, e in zip(got, expect, strict=True))
        )
    if expect == "Inf":
        return bool(got == math.inf)
    if isinstance(expect, int | float) and isinstance(got, int | float):
        if math.isnan(expect) or math.isnan(got):
            return math.isnan(expect) and math.isnan(got)
        allowed = tolerance.get(name, tolerance.get("", 1e-9))
        return bool(got == expect or abs(got - expect) <= allowed)
    return bool(got == expect)


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            return "Inf" if value > 0 else "-Inf"
    return value


def only(table: Mapping[str, list[Any]], *names: str) -> Columns:
    """These columns of a table, those of them that it has."""
    return {name: list(table[name]) for name in names if name in table}
