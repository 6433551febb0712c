"""The layers that ship with the product: RegSO, and kommun and län that follow from its codes (Källa: SCB, CC0)."""

import hashlib
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from schemas.values import UNPLACED
from services.geo.domain import crs
from services.geo.domain.areas import AreaIndex
from services.geo.domain.writing import AreaRef

CREDIT = "Källa: SCB"
_FILE = "regso_2025_full_3006.parquet"
_NAME_NOISE = "RegSO-"
"""All Malmö names begin with it; stripped for display (geo reference §3)."""


@dataclass(frozen=True, slots=True)
class Area:
    """One area of a layer."""

    code: str
    name: str
    kommun: str | None
    lan: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's identity: which vintage of which file."""

    name: str
    version: str
    sha256: str
    credit: str = CREDIT


class Layers:
    """RegSO at full resolution with its index; kommun and län by key, never by a second polygon test."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        source = resources.files("services.geo") / "data" / _FILE
        raw = source.read_bytes()
        self._digest = hashlib.sha256(raw).hexdigest()
        table = pq.read_table(str(source)).sort_by("regsokod")
        self.polygons: NDArray[np.object_] = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
        column = {name: table[name].to_pylist() for name in table.column_names if name != "geometry"}
        self.version: str = column["version"][0]
        self.regso = [
            Area(code, name.removeprefix(_NAME_NOISE), kommun, lan)
            for code, name, kommun, lan in zip(
                column["regsokod"], column["regsonamn"], column["kommunkod"], column["lanskod"], strict=True
            )
        ]
        self.kommuner = {
            kommun: Area(kommun, name, kommun, lan)
            for kommun, name, lan in zip(column["kommunkod"], column["kommunnamn"], column["lanskod"], strict=True)
        }
        self.lan = {
            lan: Area(lan, name, None, lan) for lan, name in zip(column["lanskod"], column["lansnamn"], strict=True)
        }
        self.by_code = {area.code: area for area in self.regso}
        self._own: dict[str, list[int]] = defaultdict(list)
        for i, area in enumerate(self.regso):
            self._own[area.kommun or ""].append(i)
        self._position = {area.code: i for i, area in enumerate(self.regso)}
        self.index = AreaIndex(self.polygons, [a.code for a in self.regso], self._pieces(cache_dir))
        self._refs: dict[tuple[str | None, str | None, str | None], tuple[AreaRef, ...]] = {}
        self._outlines: dict[tuple[str, str | None], dict[str, Any]] = {}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What is published, finest first."""
        return tuple(Layer(name, self.version, self._digest) for name in ("regso", "kommun", "lan"))

    def refs(self, regso: str | None, kommun: str | None, lan: str | None) -> tuple[AreaRef, ...]:
        """One entry per layer, ``unplaced`` where it has no answer; kept, since there are few different ones."""
        found = self._refs.get((regso, kommun, lan))
        if found is None:
            answer = {"regso": regso, "kommun": kommun, "lan": lan}
            found = tuple(
                AreaRef(layer=layer.name, version=layer.version, area=answer[layer.name] or UNPLACED)
                for layer in self.layers
            )
            self._refs[regso, kommun, lan] = found
        return found

    def _pieces(self, cache_dir: Path | None) -> tuple[NDArray[np.object_], NDArray[np.intp]] | None:
        """The subdivided polygons from the cache, made and kept there if needed; None without a cache folder."""
        if cache_dir is None:
            return None
        kept = cache_dir / f"regso-{self._digest[:16]}.npz"
        if kept.exists():
            with np.load(kept, allow_pickle=False) as stored:
                ends = stored["ends"]
                wkb = stored["wkb"].tobytes()
                starts = np.concatenate([[0], ends[:-1]])
                return shapely.from_wkb([wkb[a:b] for a, b in zip(starts, ends, strict=True)]), stored["owners"]
        index = AreaIndex(self.polygons, [a.code for a in self.regso])
        blobs = shapely.to_wkb(index.pieces)
        cache_dir.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=cache_dir, suffix=".npz")
        with os.fdopen(handle, "wb") as file:
            joined = np.frombuffer(b"".join(blobs), dtype=np.uint8)
            np.savez(file, wkb=joined, ends=np.cumsum([len(b) for b in blobs]), owners=index.owners)
        Path(part).rename(kept)
        return index.pieces, index.owners

    def kommun_of(self, e: NDArray[np.float64], n: NDArray[np.float64]) -> list[str | None]:
        """The municipality of each point (EPSG:3006), None outside Sweden and where a coordinate is NaN."""
        real = np.isfinite(e) & np.isfinite(n)
        found = self.index.find(np.where(real, e, 0.0), np.where(real, n, 0.0)).tolist()
        return [self.regso[at].kommun if at >= 0 else None for at in found]

    def kommun_polygon(self, kommun: str) -> Any:
        """A municipality at full resolution in EPSG:3006; KeyError for an unknown code."""
        return shapely.coverage_union_all(self.polygons[self._own[kommun]])

    def regso_polygon(self, code: str) -> Any | None:
        """One area at full resolution in EPSG:3006; None for an unknown code."""
        return self.polygons[self._position[code]] if code in self._position else None

    def extent(self, kommun: str) -> list[float]:
        """West, south, east, north of a municipality in degrees; of the whole country for an unknown code."""
        own = self._own.get(kommun) or range(len(self.polygons))
        return crs.degrees_box(*shapely.total_bounds(self.polygons[list(own)]).tolist())

    def distance_to_kommun(self, kommun: str, e: float, n: float) -> float:
        """Metres from a point (EPSG:3006) to a municipality, 0 inside; KeyError for an unknown code."""
        own = self.polygons[self._own[kommun]]
        return float(shapely.distance(own, shapely.Point(e, n)).min())

    def fitting_systems(self, x: NDArray[np.float64], y: NDArray[np.float64], kommun: str) -> list[str]:
        """The coordinate systems in which at least nine of ten points lie in the municipality."""
        return [code for code in sorted(crs.KNOWN) if self._share(x, y, code, kommun) >= 0.9]

    def _share(self, x: NDArray[np.float64], y: NDArray[np.float64], code: str, kommun: str) -> float:
        e, n = crs.to_sweref(*crs.upright(x, y, code), code)
        return sum(k == kommun for k in self.kommun_of(e, n)) / max(1, len(x))

    def inner_points(self, codes: Sequence[str]) -> list[tuple[float, float, float]]:
        """For each RegSO code a point inside it (EPSG:3006) and the metres to its farthest corner."""
        places = self.polygons[[self._position[code] for code in codes]] if codes else np.array([], dtype=object)
        inner = shapely.point_on_surface(places)
        points = shapely.get_coordinates(inner).round(1).tolist()
        radii = shapely.hausdorff_distance(inner, shapely.envelope(places)).round(1).tolist()
        return [(e, n, radius) for (e, n), radius in zip(points, radii, strict=True)]

    def areas(self, layer: str, kommun: str | None = None) -> list[Area]:
        """The areas of a layer, of one kommun if given, by code; KeyError for an unknown layer."""
        everything = {"regso": self.regso, "kommun": list(self.kommuner.values()), "lan": list(self.lan.values())}[
            layer
        ]
        return sorted((a for a in everything if kommun is None or a.kommun == kommun), key=lambda a: a.code)

    def outlines(self, layer: str, kommun: str | None = None) -> dict[str, Any]:
        """GeoJSON (WGS84, 5 decimals) for drawing: simplified with topology kept, never for assignment.

        25 m within one kommun, 500 m for the whole country (geo reference §3). Kept after the first call.
        """
        if (layer, kommun) not in self._outlines:
            self._outlines[layer, kommun] = self._draw(layer, kommun)
        return self._outlines[layer, kommun]

    def _draw(self, layer: str, kommun: str | None) -> dict[str, Any]:
        chosen = [i for i, a in enumerate(self.regso) if kommun is None or a.kommun == kommun]
        simple = shapely.coverage_simplify(self.polygons[chosen], 25 if kommun else 500)
        groups: dict[str, list[Any]] = defaultdict(list)
        for i, geometry in zip(chosen, simple, strict=True):
            area = self.regso[i]
            groups[{"regso": area.code, "kommun": area.kommun or "", "lan": area.lan}[layer]].append(geometry)
        names = {a.code: a.name for a in self.areas(layer)}
        features = []
        for code, parts in sorted(groups.items()):
            outline = shapely.coverage_union_all(np.array(parts))
            properties = {"area": code, "name": names[code], "label": label_point(outline)}
            features.append({"type": "Feature", "id": code, "properties": properties, "geometry": geojson(outline)})
        return {"type": "FeatureCollection", "credit": CREDIT, "version": self.version, "features": features}


def label_point(geometry: Any) -> list[float]:
    """Where a name is written: the middle of the largest circle inside the largest part, in degrees."""
    largest = max(shapely.get_parts(geometry), key=shapely.area)
    centre = shapely.get_coordinates(shapely.maximum_inscribed_circle(largest, 50))[:1]
    lon, lat = crs.to_wgs84(centre[:, 0], centre[:, 1])
    return [round(float(lon[0]), 5), round(float(lat[0]), 5)]


def geojson(geometry: Any) -> Any:
    """A geometry in EPSG:3006 as GeoJSON: WGS84, 5 decimals."""

    def degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = crs.to_wgs84(points[:, 0], points[:, 1])
        return np.round(np.column_stack([lon, lat]), 5).astype(np.float64)

    return json.loads(shapely.to_geojson(shapely.transform(geometry, degrees)))


def kommun_names() -> dict[str, str]:
    """Code → name of every municipality, from two columns of the shipped file."""
    source = resources.files("services.geo") / "data" / _FILE
    table = pq.read_table(str(source), columns=["kommunkod", "kommunnamn"])
    return dict(zip(table["kommunkod"].to_pylist(), table["kommunnamn"].to_pylist(), strict=True))
