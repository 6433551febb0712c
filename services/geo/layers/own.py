"""A municipality's own layers in memory: areas that tile, places that may overlap, names at points.

Which versions hold is asked with every batch (one indexed row a layer); a file is read when its version is new. The
national layers (owner ``0000``) are loaded once for all.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER, UNPLACED
from services.geo.domain.areas import AreaIndex
from services.geo.domain.geocoding.places import Place
from services.geo.domain.writing import AreaRef, PlaceRef
from services.geo.layers.packing import Feature, unpack
from services.geo.layers.shipped import geojson, label_point
from services.geo.store import layers as store
from services.geo.store.layers import Content, Key

KEEP_SECONDS = 1.0
"""How long what was asked is taken for granted: consumers handle several batches a second."""
AREAS, PLACES, NAMES = "areas", "places", "names"
KINDS = (AREAS, PLACES, NAMES)
_PLACE_IDS = UUID("8a3c9f52-3e55-5a0e-9a6e-64d1f4d7a3b1")
SWEDEN = ZoneInfo("Europe/Stockholm")
Floats = NDArray[np.float64]


def place_id(kommun: str, layer: str, code: str) -> UUID:
    """A named place's identity: the same over all versions of its layer."""
    return uuid5(_PLACE_IDS, f"{kommun}/{layer}/{code}")


class Version:
    """One version of one layer, ready to be asked."""

    def __init__(self, key: Key, content: Content) -> None:
        self.key, self.kind, self.title = key, content.kind, content.title
        self.version, self.credit, self.valid_to = content.version, content.credit, content.valid_to
        self.features, self.geometries = unpack(content.parquet)
        self.refs = [AreaRef(key.layer, self.version, f.code) for f in self.features]
        self.unplaced = AreaRef(key.layer, self.version, UNPLACED)
        self.by_code = {f.code: i for i, f in enumerate(self.features)}
        self.places = [PlaceRef(place_id(key.kommun, key.layer, f.code), self.version) for f in self.features]
        self._areas = AreaIndex(self.geometries, [f.code for f in self.features]) if self.kind == AREAS else None
        self._outlines: dict[str, Any] | None = None
        self._tree = shapely.STRtree(self.geometries) if self.kind == PLACES else None

    def areas_of(self, e: Floats, n: Floats) -> list[AreaRef]:
        """The area of each point (EPSG:3006), ``unplaced`` outside the layer; of a layer of areas only."""
        assert self._areas is not None  # noqa: S101 - narrows the type: the caller asks layers of areas only
        return [self.refs[i] if i >= 0 else self.unplaced for i in self._areas.find(e, n).tolist()]

    def places_of(self, e: Floats, n: Floats) -> list[tuple[PlaceRef, ...]]:
        """Every place that each point lies in, by code; of a layer of places only."""
        assert self._tree is not None  # noqa: S101 - as above
        found: list[list[int]] = [[] for _ in e]
        for point, at in zip(*self._tree.query(shapely.points(e, n), predicate="intersects").tolist(), strict=True):
            found[point].append(at)
        return [tuple(self.places[i] for i in sorted(f)) for f in found]

    def outlines(self) -> dict[str, Any]:
        """GeoJSON (WGS84, 5 decimals) for drawing: simplified by 2 m. Made once."""
        if self._outlines is None:
            about = {"type": "FeatureCollection", "credit": self.credit, "version": self.version}
            self._outlines = about | {"features": drawn(self.features)}
        return self._outlines

    def named(self) -> Iterable[Place]:
        """The places by name, for the geocoder."""
        inner = shapely.get_coordinates(shapely.point_on_surface(self.geometries)).round(1).tolist()
        reach = np.sqrt(shapely.area(shapely.envelope(self.geometries)) / 2).round(1).tolist()
        for feature, (e, n), radius in zip(self.features, inner, reach, strict=True):
            kind = feature.environment if self.kind == NAMES else ""
            yield Place(feature.name, "place", e, n, max(20.0, radius), self.key.layer, self.version, kind)


def drawn(features: Sequence[Feature]) -> list[dict[str, Any]]:
    """The features as GeoJSON (WGS84, 5 decimals) for drawing: simplified by 2 m."""
    simple = shapely.simplify(np.array([f.geometry for f in features], dtype=object), 2.0)
    return [
        {
            "type": "Feature",
            "id": f.code,
            "properties": {"area": f.code, "name": f.name, "label": label_point(g), "environment": f.environment},
            "geometry": geojson(g),
        }
        for f, g in zip(features, simple, strict=True)
    ]


class Own(NamedTuple):
    """The layers that hold for one municipality: the national ones and its own, by name."""

    areas: tuple[Version, ...]
    places: tuple[Version, ...]
    names: tuple[Version, ...] = ()
    """Known to the geocoder and to nobody else: no report lies in a name."""

    @property
    def stamp(self) -> tuple[Key, ...]:
        """Which versions these are."""
        return tuple(v.key for v in (*self.areas, *self.places, *self.names))

    @property
    def named(self) -> tuple[Version, ...]:
        """Those whose names can be written in a report."""
        return (*self.places, *self.names)

    def version(self, layer: str) -> Version | None:
        """The version of a layer that holds."""
        return next((v for v in (*self.areas, *self.places) if v.key.layer == layer), None)

    def look_up(self, points: Sequence[tuple[float, float]]) -> list[tuple[tuple[AreaRef, ...], tuple[PlaceRef, ...]]]:
        """For each point (EPSG:3006) its area in every layer, and the places it lies in."""
        e, n = np.array([p[0] for p in points]), np.array([p[1] for p in points])
        areas = [v.areas_of(e, n) for v in self.areas]
        places = [v.places_of(e, n) for v in self.places]
        return [
            (tuple(a[i] for a in areas), tuple(p for found in places for p in found[i])) for i in range(len(points))
        ]

    def by_code(self, code: str) -> tuple[AreaRef, ...] | None:
        """The areas of a code that a layer has: that one, ``unplaced`` in the others; None for an unknown code."""
        if not any(code in v.by_code for v in self.areas):
            return None
        return tuple(v.refs[v.by_code[code]] if code in v.by_code else v.unplaced for v in self.areas)

    @property
    def nowhere(self) -> tuple[AreaRef, ...]:
        """``unplaced`` in every layer."""
        return tuple(v.unplaced for v in self.areas)


NO_LAYERS = Own((), ())


class Atlas:
    """The own layers of one process' municipalities."""

    def __init__(self) -> None:
        self._versions: dict[Key, Version] = {}
        self._own: dict[str, Own] = {}
        self._asked: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def load(
        self, connection: AsyncConnection, kommuner: Collection[str], *, fresh: bool = False
    ) -> Mapping[str, Own]:
        """The layers that hold today for each of these municipalities, as they were at most a second ago.

        ``fresh``: as they are now. Who places reports anew because of a version must not miss it.
        """
        now = time.monotonic()
        stale = [k for k in kommuner if fresh or now - self._asked.get(k, -KEEP_SECONDS) >= KEEP_SECONDS]
        if stale:
            async with self._lock:  # or one caller would forget the version that another is about to use
                await self._ask(connection, stale)
            self._asked |= dict.fromkeys(stale, now)
        return {kommun: self._own.get(kommun, NO_LAYERS) for kommun in kommuner}

    async def _ask(self, connection: AsyncConnection, kommuner: Collection[str]) -> None:
        today = today_in_sweden()
        keys = await store.current(connection, kommuner, today)
        for key in keys:
            if key not in self._versions:
                content = await store.content(connection, key)
                self._versions[key] = await asyncio.to_thread(Version, key, content)
        for kommun in kommuner:
            mine = [k for k in keys if k.kommun in {kommun, CONTEXT_OWNER}]
            held = [self._versions[k] for k in mine]
            kept = self._own.get(kommun, NO_LAYERS)
            if set(kept.stamp) != {v.key for v in held}:
                self._own[kommun] = Own(*(_of(held, kind) for kind in KINDS))
        self._forget()

    def _forget(self) -> None:
        """Drop versions that no municipality of ours uses any more."""
        used = {key for own in self._own.values() for key in own.stamp}
        self._versions = {key: version for key, version in self._versions.items() if key in used}


def today_in_sweden() -> date:
    """The day that decides which version holds."""
    return datetime.now(SWEDEN).date()


def _of(versions: Iterable[Version], kind: str) -> tuple[Version, ...]:
    return tuple(sorted((v for v in versions if v.kind == kind), key=lambda v: v.key.layer))
