"""The published contracts, checked in as they were generated: OpenAPI 3.1 per room, AsyncAPI 3.1 for the topics."""

import json
from functools import cache
from importlib import resources
from typing import Any

NAMES = ("ingest", "geo", "analysis", "notify", "asyncapi")


@cache
def document(name: str) -> dict[str, Any]:
    """One document as JSON values; KeyError for another name."""
    if name not in NAMES:
        raise KeyError(name)
    return dict(json.loads((resources.files(__name__) / f"{name}.json").read_text("utf-8")))
