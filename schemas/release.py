"""Snapshots of the contracts as JSON Schema: ``python -m schemas.release`` writes those that do not exist yet.

A snapshot is never changed after a release: a test holds the models against it and refuses a breaking difference.
"""

import json
from pathlib import Path
from typing import Any

from schemas.topics import CATALOGUE, Topic

FOLDER = Path(__file__).parent / "released"


def schema_of(topic: Topic) -> dict[str, Any]:
    """The JSON Schema that this program writes and reads on a topic."""
    return topic.model.model_json_schema(mode="validation")


def snapshot(topic: Topic) -> Path:
    """Where the released schema of the topic's current version stands."""
    return FOLDER / f"{topic.name}.v{topic.version}.json"


def main() -> None:
    """Write the missing snapshots."""
    FOLDER.mkdir(exist_ok=True)
    for topic in CATALOGUE:
        path = snapshot(topic)
        if not path.exists():
            path.write_text(json.dumps(schema_of(topic), indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
