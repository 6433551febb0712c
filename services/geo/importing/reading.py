"""A file as a table: text columns, and points if it has geometry. CSV in any of the usual encodings, the rest by GDAL.

Every complaint is a ``BadFile`` with one sentence in Swedish that says what is wrong and what to do.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from services.pages.texts import text

LARGEST_BYTES = 4_000_000_000
"""Largest file that is read; all addresses of Sweden are about 1 GB."""
_CSV = {".csv", ".txt", ".tsv"}
Floats = NDArray[np.float64]


class BadFile(ValueError):
    """A file that cannot be used; the message is for the person who chose it."""

    def __init__(self, what: str, **facts: Any) -> None:
        super().__init__(text(f"file.{what}", **facts))
        self.what, self.facts = what, facts


@dataclass(frozen=True)
class Table:
    """Columns of text by name, all of one length; the points of the geometries, and the CRS that the file states."""

    columns: Mapping[str, list[str]]
    points: tuple[Floats, Floats] | None
    crs: str | None
    layer: str = ""
    shapes: NDArray[np.object_] | None = None
    """The geometries themselves, None for a table without."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def read_table(path: Path, layer: str | None = None, progress: Callable[[int], None] | None = None) -> Table:
    """The file's rows; BadFile when it is missing, empty, too large, or in no known format."""
    if not path.exists():
        raise BadFile("missing", name=path.name)
    if path.is_file():
        size = path.stat().st_size
        if size == 0:
            raise BadFile("empty", name=path.name)
        if size > LARGEST_BYTES:
            raise BadFile("too_large", name=path.name, limit=f"{LARGEST_BYTES / 1e9:.0f}")
    table = _read_csv(path) if path.suffix.lower() in _CSV else _read_vector(path, layer)
    if not len(table):
        raise BadFile("no_rows", name=path.name)
    if progress is not None:
        progress(len(table))
    return table


def decoded(raw: bytes, name: str) -> str:
    """Text of a file whose encoding nobody stated: UTF-8 or UTF-16 by its mark, else UTF-8, else Windows' Swedish."""
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if marked else ["utf-8-sig", "cp1252"]
    if b"\0" in raw[:4096] and not marked:
        raise BadFile("binary", name=name)
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile("encoding", name=name)


def _read_csv(path: Path) -> Table:
    content = decoded(path.read_bytes(), path.name)
    lines = content.splitlines()
    head = lines[0] if lines else ""
    delimiter = max(";\t,|", key=head.count)
    if head.count(delimiter) == 0:
        raise BadFile("no_columns", name=path.name)
    try:
        reader = csv.reader(lines, delimiter=delimiter)
        names = [n.strip() for n in next(reader)]
        rows = [r for r in reader if any(r)]
    except csv.Error as wrong:
        raise BadFile("csv", name=path.name, why=str(wrong)) from None
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise BadFile("column_twice", name=path.name, column=twice)
    columns = list(zip_longest(*rows, fillvalue="")) if rows else [()] * len(names)
    return Table({n: [c.strip() for c in columns[i]] if i < len(columns) else [""] * len(rows)
                  for i, n in enumerate(names)}, None, None)  # fmt: skip


def _read_vector(path: Path, layer: str | None) -> Table:
    """A layer of a vector file; zipped ones too."""
    return read_source(f"/vsizip/{path}" if path.suffix.lower() == ".zip" else str(path), path.name, layer)


def read_source(source: str, name: str, layer: str | None) -> Table:
    """A layer of what GDAL calls ``source``. Geometries become points too: of an area its inner point.

    BadFile ``format`` when GDAL cannot open or read it.
    """
    try:
        layers = [str(known) for known, _ in pyogrio.list_layers(source)]
        if layer is None and len(layers) > 1:
            layer = next((n for n in layers if n.lower() == "belagenhetsadress"), None)
            if layer is None:
                raise BadFile("several_layers", name=name, layers=", ".join(layers[:10]))
        elif layer is not None and layer not in layers:
            # A WFS calls its layers sv:distrikt in one version of the protocol and distrikt in another.
            bare = [n for n in layers if n.rpartition(":")[2] == layer.rpartition(":")[2]]
            if len(bare) != 1:
                raise BadFile("no_such_layer", name=name, layer=layer, layers=", ".join(layers[:10]) or "–")
            layer = bare[0]
        meta, table = pyogrio.read_arrow(source, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as wrong:
        raise BadFile("format", name=name, why=str(wrong)[:200]) from None
    geometry = meta["geometry_name"] or "wkb_geometry"
    columns = {n: _texts(table[n]) for n in table.column_names if n not in {geometry, "fid", "OGC_FID"}}
    points = shapes = None
    if geometry in table.column_names:
        shapes = shapely.from_wkb(table[geometry].to_numpy(zero_copy_only=False), on_invalid="ignore")
        inner = np.where(shapely.get_type_id(shapes) == 0, shapes, shapely.point_on_surface(shapes))
        points = (shapely.get_x(inner), shapely.get_y(inner))
    return Table(columns, points, meta["crs"], str(layer or ""), shapes)


def _texts(column: Any) -> list[str]:
    """A column as text; whole numbers without a point, nothing as the empty text."""
    return ["" if v is None else str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip()
            for v in column.to_pylist()]  # fmt: skip
