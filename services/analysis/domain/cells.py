"""H3 cells as shapes, for those who draw them."""

from typing import Any


def outline(cell: str) -> dict[str, Any]:
    """A cell's outline as a GeoJSON polygon (WGS84, longitude first)."""
    import h3  # only the maps need it

    ring = [[lon, lat] for lat, lon in h3.cell_to_boundary(cell)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
