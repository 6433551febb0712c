"""What makes one JSON Schema break those who wrote or stored messages by another."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def breaking(old: Schema, new: Schema) -> list[str]:
    """Differences by which a message that was valid no longer is, or no longer says the same."""
    return list(_compare(old, new, "", old, new))


def _resolve(schema: Any, root: Schema) -> Schema:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema if isinstance(schema, dict) else {}


def _compare(old: Any, new: Any, path: str, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    yield from _kinds(old, new, path)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{path}.{name}: removed"
        else:
            yield from _compare(before[name], after[name], f"{path}.{name}", old_root, new_root)
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{path}.{name}: now required"
    for word in ("items", "additionalProperties"):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            yield from _compare(old[word], new[word], f"{path}[]", old_root, new_root)
    for number, (one, other) in enumerate(zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False)):
        yield from _compare(one, other, f"{path}|{number}", old_root, new_root)
    if len(new.get("anyOf", ())) < len(old.get("anyOf", ())):
        yield f"{path}: an alternative is gone"


def _kinds(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if old.get("type") != new.get("type"):
        yield f"{path}: type {old.get('type')} became {new.get('type')}"
    if "enum" in new and not set(old.get("enum", ())) <= set(new["enum"]):
        yield f"{path}: values {sorted(set(old.get('enum', ())) - set(new['enum']))} are gone"
    if "enum" in new and "enum" not in old:
        yield f"{path}: now an enumeration"
    for word, tighter in (
        ("maxLength", -1),
        ("maximum", -1),
        ("exclusiveMaximum", -1),
        ("minLength", 1),
        ("minimum", 1),
    ):
        if word in new and (word not in old or (new[word] - old[word]) * tighter > 0):
            yield f"{path}: {word} is tighter"
    for word in ("pattern", "format", "const"):
        if old.get(word) != new.get(word) and word in new:
            yield f"{path}: {word} changed"
