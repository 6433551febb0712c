"""What tiles are drawn from, made once each: the shipped layers in two bands, a municipality's register and layers."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import shapely
from numpy.typing import NDArray

from services.geo.domain import streets
from services.geo.domain.geocoding.register import Register
from services.geo.domain.tiling import Drawable
from services.geo.layers.own import Version
from services.geo.layers.shipped import Layers
from services.geo.registers.gazetteer import Gazetteer

Thing = TypeVar("Thing", bound=Register | Version)
COARSE_METRES = 150.0
"""About a pixel at zoom 8 in Sweden, of tiles that are 512 wide."""
COARSE_ZOOM = 8
"""The last zoom at which the simplified country is drawn; nearer, the full resolution is."""
_LAN_ZOOM, _KOMMUN_ZOOM, _REGSO_ZOOM, _LOCALITY_ZOOM, _STREET_ZOOM, _DOOR_ZOOM = 8, 5, 10, 6, 12, 16


class Country:
    """The shipped layers, ready to draw."""

    def __init__(self, layers: Layers, gazetteer: Gazetteer) -> None:
        self._layers, self._gazetteer = layers, gazetteer

    @property
    def version(self) -> str:
        """Of the files that it is drawn from."""
        return self._layers.version

    def layer(self, name: str, z: int) -> Drawable:
        """``regso``, ``kommun`` or ``lan`` as drawn at a zoom."""
        if name == "regso":
            return self._regso if z > COARSE_ZOOM else self._coarse_regso
        if name == "kommun":
            return self._kommuner if z > COARSE_ZOOM else self._coarse_kommuner
        return self._lan

    def ground(self, z: int) -> dict[str, Drawable]:
        """What lies under everything else: outlines and names of Sweden, more of them the nearer one looks."""
        found = {"lan": self._lan} if z <= _LAN_ZOOM else {}
        if z >= _KOMMUN_ZOOM:
            found["kommun"] = self.layer("kommun", z)
        if z >= _REGSO_ZOOM:
            found["regso"] = self._regso
        if z >= _LOCALITY_ZOOM:
            found["orter"] = self._localities
        return found | {"namn": self._names}

    @cached_property
    def _simple(self) -> NDArray[np.object_]:
        """RegSO with topology kept: a second and a half for the whole country."""
        return np.asarray(shapely.coverage_simplify(self._layers.polygons, COARSE_METRES))

    @cached_property
    def _regso(self) -> Drawable:
        return Drawable(self._layers.polygons, [{"area": a.code, "name": a.name} for a in self._layers.regso])

    @cached_property
    def _coarse_regso(self) -> Drawable:
        return Drawable(self._simple, self._regso.properties)

    @cached_property
    def _kommuner(self) -> Drawable:
        return self._dissolved(self._layers.polygons, "kommun")

    @cached_property
    def _coarse_kommuner(self) -> Drawable:
        return self._dissolved(self._simple, "kommun")

    @cached_property
    def _lan(self) -> Drawable:
        return self._dissolved(self._simple, "lan")

    def _dissolved(self, polygons: NDArray[np.object_], key: str) -> Drawable:
        owners = np.array([getattr(area, key) or "" for area in self._layers.regso])
        areas = self._layers.areas(key)
        joined = [shapely.coverage_union_all(polygons[owners == area.code]) for area in areas]
        return Drawable(np.array(joined, dtype=object), [{"area": a.code, "name": a.name} for a in areas])

    @cached_property
    def _localities(self) -> Drawable:
        """Names at points; ``rank`` 0, the largest, is written first."""
        named = self._gazetteer.localities()
        points = shapely.points([(p.e, p.n) for p in named])
        return Drawable(np.asarray(points), [{"name": p.name, "rank": i} for i, p in enumerate(named)])

    @cached_property
    def _names(self) -> Drawable:
        """Where the names of areas are written, once each: a polygon that several tiles share would be named in all."""
        levels = (("lan", self._lan), ("kommun", self._coarse_kommuner), ("regso", self._coarse_regso))
        points = np.concatenate([shapely.point_on_surface(drawn.geometries) for _, drawn in levels])
        about = [{"name": p["name"], "level": level} for level, drawn in levels for p in drawn.properties]
        return Drawable(points, about)


class Municipal:
    """What a municipality loaded, ready to draw for as long as it is loaded."""

    def __init__(self) -> None:
        self._streets: WeakKeyDictionary[Register, Drawable] = WeakKeyDictionary()
        self._doors: WeakKeyDictionary[Register, Drawable] = WeakKeyDictionary()
        self._layers: WeakKeyDictionary[Version, Drawable] = WeakKeyDictionary()

    def addresses(self, register: Register, z: int) -> dict[str, Drawable]:
        """A municipality's streets, and its house numbers close up; nothing where no register is loaded."""
        if not len(register) or z < _STREET_ZOOM:
            return {}
        found = {"gator": _kept(self._streets, register, streets.lines)}
        return found | {"nummer": _kept(self._doors, register, streets.doors)} if z >= _DOOR_ZOOM else found

    def layer(self, version: Version) -> Drawable:
        """One version of one of its own layers."""
        return _kept(self._layers, version, _own)


def _own(version: Version) -> Drawable:
    return Drawable(version.geometries, [{"area": f.code, "name": f.name} for f in version.features])


def _kept(kept: WeakKeyDictionary[Thing, Drawable], thing: Thing, make: Callable[[Thing], Drawable]) -> Drawable:
    if thing not in kept:
        kept[thing] = make(thing)
    return kept[thing]
