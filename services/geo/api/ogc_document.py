"""The OpenAPI 3.0 document of ``/ogc``: small and by hand, since QGIS reads 3.0 and the framework writes 3.1."""

from collections.abc import Sequence
from typing import Any


def _parameter(name: str, kind: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": {"type": kind}, "description": description}


_ITEMS = [
    {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000},
    },
    _parameter("bbox", "string", "west,south,east,north"),
    _parameter("bbox-crs", "string", "URI of the system of bbox"),
    _parameter("crs", "string", "URI of the system of the answer"),
    _parameter("datetime", "string", "a moment or an interval, RFC 3339"),
    _parameter("event_type", "string", "a code of the taxonomy, such as A1"),
]
_JSON = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
_GEOJSON = {"200": {"description": "ok", "content": {"application/geo+json": {"schema": {"type": "object"}}}}}


def _get(summary: str, answers: dict[str, Any], parameters: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": answers}}


def written(base: str, collections: Sequence[str]) -> dict[str, Any]:
    """The document for the collections that the caller may read."""
    item = [{"name": "item", "in": "path", "required": True, "schema": {"type": "string"}}]
    paths = {
        "/": _get("Landing page", _JSON),
        "/conformance": _get("Conformance classes", _JSON),
        "/collections": _get("Collections", _JSON),
    }
    for name in collections:
        paths[f"/collections/{name}"] = _get("Collection", _JSON)
        paths[f"/collections/{name}/items"] = _get("Features", _GEOJSON, _ITEMS)
        paths[f"/collections/{name}/items/{{item}}"] = _get("Feature", _GEOJSON, item)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Lägesbild", "version": "1"},
        "servers": [{"url": base}],
        "paths": paths,
    }
