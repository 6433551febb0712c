"""Names that need no register: the localities of a municipality (GeoNames, CC BY 4.0) and its RegSO areas (SCB)."""

import csv
from collections import defaultdict
from importlib import resources

import numpy as np

from services.geo.domain import crs
from services.geo.domain.geocoding.places import Place
from services.geo.domain.geocoding.words import key_of
from services.geo.layers.shipped import Layers

LOCALITY_RADIUS = 1_500.0
"""Metres; a locality's point stands for the whole of it."""
CREDIT = "GeoNames, CC BY 4.0"


class Gazetteer:
    """Localities and areas by municipality, read once."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._all: list[Place] = []
        self._localities: dict[str, list[Place]] = defaultdict(list)
        file = resources.files("services.geo") / "data" / "geonames_orter_SE.csv"
        rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
        rows.sort(key=lambda r: (-int(r["population"]), r["name"]))
        lon, lat = (np.array([float(r[c]) for r in rows]) for c in ("longitude", "latitude"))
        for row, e, n in zip(rows, *crs.to_sweref(lon, lat, crs.WGS84), strict=True):
            place = Place(
                row["name"], "locality", round(float(e), 1), round(float(n), 1), LOCALITY_RADIUS, "geonames", ""
            )
            self._localities[row["kommunkod"]].append(place)
            self._all.append(place)
        self._keys = {key_of(p.name) for places in self._localities.values() for p in places}

    def elsewhere(self, kommun: str) -> frozenset[str]:
        """The folded names of localities that only other municipalities have."""
        own = {key_of(p.name) for p in self._localities.get(kommun, ())}
        return frozenset(self._keys) - own

    def localities(self) -> list[Place]:
        """All of Sweden's, the largest first."""
        return list(self._all)

    def places(self, kommun: str) -> list[Place]:
        """The localities, and the areas whose name no other area of the municipality has."""
        areas = self._layers.areas("regso", kommun)
        names = [a.name for a in areas]
        points = self._layers.inner_points([a.code for a in areas])
        return [
            *self._localities.get(kommun, ()),
            *(
                Place(a.name, "area", e, n, radius, "scb", self._layers.version, area=a.code)
                for a, (e, n, radius) in zip(areas, points, strict=True)
                if names.count(a.name) == 1
            ),
        ]
