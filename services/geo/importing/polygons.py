"""A file of areas or places becomes a layer: repaired, checked for gaps and overlaps, every change counted."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from services.geo.domain import crs
from services.geo.domain.geocoding.words import plain
from services.geo.importing.addresses import stated_system
from services.geo.importing.reading import BadFile, Table
from services.geo.layers.own import AREAS
from services.geo.layers.packing import Feature

MOST_VERTICES = 5_000_000
"""All of RegSO at full resolution has 1.9 million."""
LARGEST_SHARE_OUTSIDE = 0.5
SLIVER_M2 = 1.0
"""Overlaps and gaps below this are rounding."""
_EXAMPLES = 5
_CODE_SIGNS = re.compile(r"[^0-9A-Za-zÅÄÖåäö_-]+")
_COLUMNS = {
    "code": "code kod id omradeskod desokod regsokod tatortskod objectid objektid nr nummer",
    "name": "name namn omradesnamn distrikt stadsdel benamning title tatort regsonamn beteckning layer",
    "environment": "environment miljo typ platstyp",
    "owner": "owner agare forvaltare ansvarig bolag",
}
MEANINGS = {meaning: tuple(names.split()) for meaning, names in _COLUMNS.items()}
"""Meaning → column names seen, plain and in lower case, best first."""


@dataclass
class Report:
    """What was done to the geometries, and what is odd about them; areas in square metres."""

    read: int = 0
    taken: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    repairs: list[str] = field(default_factory=list)
    joined: int = 0
    vertices: int = 0
    overlaps: int = 0
    overlap_m2: float = 0.0
    overlap_examples: list[str] = field(default_factory=list)
    gaps: int = 0
    gap_m2: float = 0.0
    outside_m2: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and for keeping beside the layer."""
        return asdict(self) | {"left_out": dict(self.left_out)}


def propose(names: Sequence[str]) -> dict[str, str]:
    """Meaning → the file's column, for those that are recognised."""
    by_name = {plain(n): n for n in names}
    return {m: by_name[known[0]] for m, wanted in MEANINGS.items() if (known := [w for w in wanted if w in by_name])}


def to_features(
    table: Table, mapping: Mapping[str, str], kind: str, own: Any | None, *, declared: str | None, name: str
) -> tuple[list[Feature], Report]:
    """The features in EPSG:3006, sorted by code, and the report.

    ``own`` is the municipality's polygon, None for a national layer. BadFile when nothing usable remains, or most of it
    lies elsewhere.
    """
    if table.shapes is None:
        raise BadFile("no_geometry", name=name)
    report = Report(read=len(table))
    report.vertices = int(shapely.get_num_coordinates(table.shapes).sum())
    if report.vertices > MOST_VERTICES:
        raise BadFile("too_many_vertices", name=name, vertices=report.vertices, limit=MOST_VERTICES)
    shapes = _in_sweref(table, declared, name)
    shapes = _polygonal(shapes, report)
    groups = _grouped(table, mapping, shapes, report)
    features = [
        Feature(code, label, shapely.union_all(parts) if len(parts) > 1 else parts[0], environment, owner)
        for code, (label, environment, owner, parts) in sorted(groups.items())
    ]
    if not features:
        raise BadFile("no_areas", name=name)
    look_over(features, kind, own, report, name)
    return features, report


def look_over(features: Sequence[Feature], kind: str, own: Any | None, report: Report, name: str) -> None:
    """Add to the report what is odd about finished features; BadFile when most of them lies elsewhere."""
    report.taken = len(features)
    if own is not None:
        _look_outside(features, own, report, name)
    if kind == AREAS:
        _look_for_overlaps(features, report)
        if own is not None:
            _look_for_gaps(features, own, report)


def _in_sweref(table: Table, declared: str | None, name: str) -> NDArray[np.object_]:
    """The geometries in EPSG:3006, two-dimensional; BadFile for a system that is unknown or cannot be right."""
    system = declared or stated_system(table.crs)
    if system is None:
        raise BadFile("crs_unknown", name=name)
    if system not in crs.KNOWN:
        raise BadFile("crs_unsupported", name=name, crs=system)
    flat = shapely.force_2d(table.shapes)
    points = shapely.get_coordinates(flat)
    if not len(points):
        raise BadFile("no_areas", name=name)
    upright = np.column_stack(crs.upright(points[:, 0], points[:, 1], system))
    inside = crs.EXTENTS[system].holds(upright[:, 0], upright[:, 1])
    if inside.mean() < 1 - LARGEST_SHARE_OUTSIDE:
        fits = crs.suggested(points[:, 0], points[:, 1])
        raise BadFile("crs_wrong", name=name, crs=system, fits=", ".join(fits) or "–")
    e, n = crs.to_sweref(upright[:, 0], upright[:, 1], system)
    return np.asarray(shapely.set_coordinates(flat.copy(), np.round(np.column_stack([e, n]), 3)))


def _polygonal(shapes: NDArray[np.object_], report: Report) -> NDArray[np.object_]:
    """The shapes as valid polygons, None for those that are no areas."""
    chosen = shapes.copy()
    for i, shape in enumerate(shapes):
        if shape is None or shapely.is_empty(shape):
            report.left_out["empty"] += 1
            chosen[i] = None
        elif not np.isfinite(shapely.get_coordinates(shape)).all():
            report.left_out["no_numbers"] += 1
            chosen[i] = None
        else:
            chosen[i] = _areal(shape if shapely.is_valid(shape) else _repaired(shape, report))
            report.left_out.update(["not_an_area"] if chosen[i] is None else [])
    return chosen


def _repaired(shape: Any, report: Report) -> Any:
    report.repaired += 1
    if len(report.repairs) < _EXAMPLES:
        report.repairs.append(str(shapely.is_valid_reason(shape))[:80])
    return shapely.make_valid(shape, method="structure", keep_collapsed=False)


def _areal(shape: Any) -> Any | None:
    """The areal parts of a valid shape as one; None for points and lines."""
    parts = [p for p in shapely.get_parts(shape) if shapely.get_dimensions(p) == 2 and not shapely.is_empty(p)]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _grouped(
    table: Table, mapping: Mapping[str, str], shapes: NDArray[np.object_], report: Report
) -> dict[str, tuple[str, str, str, list[Any]]]:
    """Code → (name, environment, owner, parts). Rows of one code are one area; a missing code is made of the name."""
    column = {meaning: table.columns[c] for meaning, c in mapping.items()}
    groups: dict[str, tuple[str, str, str, list[Any]]] = {}
    for i, shape in enumerate(shapes):
        if shape is None:
            continue
        row = {meaning: values[i] for meaning, values in column.items()}
        label = row.get("name") or row.get("code") or str(i + 1)
        code = code_of(row.get("code") or label) or code_of(str(i + 1))
        if code in groups:
            report.joined += 1
            groups[code][3].append(shape)
        else:
            groups[code] = (label[:120], row.get("environment", "")[:60], row.get("owner", "")[:120], [shape])
    return groups


def code_of(written: str) -> str:
    """A code made of what is written: letters, digits, - and _, at least two; empty when nothing remains."""
    code = _CODE_SIGNS.sub("_", written).strip("_")[:32]
    return f"0{code}" if len(code) == 1 else code


def _look_outside(features: Sequence[Feature], own: Any, report: Report, name: str) -> None:
    shapes = np.array([f.geometry for f in features], dtype=object)
    total = float(shapely.area(shapes).sum())
    outside = float(shapely.area(shapely.difference(shapes, own)).sum())
    report.outside_m2 = round(outside, 1)
    if total > 0 and outside > LARGEST_SHARE_OUTSIDE * total:
        raise BadFile("layer_elsewhere", name=name, share=round(100 * outside / total))


def _look_for_overlaps(features: Sequence[Feature], report: Report) -> None:
    """Areas that lie over each other: there the lowest code wins, as on borders."""
    shapes = np.array([f.geometry for f in features], dtype=object)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = [(a, b) for a, b in zip(left.tolist(), right.tolist(), strict=True) if a < b]
    if not pairs:
        return
    areas = shapely.area(shapely.intersection(shapes[[a for a, _ in pairs]], shapes[[b for _, b in pairs]]))
    for (a, b), size in sorted(zip(pairs, areas.tolist(), strict=True), key=lambda p: -p[1]):
        if size <= SLIVER_M2:
            break
        report.overlaps += 1
        report.overlap_m2 = round(report.overlap_m2 + size, 1)
        if len(report.overlap_examples) < _EXAMPLES:
            report.overlap_examples.append(f"{features[a].name} – {features[b].name}: {size:.0f} m²")


def _look_for_gaps(features: Sequence[Feature], own: Any, report: Report) -> None:
    """What of the municipality no area covers."""
    rest = shapely.difference(own, shapely.union_all([f.geometry for f in features]))
    sizes = [s for s in shapely.area(shapely.get_parts(rest)).tolist() if s > SLIVER_M2]
    report.gaps, report.gap_m2 = len(sizes), round(sum(sizes), 1)
