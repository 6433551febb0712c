"""The contracts: golden messages are read by every reader, released schemas are never broken."""

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.dead_letters import dead_letter_topic
from schemas.envelope import Envelope, event_type
from schemas.release import schema_of, snapshot
from schemas.taxonomy import ZERO_REPORT, counts_as_event, current
from schemas.topics import BY_NAME, CATALOGUE, RETENTION, Topic, topics_to_create
from services.runtime.decoding import decode
from tests.contract.compatibility import breaking

EXAMPLES = sorted((Path(__file__).parents[2] / "schemas" / "examples").rglob("*.json"))


class Raw(NamedTuple):
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parts[-3]}/{p.stem}")
def test_golden_messages_are_read_and_written_back(path: Path) -> None:
    topic, stored = BY_NAME[path.parts[-3]], json.loads(path.read_text("utf-8"))
    assert path.parts[-2] == f"v{topic.version}"
    headers = [(k, v.encode()) for k, v in stored["headers"].items()]
    found = decode(Raw(stored["key"].encode(), json.dumps(stored["value"]).encode(), headers), topic)
    assert found.kommun == stored["key"]
    assert json.loads(found.message.model_dump_json(exclude_unset=True)) == stored["value"]
    assert found.envelope.headers() == headers


def test_every_topic_has_golden_messages() -> None:
    assert {p.parts[-3] for p in EXAMPLES} == set(BY_NAME)


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda t: t.name)
def test_released_schemas_are_not_broken(topic: Topic) -> None:
    released = json.loads(snapshot(topic).read_text("utf-8"))
    assert breaking(released, schema_of(topic)) == [], "a breaking change is a new version with an upcast"


def change(schema: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(schema)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        inner.pop(path[-1])
    else:
        inner[path[-1]] = value
    return changed


def test_breaking_differences_are_seen_and_harmless_ones_are_not() -> None:
    old = schema_of(BY_NAME["report-received"])
    properties = old["properties"]
    assert breaking(old, old) == []
    assert breaking(old, change(old, "properties", "new", value={"type": "string"})) == []
    assert breaking(old, change(old, "properties", "count", value=None))
    assert breaking(old, change(old, "properties", "count", "maximum", value=5))
    assert breaking(old, change(old, "properties", "event_type", "pattern", value="^A$"))
    assert breaking(old, change(old, "properties", "source", "enum", value=["tips"]))
    assert breaking(old, change(old, "required", value=[*old["required"], "count"]))
    assert breaking(old, change(old, "$defs", "Coordinates", "properties", "x", value=None))
    assert properties["source"]["enum"][0] == "rapportor"


def test_the_catalogue() -> None:
    assert len(BY_NAME) == len(CATALOGUE)
    wanted = {t.name: t for t in topics_to_create()}
    for topic in CATALOGUE:
        assert topic.retention >= RETENTION
        for consumer in topic.consumers:
            letters = wanted[dead_letter_topic(consumer)]
            assert letters.max_bytes > topic.max_bytes, "a dead letter is larger than its record"
            assert letters.retention > topic.retention


def test_nothing_in_a_message_can_hold_free_text_or_a_person() -> None:
    """Every string in every contract is bounded by a pattern, a format, an enumeration or a short length."""

    def strings(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [x for i, inner in enumerate(node) for x in strings(inner, f"{path}[{i}]")]
        if not isinstance(node, dict):
            return []
        bounded = {"pattern", "format", "enum", "const"} & set(node) or node.get("maxLength", 999) <= 300
        own = [path] if node.get("type") == "string" and not bounded else []
        return own + [x for k, inner in node.items() for x in strings(inner, f"{path}.{k}")]

    unbounded = [x for t in CATALOGUE for x in strings(schema_of(t), t.name)]
    assert unbounded == []


def test_the_taxonomy() -> None:
    taxonomy = current()
    codes = [t.code for t in taxonomy.types]
    assert len(codes) == len(set(codes))
    assert [g.code for g in taxonomy.groups] == list("ABCDEFG")
    assert all(1 <= t.severity <= 4 for t in taxonomy.types)
    assert taxonomy.type("A99") is None
    assert not counts_as_event(ZERO_REPORT)
    assert counts_as_event("A-X3")


def test_the_time_of_an_envelope_is_utc() -> None:
    local = datetime.fromisoformat("2026-11-19T13:00:00+01:00")
    envelope = Envelope("i", "/t", event_type("report-received", 1), local, "0682", "c")
    assert dict(envelope.headers())["ce_time"] == b"2026-11-19T12:00:00Z"
