"""H3 cells as shapes, for those who draw them."""

from typing import Any


def ring(cell: str) -> list[tuple[float, float]]:
    """A cell's corners in WGS84, longitude first."""
    import h3  # only the maps need it

    return [(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]


def outline(cell: str) -> dict[str, Any]:
    """A cell as a GeoJSON polygon."""
    corners = ring(cell)
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
