"""Quix Streams: the same copy, parsed and checked with pydantic; at least once, a checkpoint a second (default 5 s)."""

import json
import logging
import sys
import tempfile
import time
from typing import Any

from pydantic import TypeAdapter
from quixstreams import Application

from schemas.reports import ReportReceived

_ADAPTER = TypeAdapter(ReportReceived)


def copy(bootstrap: str, source: str, target: str, count: int) -> dict[str, float]:
    """Copy ``count`` records."""
    logging.disable(logging.CRITICAL)
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"bench-{source}",
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=tempfile.mkdtemp(prefix="quix-"),
        auto_create_topics=False,
        producer_extra_config={"acks": "all", "enable.idempotence": True, "linger.ms": 5},
        loglevel=None,
    )
    begun: list[tuple[float, float]] = []

    def again(value: Any) -> bytes:
        if not begun:
            begun.append((time.monotonic(), time.process_time()))
        return _ADAPTER.validate_json(value).model_dump_json().encode()

    frame = app.dataframe(app.topic(source, value_deserializer="bytes"))
    frame = frame.apply(again)
    frame.to_topic(app.topic(target, value_serializer="bytes"))
    app.run(count=count, timeout=60)
    return {"count": count, "seconds": time.monotonic() - begun[0][0], "cpu": time.process_time() - begun[0][1]}


if __name__ == "__main__":
    servers, read, written, number = sys.argv[1:]
    print(json.dumps(copy(servers, read, written, int(number))))
