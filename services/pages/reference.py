"""The reference for developers of other systems: the published documents as one page, without other hosts."""

import json
from typing import Any

from services.pages.documents import NAMES, document

METHODS = ("get", "post", "put", "delete")


def _schema_name(schema: dict[str, Any]) -> str:
    """A short word for a schema: its name, its type, or what it may be."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_schema_name(s) for s in schema[key]))
    if schema.get("type") == "array":
        return f"[{_schema_name(schema.get('items', {}))}]"
    if "enum" in schema:
        return " | ".join(json.dumps(v) for v in schema["enum"])
    return str(schema.get("format") or schema.get("type") or schema.get("const", "any"))


def _bodies(content: dict[str, Any]) -> list[tuple[str, str]]:
    return [(media, _schema_name(found.get("schema", {}))) for media, found in content.items()]


def _call(path: str, method: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '').replace(':', '-')}",
        "method": method.upper(),
        "path": path,
        "summary": found.get("description", "").partition("\n\n")[0],
        "text": found.get("description", "").partition("\n\n")[2],
        "parameters": [
            (p["name"], p["in"], _schema_name(p["schema"]), p.get("required", False), p.get("description", ""))
            for p in found.get("parameters", [])
        ],
        "bodies": _bodies(found.get("requestBody", {}).get("content", {})),
        "answers": [
            (s, a.get("description", ""), _bodies(a.get("content", {}))) for s, a in found["responses"].items()
        ],
    }


def _schemas(name: str) -> list[tuple[str, str, list[tuple[str, str, bool, str]]]]:
    """(name, description, fields) of every schema of a document."""
    rows = []
    for title, schema in document(name)["components"].get("schemas", {}).items():
        required = set(schema.get("required", ()))
        fields = [
            (field, _schema_name(inner), field in required, inner.get("description", ""))
            for field, inner in schema.get("properties", {}).items()
        ]
        rows.append((title, schema.get("description", ""), fields))
    return rows


def reference() -> dict[str, Any]:
    """What the page shows: calls by room, topics, schemas."""
    rooms = []
    for name in NAMES:
        if name == "asyncapi":
            continue
        found = document(name)
        calls = [_call(path, m, item[m]) for path, item in found["paths"].items() for m in METHODS if m in item]
        rooms.append({"name": name, "calls": calls, "schemas": _schemas(name)})
    topics = document("asyncapi")
    channels = [
        {
            "name": name,
            "text": channel["description"],
            "message": topics["components"]["messages"][name],
            "readers": [
                key
                for key, o in topics["operations"].items()
                if o["action"] == "receive" and o["channel"]["$ref"].endswith("/" + name)
            ],
        }
        for name, channel in topics["channels"].items()
    ]
    return {"rooms": rooms, "channels": channels, "topic_schemas": _schemas("asyncapi")}
