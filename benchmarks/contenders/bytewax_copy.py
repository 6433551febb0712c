"""Bytewax: the same copy, parsed and checked with pydantic; without a recovery store, so it promises nothing."""

import json
import sys
import time
from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main
from pydantic import TypeAdapter

from schemas.reports import ReportReceived

_ADAPTER = TypeAdapter(ReportReceived)


class _Done(Exception):
    pass


def copy(bootstrap: str, source: str, target: str, count: int) -> dict[str, float]:
    """Copy ``count`` records."""
    begun: list[tuple[float, float]] = []
    seen = 0
    flow = Dataflow("copy")
    stream = kop.input("in", flow, brokers=[bootstrap], topics=[source], tail=False, batch_size=500)

    def again(message: Any) -> KafkaSinkMessage[Any, Any]:
        nonlocal seen
        if not begun:
            begun.append((time.monotonic(), time.process_time()))
        seen += 1
        return KafkaSinkMessage(
            message.key, _ADAPTER.validate_json(message.value).model_dump_json().encode(), headers=message.headers
        )

    kop.output(
        "out",
        op.map("again", stream.oks, again),
        brokers=[bootstrap],
        topic=target,
        add_config={"acks": "all", "enable.idempotence": "true", "linger.ms": "5"},
    )
    run_main(flow)
    if seen != count:
        raise SystemExit(f"copied {seen} of {count}")
    return {"count": count, "seconds": time.monotonic() - begun[0][0], "cpu": time.process_time() - begun[0][1]}


if __name__ == "__main__":
    servers, read, written, number = sys.argv[1:]
    print(json.dumps(copy(servers, read, written, int(number))))
