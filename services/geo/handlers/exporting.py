"""Located reports as files, streamed: a page at a time from the database, a batch at a time to the client or the file.

CSV and GeoJSON go out as they are made; GeoPackage, GeoParquet and FlatGeobuf are written to a temporary file first, by
batches too, so memory stays the same for a hundred reports and for a million.
"""

import asyncio
import csv
import io
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event
from typing import Any, Literal, NamedTuple
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS

from services.geo.domain import features, styling
from services.geo.domain.crs import SWEREF99_TM
from services.geo.store import features as store
from services.geo.store.geopackage import embed
from services.runtime.database import Database

PAGE = 2_000
LAYER = "rapporter"
BLOCK = 262_144
Format = Literal["csv", "geojson", "gpkg", "parquet", "fgb"]
Page = list[tuple[UUID, features.Located]]


class Kind(NamedTuple):
    """How a format is named to the client."""

    media_type: str
    suffix: str


KINDS: dict[Format, Kind] = {
    "csv": Kind("text/csv; charset=utf-8", "csv"),
    "geojson": Kind("application/geo+json", "geojson"),
    "gpkg": Kind("application/geopackage+sqlite3", "gpkg"),
    "parquet": Kind("application/vnd.apache.parquet", "parquet"),
    "fgb": Kind("application/flatgeobuf", "fgb"),
}
_TEXTS = ("event_type", "source", "time_from", "time_to", "precision", "located_kommun", "area")
_NUMBERS = ("severity", "count")
_FLAGS = ("ongoing", "confirmed", "invented")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        *(pa.field(name, pa.string()) for name in _TEXTS),
        *(pa.field(name, pa.int32()) for name in _NUMBERS),
        *(pa.field(name, pa.bool_()) for name in _FLAGS),
        pa.field("radius_m", pa.float64()),
        pa.field("e", pa.float64()),
        pa.field("n", pa.float64()),
        pa.field("lon", pa.float64()),
        pa.field("lat", pa.float64()),
        pa.field("geometry", pa.binary()),
    ]
)


async def pages(database: Database, kommun: str, chosen: store.Filter) -> AsyncIterator[Page]:
    """All located reports, a page at a time, each page of one moment; a long export holds no transaction open."""
    after = store.NIL
    while True:
        async with database.transaction((kommun,)) as connection:
            rows = await store.page(connection, kommun, chosen, after, PAGE)
        if rows:
            yield [(ident, features.read(event)) for ident, event in rows]
            after = rows[-1][0]
        if len(rows) < PAGE:
            return


def columns(page: Page) -> dict[str, list[Any]]:
    """A page as columns of ``SCHEMA``, without the geometry."""
    rows = [features.properties(located) for _, located in page]
    points = [located.placement.point for _, located in page]
    found: dict[str, list[Any]] = {"id": [str(ident) for ident, _ in page]}
    found |= {name: [row[name] for row in rows] for name in (*_TEXTS, *_NUMBERS, *_FLAGS, "radius_m")}
    found |= {axis: [None if p is None else getattr(p, axis) for p in points] for axis in ("e", "n", "lon", "lat")}
    return found


def table(page: Page) -> pa.RecordBatch:
    """A page as an Arrow batch, the geometry as WKB in EPSG:3006."""
    found: dict[str, Any] = columns(page)
    points = shapely.points(np.array(found["e"], dtype=float), np.array(found["n"], dtype=float))
    found["geometry"] = shapely.to_wkb(points).tolist()
    return pa.RecordBatch.from_pydict(found, schema=SCHEMA)


async def as_csv(found: AsyncIterator[Page]) -> AsyncIterator[bytes]:
    """CSV for Swedish Excel: semicolons, decimal commas, UTF-8 with a byte order mark; both systems' coordinates."""
    names = [f.name for f in SCHEMA if f.name != "geometry"]
    yield ("\N{BYTE ORDER MARK}" + ";".join(names) + "\r\n").encode()
    async for page in found:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        for row in zip(*columns(page).values(), strict=True):
            writer.writerow([str(v).replace(".", ",") if isinstance(v, float) else "" if v is None else v for v in row])
        yield text.getvalue().encode()


async def as_geojson(found: AsyncIterator[Page]) -> AsyncIterator[bytes]:
    """One GeoJSON FeatureCollection (WGS84, longitude first: RFC 7946)."""
    output = features.output(None)
    separator = b'{"type":"FeatureCollection","features":['
    async for page in found:
        for ident, located in page:
            yield separator + orjson.dumps(features.feature(ident, located, output))
            separator = b",\n"
    yield (separator if separator.startswith(b"{") else b"") + b"]}"


async def as_file(found: AsyncIterator[Page], kind: Format) -> AsyncIterator[bytes]:
    """A GeoPackage, GeoParquet or FlatGeobuf: written to a temporary file page by page, then sent in blocks."""
    write = {"gpkg": _ogr("GPKG"), "fgb": _ogr("FlatGeobuf"), "parquet": _parquet}[kind]
    with tempfile.TemporaryDirectory(prefix="lagesbild-export-") as folder:
        path = Path(folder) / f"rapporter.{kind}"
        queue: Queue[pa.RecordBatch] = Queue(maxsize=2)
        over = Event()
        writing = asyncio.create_task(asyncio.to_thread(write, path, _batches(queue, over)))
        try:
            async for page in found:
                await _hand_over(queue, table(page), writing)
        finally:
            over.set()  # the writer ends by itself, whatever becomes of this task
            await asyncio.shield(writing)
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block


async def _hand_over(queue: "Queue[pa.RecordBatch]", batch: pa.RecordBatch, writing: asyncio.Task[None]) -> None:
    """Wait until the writer has room, or raise what ended it."""
    while not writing.done():
        try:
            return queue.put_nowait(batch)
        except Full:
            await asyncio.sleep(0.01)
    return writing.result()


def _batches(queue: "Queue[pa.RecordBatch]", over: Event) -> Iterator[pa.RecordBatch]:
    """What is handed over, until it is over and nothing is left."""
    while True:
        ended = over.is_set()
        try:
            yield queue.get(timeout=0.2)
        except Empty:
            if ended:
                return


Writer = Callable[[Path, Iterator[pa.RecordBatch]], None]


def _ogr(driver: str) -> Writer:
    """GDAL writes from the stream of batches."""

    def write(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
        import pyogrio  # brings GDAL and pandas along: a second that no process should pay at its start

        reader = pa.RecordBatchReader.from_batches(SCHEMA, batches)
        named = {"layer": LAYER, "driver": driver, "geometry_name": "geometry"}
        pyogrio.write_arrow(reader, path, geometry_type="Point", crs=SWEREF99_TM, **named)
        if driver == "GPKG":
            embed(path, LAYER, qml=styling.qml(), sld=styling.sld(), description="Typ av händelse")

    return write


def _parquet(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    """GeoParquet 1.1, a row group a batch."""
    geometry = {
        "encoding": "WKB", "geometry_types": ["Point"], "crs": CRS.from_user_input(SWEREF99_TM).to_json_dict(),
    }  # fmt: skip
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    with pq.ParquetWriter(path, SCHEMA.with_metadata({"geo": json.dumps(about)}), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
