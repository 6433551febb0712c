"""A file of points with names, stops, shops, schools, becomes a layer of names: what the geocoder knows beside streets.

Reports do not lie in a name, as they do in a place: it only says where a written word is. Sources: GTFS' ``stops.txt``,
extracts of OpenStreetMap, the municipality's own lists.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from services.geo.domain.geocoding.places import KINDS
from services.geo.domain.geocoding.words import folded, key_of, plain
from services.geo.importing.addresses import points_of
from services.geo.importing.polygons import MEANINGS as OF_AREAS
from services.geo.importing.polygons import Report, code_of
from services.geo.importing.reading import BadFile, Table
from services.geo.layers.packing import Feature

SAME_PLACE_M = 250.0
"""Points of one name and kind within this are one place: a stop's two sides, a station's platforms. Metres."""
NEAR_M = 2_000.0
"""How far outside the municipality a name may lie: the stop beyond the border is spoken of too. Metres."""
_COLUMNS = {
    "code": ("stop_id", "osm_id", *OF_AREAS["code"]),
    "name": ("stop_name", "hallplats", "hallplatsnamn", *OF_AREAS["name"]),
    "kind": (*"amenity shop public_transport highway railway leisure kategori".split(), *OF_AREAS["environment"]),
    "east": ("stop_lon", "lon", "longitude", "e", "ost", "easting", "x", "sweref_e"),
    "north": ("stop_lat", "lat", "latitude", "n", "nord", "northing", "y", "sweref_n"),
}
_WORDS = {
    "skola": "school", "grundskola": "school", "forskola": "preschool", "kindergarten": "preschool", "kyrka": "church",
    "place_of_worship": "church", "busshallplats": "bus_stop", "hallplats": "bus_stop", "busstation": "bus_station",
    "station": "station", "railway_station": "station", "halt": "station", "bibliotek": "library", "apotek": "pharmacy",
    "torg": "square", "marketplace": "square", "badhus": "swimming", "swimming_pool": "swimming",
    "sports_centre": "sports_hall", "sporthall": "sports_hall", "pitch": "sports", "idrottsplats": "sports",
    "fritidsgard": "youth_centre", "community_centre": "youth_centre", "sjukhus": "hospital", "clinic": "health_centre",
    "vardcentral": "health_centre", "townhall": "town_hall", "kopcentrum": "mall", "supermarket": "shop",
    "convenience": "shop", "butik": "shop", "bensinstation": "fuel", "gymnasieskola": "upper_secondary",
}  # fmt: skip
"""Words of files, plain, and the kind that they mean; a kind's own word means itself."""
_KINDS = frozenset(KINDS.values()) | frozenset(_WORDS.values())


def propose(names: Sequence[str]) -> dict[str, str]:
    """Meaning → the file's column, for those that are recognised."""
    by_name = {plain(n): n for n in names}
    return {m: by_name[known[0]] for m, wanted in _COLUMNS.items() if (known := [w for w in wanted if w in by_name])}


def kind_of(written: str) -> str:
    """The kind that a word of a file means; empty for one that nobody asks for by its common noun."""
    word = plain(written)
    return word if word in _KINDS else _WORDS.get(word, KINDS.get(folded(written), ""))


class _Row(NamedTuple):
    code: str
    name: str
    kind: str
    e: float
    n: float


def to_names(
    table: Table, mapping: Mapping[str, str], own: Any | None, *, declared: str | None, name: str
) -> tuple[list[Feature], Report]:
    """The named points in EPSG:3006, sorted by code, and what was left out; the kind is the feature's environment.

    What lies farther from ``own``, the municipality, than ``NEAR_M`` is left out: such files cover a county or more.
    BadFile when no usable row remains.
    """
    if "name" not in mapping:
        raise BadFile("no_name", name=name, columns=", ".join(table.columns))
    report = Report(read=len(table))
    e, n = points_of(table, mapping, declared, name)
    near = np.isfinite(e) & np.isfinite(n)
    if own is not None:
        reach = shapely.buffer(own, NEAR_M)
        shapely.prepare(reach)
        near[near] = shapely.contains_xy(reach, e[near], n[near])
    rows: list[_Row] = []
    stops = mapping["name"] == "stop_name"
    for i in range(len(table)):
        row = {meaning: table.columns[column][i] for meaning, column in mapping.items()}
        label = " ".join(row["name"].split())[:120]
        if why := _why_not(label, bool(np.isfinite(e[i])), bool(near[i])):
            report.left_out[why] += 1
            continue
        kind = "bus_stop" if stops else kind_of(row.get("kind", ""))
        rows.append(_Row(code_of(row.get("code") or f"{label}_{i + 1}"), label, kind, float(e[i]), float(n[i])))
    features = _joined(rows, report)
    if not features:
        raise BadFile("no_names", name=name)
    report.taken = len(features)
    return features, report


def _why_not(label: str, has_point: bool, near: bool) -> str | None:
    if not key_of(label):
        return "no_name"
    if not has_point:
        return "no_point"
    return None if near else "elsewhere"


def _joined(rows: Sequence[_Row], report: Report) -> list[Feature]:
    """One feature for the rows of one name and kind that lie together; its point is in the middle of theirs."""
    clusters: dict[tuple[str, str], list[list[_Row]]] = {}
    for row in sorted(rows):
        near = clusters.setdefault((key_of(row.name), row.kind), [])
        for cluster in near:
            if np.hypot(cluster[0].e - row.e, cluster[0].n - row.n) <= SAME_PLACE_M:
                cluster.append(row)
                report.joined += 1
                break
        else:
            near.append([row])
    taken: Counter[str] = Counter()
    features = []
    for cluster in sorted(c for near in clusters.values() for c in near):
        first = cluster[0]
        taken[first.code] += 1
        code = first.code if taken[first.code] == 1 else f"{first.code}_{taken[first.code]}"
        middle = np.mean([(r.e, r.n) for r in cluster], axis=0).round(1)
        features.append(Feature(code, first.name, shapely.Point(*middle), first.kind))
    return sorted(features, key=lambda f: f.code)
