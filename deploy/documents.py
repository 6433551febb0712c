"""``python -m deploy.documents``: writes the published contracts; a test holds what is checked in against the code."""

import importlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from deploy.local.kafka_jars import cache_dir
from schemas.asyncapi import document
from services.runtime.http import create_app
from services.runtime.migrations import ROOMS
from services.runtime.room import release

FOLDER = Path(__file__).parents[1] / "services" / "pages" / "documents"


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Name → document, as the code has it now."""
    os.environ.setdefault("LAGESBILD_DATABASE_URL", "postgresql+asyncpg://nobody@/nowhere")  # never connected to
    os.environ.setdefault("LAGESBILD_CACHE_DIR", str(cache_dir()))
    made = {room: create_app(importlib.import_module(f"services.{room}.app").build()).openapi() for room in ROOMS}
    return made | {"asyncapi": document(release())}


def text_of(found: dict[str, Any]) -> str:
    """The document as it is checked in."""
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Write all."""
    for name, found in documents().items():
        (FOLDER / f"{name}.json").write_text(text_of(found), "utf-8")


if __name__ == "__main__":
    main()
