"""The AsyncAPI 3.1 document of the catalogue: channels, who writes and reads them, messages with headers and bodies."""

from typing import Any

from pydantic.json_schema import models_json_schema

from schemas.dead_letters import dead_letter_topic
from schemas.envelope import event_type
from schemas.topics import CATALOGUE, Topic

_HEADERS = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {"type": "string", "description": "a derived message has a derived id: a repeat has the same one"},
    "ce_source": {"type": "string"},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_partitionkey": {"type": "string", "pattern": r"^\d{4}$", "description": "the owner; also key and body"},
    "ce_correlationid": {"type": "string", "description": "one report from HTTP to the mail"},
    "ce_causationid": {"type": "string", "description": "the id of the message before"},
    "content-type": {"const": "application/json"},
}
_REQUIRED = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_partitionkey", "ce_correlationid"]


def _channel(topic: Topic) -> dict[str, Any]:
    days = topic.retention.days
    return {
        "address": topic.name,
        "description": f"Written by {topic.producer}. {topic.partitions} partitions by kommun, kept {days} days.",
        "messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions, "bindingVersion": "0.5.0"}},
    }


def _message(topic: Topic) -> dict[str, Any]:
    name = event_type(topic.name, topic.version)
    doc = (topic.model.__doc__ or "").strip().splitlines()[0]
    return {
        "name": name,
        "title": topic.model.__name__,
        "summary": doc,
        "contentType": "application/json",
        "headers": {"type": "object", "required": _REQUIRED, "properties": _HEADERS | {"ce_type": {"const": name}}},
        "payload": {"$ref": f"#/components/schemas/{topic.model.__name__}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "kommun, four digits"}, "bindingVersion": "0.5.0"}
        },
    }


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{topic.name}"}
    found: dict[str, Any] = {
        f"{topic.producer}.{topic.name}": {
            "action": "send",
            "channel": channel,
            "summary": f"{topic.producer} writes {topic.name}",
        }
    }
    for consumer in topic.consumers:
        aside = dead_letter_topic(consumer)
        summary = f"{consumer} reads {topic.name}; what it cannot read goes to {aside}"
        found[consumer] = {"action": "receive", "channel": channel, "summary": summary}
    return found


def document(release: str) -> dict[str, Any]:
    """The whole document, as plain JSON values."""
    models = [(topic.model, "validation") for topic in CATALOGUE]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]  # a literal
    operations: dict[str, Any] = {}
    for topic in CATALOGUE:
        operations |= _operations(topic)
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Lägesbild: the rooms' topics",
            "version": release,
            "description": "CloudEvents 1.0 in Kafka's binary content mode. Key, ce_partitionkey and kommun agree.",
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in CATALOGUE},
        "operations": operations,
        "components": {
            "messages": {topic.name: _message(topic) for topic in CATALOGUE},
            "schemas": schemas["$defs"],
        },
    }
