"""A file as a table: text columns, and points if it has geometry. CSV in any of the usual encodings, the rest by GDAL.

Every complaint is a ``BadFile`` with one sentence in Swedish that says what is wrong and what to do.
"""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from services.pages.texts import text

LARGEST_BYTES = 4_000_000_000
"""Largest file that is read; all addresses of Sweden are about 1 GB."""
_CSV = {".csv", ".txt", ".tsv"}
_PARQUET = {".parquet", ".geoparquet"}
_SHEETS = {".xlsx", ".xls", ".ods"}
_WRITTEN = ("wkt", "geom", "geometry", "geometri", "the_geom", "shape")
"""Columns of tables that hold geometries in words (WKT)."""
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
    suffix = path.suffix.lower()
    if suffix in _CSV:
        table = _with_written_shapes(_read_csv(path))
    elif suffix in _PARQUET:
        table = _read_parquet(path)
    else:
        table = _with_written_shapes(_read_vector(path, layer))
    if suffix == ".dxf":
        table = _with_rings_closed(table)
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
    # Left to guess, GDAL takes the first row of a sheet with nothing but text for data.
    options = {"HEADERS": "FORCE"} if path.suffix.lower() in _SHEETS else {}
    return read_source(f"/vsizip/{path}" if path.suffix.lower() == ".zip" else str(path), path.name, layer, **options)


def read_source(source: str, name: str, layer: str | None, **options: str) -> Table:
    """A layer of what GDAL calls ``source``. Geometries become points too: of an area its inner point.

    ``options`` are the driver's. BadFile ``format`` when GDAL cannot open or read it.
    """
    import pyogrio  # brings GDAL and pandas along: a second that no process should pay at its start

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
        meta, table = pyogrio.read_arrow(source, layer=layer, **options)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as wrong:
        raise BadFile("format", name=name, why=str(wrong)[:200]) from None
    return _table(table, meta["geometry_name"] or "wkb_geometry", meta["crs"], str(layer or ""))


def _table(table: Any, geometry: str, crs: str | None, layer: str = "") -> Table:
    """Arrow's columns as text, and the geometries of one of them."""
    columns = {n: _texts(table[n]) for n in table.column_names if n not in {geometry, "fid", "OGC_FID"}}
    if geometry not in table.column_names:
        return Table(columns, None, crs, layer)
    shapes = shapely.from_wkb(table[geometry].to_numpy(zero_copy_only=False), on_invalid="ignore")
    return Table(columns, _points(shapes), crs, layer, shapes)


def _points(shapes: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """A point of each geometry: itself, or the inner point of what is more."""
    inner = np.where(shapely.get_type_id(shapes) == 0, shapes, shapely.point_on_surface(shapes))
    return shapely.get_x(inner), shapely.get_y(inner)


def _read_parquet(path: Path) -> Table:
    """GeoParquet, or a plain table. GDAL's driver is not in pyogrio's wheels."""
    try:
        table = pq.read_table(path, use_threads=False)
        about = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
        column = about.get("columns", {}).get(about.get("primary_column"), {})
    except (pa.ArrowException, OSError, ValueError) as wrong:
        raise BadFile("format", name=path.name, why=str(wrong)[:200]) from None
    # A GeoParquet without a system is in degrees; null says that nobody knows (GeoParquet 1.1, "crs").
    system = column.get("crs", "EPSG:4326") if column else None
    stated = system if system is None or isinstance(system, str) else json.dumps(system)
    return _table(table, about.get("primary_column", ""), stated)


def _with_written_shapes(table: Table) -> Table:
    """The same with the geometries that a column has in words, if one has them and there are no others."""
    column = next((n for n in table.columns if n.lower() in _WRITTEN), None)
    if table.shapes is not None or column is None:
        return table
    shapes = shapely.from_wkt([w.upper() or None for w in table.columns[column]], on_invalid="ignore")
    if not any(s is not None for s in shapes):
        return table
    rest = {n: values for n, values in table.columns.items() if n != column}
    return replace(table, columns=rest, shapes=shapes, points=_points(shapes))


def _with_rings_closed(table: Table) -> Table:
    """The same with closed lines as the areas that they surround: a drawing has no polygons."""
    if table.shapes is None:
        return table
    shapes = table.shapes.copy()
    for i, shape in enumerate(shapes):
        if shape is not None and shape.geom_type == "LineString" and shape.is_closed and len(shape.coords) > 3:
            shapes[i] = shapely.Polygon(shape.coords)
    return replace(table, shapes=shapes, points=_points(shapes))


def _texts(column: Any) -> list[str]:
    """A column as text; whole numbers without a point, nothing as the empty text."""
    return ["" if v is None else str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip()
            for v in column.to_pylist()]  # fmt: skip
