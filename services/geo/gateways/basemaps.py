"""The servers of base maps, asked on the browser's behalf: it learns no token and talks to no other host.

Tiles are kept in memory; a server that fails is left alone for half a minute, so that maps do not wait for it.
"""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType

from services.geo.domain import base_maps
from services.geo.domain.base_maps import DEFAULT, NoMap, PmTiles, Wms, Wmts
from services.geo.domain.recent import Recent
from services.runtime.logs import logger

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 64 * 2**20
LARGEST_TILE = 4 * 2**20
MOST_DIRECTORY_BYTES = 8 * 2**20
REST_SECONDS = 30.0
FAILURES = 3
"""In a row; then the server is left alone for a while."""
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})
_VECTOR = "application/vnd.mapbox-vector-tile"
_TYPES = {TileType.PNG: "image/png", TileType.JPEG: "image/jpeg", TileType.WEBP: "image/webp", TileType.MVT: _VECTOR}
_log = logger(__name__)


class Missing(Exception):
    """There is no base map now: none is set, or its server does not answer as it should."""


class _Refused(Exception):
    """The server will not give this tile: it lies outside what it covers, or we may not have it."""


class Tile(NamedTuple):
    """One tile as it goes to the browser; ``encoding`` is its Content-Encoding, if any."""

    content: bytes
    media_type: str
    encoding: str | None = None


class Described(NamedTuple):
    """What a map needs to know of a base map. ``kind`` is raster or vector."""

    kind: str
    tiles: str
    credit: str
    min_zoom: int
    max_zoom: int
    tile_size: int
    layers: list[str]


def opened(path: Path | None) -> "Basemaps":
    """The base maps of a file; none, and an error in the log, when it cannot be used: maps work without them."""
    try:
        return Basemaps(base_maps.read(path))
    except base_maps.BadBaseMaps as bad:
        _log.error("base maps cannot be used", why=str(bad))
        return Basemaps({})


class Basemaps:
    """The base maps of all municipalities."""

    def __init__(self, chosen: Mapping[str, Wms | Wmts | PmTiles | NoMap]) -> None:
        self._chosen = chosen
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=True)
        self._kept: Recent[tuple[str, int, int, int], Tile | None] = Recent(MOST_BYTES, _size)
        self._archives: dict[str, _Archive] = {}
        self._failed: dict[str, tuple[int, float]] = {}

    def _of(self, kommun: str) -> tuple[str, Wms | Wmts | PmTiles | NoMap | None]:
        """The name under which it is set, and the setting."""
        name = kommun if kommun in self._chosen else DEFAULT
        return name, self._chosen.get(name)

    async def described(self, kommun: str) -> Described | None:
        """The municipality's base map; None without one. An archive that cannot be opened is described as raster."""
        name, chosen = self._of(kommun)
        if chosen is None or isinstance(chosen, NoMap):
            return None
        kind, layers, low, high = "raster", [], chosen.min_zoom, chosen.max_zoom
        if isinstance(chosen, PmTiles):
            try:
                archive = await self._opened(name, chosen)
            except Missing:
                archive = None
            if archive is not None:
                kind, layers = archive.kind, archive.layers
                low, high = max(low, archive.min_zoom), min(high, archive.max_zoom)
        tiles = f"/v1/basemap/{{z}}/{{x}}/{{y}}?v={name}"
        return Described(kind, tiles, chosen.credit, low, high, chosen.tile_size, layers)

    async def tile(self, kommun: str, z: int, x: int, y: int) -> Tile | None:
        """One tile, None where the map has none; Missing."""
        name, chosen = self._of(kommun)
        if chosen is None or isinstance(chosen, NoMap):
            raise Missing
        if not chosen.min_zoom <= z <= chosen.max_zoom:
            return None
        address = (name, z, x, y)
        if address in self._kept:
            return self._kept[address]
        self._rest(name)
        try:
            found = await self._ask(name, chosen, z, x, y)
        except _Refused:
            raise Missing from None  # this tile alone: the server is well
        except (httpx.HTTPError, OSError, ValueError, KeyError, Missing) as error:
            count = self._failed.get(name, (0, 0.0))[0] + 1
            self._failed[name] = (count, time.monotonic())
            _log.warning("base map is away", base_map=name, error=type(error).__name__, times=count)
            raise Missing from None
        self._failed.pop(name, None)
        self._kept[address] = found
        return found

    def _rest(self, name: str) -> None:
        count, at = self._failed.get(name, (0, 0.0))
        if count >= FAILURES and time.monotonic() - at < REST_SECONDS:
            raise Missing

    async def _ask(self, name: str, chosen: Wms | Wmts | PmTiles, z: int, x: int, y: int) -> Tile | None:
        if isinstance(chosen, PmTiles):
            archive = await self._opened(name, chosen)
            return await asyncio.to_thread(archive.tile, z, x, y)
        answer = await self._client.get(chosen.address(z, x, y))
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.NO_CONTENT}:
            return None
        if answer.is_client_error:
            raise _Refused
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        # A WMS says that something is wrong in XML, with status 200.
        if not answer.is_success or kind not in _IMAGES or len(answer.content) > LARGEST_TILE:
            raise Missing
        return Tile(answer.content, kind)

    async def _opened(self, name: str, chosen: PmTiles) -> "_Archive":
        if name not in self._archives:
            try:
                self._archives[name] = await asyncio.to_thread(_Archive, chosen.url)
            except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
                _log.warning("base map cannot be opened", base_map=name, error=type(error).__name__)
                raise Missing from None
        return self._archives[name]


def _size(tile: Tile | None) -> int:
    return len(tile.content) if tile else 0


class _Archive:
    """One PMTiles archive, open: a file or an address with ranges."""

    def __init__(self, where: str) -> None:
        if where.startswith("http"):
            self._reader = Reader(_Ranges(where))
        else:
            with Path(where).open("rb") as file:  # the mapping outlives the file
                self._reader = Reader(MmapSource(file))
        header: dict[str, Any] = self._reader.header()
        self._type, self._compression = header["tile_type"], header["tile_compression"]
        self.min_zoom, self.max_zoom = int(header["min_zoom"]), int(header["max_zoom"])
        self.kind = "vector" if self._type == TileType.MVT else "raster"
        said = self._reader.metadata() if self.kind == "vector" else {}
        self.layers = [str(layer["id"]) for layer in said.get("vector_layers", [])]

    def tile(self, z: int, x: int, y: int) -> Tile | None:
        """One tile as it lies in the archive."""
        content = self._reader.get(z, x, y)
        if content is None:
            return None
        return Tile(content, _TYPES[self._type], "gzip" if self._compression == Compression.GZIP else None)


class _Ranges:
    """Bytes of an address; the last few answers are kept, since directories are read for every tile."""

    def __init__(self, url: str) -> None:
        self._url, self._client = url, httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True)
        self._kept: Recent[tuple[int, int], bytes] = Recent(MOST_DIRECTORY_BYTES, len)

    def __call__(self, offset: int, length: int) -> bytes:
        if (offset, length) in self._kept:
            return self._kept[offset, length]
        wanted = {"Range": f"bytes={offset}-{offset + length - 1}"}
        with self._client.stream("GET", self._url, headers=wanted) as answer:
            # A server without ranges would send the whole archive: not read.
            if answer.status_code != httpx.codes.PARTIAL_CONTENT:
                raise ValueError("the server answers to no ranges")
            found = answer.read()
        self._kept[offset, length] = found
        return found
