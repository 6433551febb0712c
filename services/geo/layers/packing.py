"""A version of a layer as GeoParquet in EPSG:3006, readable by any GIS."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from services.geo.domain.crs import SWEREF99_TM


@dataclass(frozen=True)
class Feature:
    """One area or place: its code is its identity over all versions. ``geometry`` is a polygon in EPSG:3006."""

    code: str
    name: str
    geometry: Any
    environment: str = ""
    owner: str = ""


def pack(features: Sequence[Feature]) -> bytes:
    """The features as GeoParquet, sorted by code."""
    chosen = sorted(features, key=lambda f: f.code)
    geometries = np.array([f.geometry for f in chosen], dtype=object)
    columns: dict[str, Any] = {
        name: pa.array([getattr(f, name) for f in chosen], pa.string())
        for name in ("code", "name", "environment", "owner")
    }
    columns["geometry"] = pa.array(shapely.to_wkb(geometries).tolist(), pa.binary())
    types = sorted({g.geom_type for g in geometries})
    about = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": types,
                "crs": CRS.from_user_input(SWEREF99_TM).to_json_dict(),
            }
        },
    }
    file = pa.BufferOutputStream()
    pq.write_table(pa.table(columns).replace_schema_metadata({"geo": json.dumps(about)}), file, compression="zstd")
    return bytes(file.getvalue())


def unpack(content: bytes) -> tuple[list[Feature], NDArray[np.object_]]:
    """The features in the order of their codes, and their geometries as an array."""
    # Not a BytesIO: Arrow reads that from threads that need Python, and one command in fifty then aborts at its end.
    table = pq.read_table(pa.BufferReader(content))
    geometries = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    texts = [table[name].to_pylist() for name in ("code", "name", "environment", "owner")]
    features = [
        Feature(code, name, geometry, environment, owner)
        for code, name, environment, owner, geometry in zip(*texts, geometries, strict=True)
    ]
    return features, geometries
