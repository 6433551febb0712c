"""What every room's OpenAPI document says beyond its routes: how to come in, and that anything else is a problem."""

from typing import Any

from fastapi import FastAPI

from services.runtime.problems import MEDIA_TYPE, ProblemBody

_METHODS = ("get", "put", "post", "delete", "patch")
_BEARER = {"type": "http", "scheme": "bearer", "description": "An API key, or a token that one bought."}
_PROBLEM = {
    "description": "Anything else: a problem (RFC 9457) that says what is wrong and what to do.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
}


def media(kind: str, *, status: int = 200, schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: what it answers when that is not our JSON."""
    return {status: {"description": "The content.", "content": {kind: {"schema": schema or {"type": "string"}}}}}


OPEN: dict[str, Any] = {"security": []}
"""For a route's ``openapi_extra``: nobody has to say who they are."""
EMPTY: dict[int | str, dict[str, Any]] = {204: {"description": "Nothing lies there."}}


def describe(app: FastAPI) -> None:
    """Make the app's document say so. FastAPI's own 422 goes: it would promise a body that we do not send."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _described(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.setdefault("ProblemBody", ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}"))
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    components.setdefault("securitySchemes", {})["bearer"] = _BEARER
    document["security"] = [{"bearer": []}]
    for path in document["paths"].values():
        for operation in (path[method] for method in _METHODS if method in path):
            if operation.get("security"):  # a basic login that may stand in the form instead
                operation["security"].append({})
            answers = operation.setdefault("responses", {})
            schema = answers.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if schema.get("$ref", "").endswith("HTTPValidationError"):
                del answers["422"]
            for status in [s for s in answers if s >= "400"]:
                # A route that names its problems names FastAPI's media type beside ours.
                content = answers[status].get("content", {})
                if MEDIA_TYPE in content:
                    answers[status]["content"] = _PROBLEM["content"]
            answers["default"] = _PROBLEM
    return document
