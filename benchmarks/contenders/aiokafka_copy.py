"""aiokafka alone: ``getmany`` of at most 500, parse and check with pydantic, ``send``, gather, commit.

With ``--bytes`` as a fifth argument it does not look at the records at all: the ceiling of this client.
"""

import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import TypeAdapter

from schemas.reports import ReportReceived

_ADAPTER = TypeAdapter(ReportReceived)


async def copy(bootstrap: str, source: str, target: str, count: int, *, look: bool) -> dict[str, float]:
    """Copy ``count`` records; at least once, one commit per batch."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap,
        group_id=f"bench-{source}-{look}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=2_097_152,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=524_288
    )
    await consumer.start()
    await producer.start()
    copied, begun, cpu = 0, 0.0, 0.0
    try:
        while copied < count:
            batches = await consumer.getmany(timeout_ms=100, max_records=500)
            if batches and not begun:
                begun, cpu = time.monotonic(), time.process_time()
            sent = []
            for records in batches.values():
                for record in records:
                    value = record.value
                    if look:
                        value = _ADAPTER.validate_json(value).model_dump_json().encode()
                    sent.append(await producer.send(target, value, key=record.key, headers=list(record.headers)))
            await asyncio.gather(*sent)
            if sent:
                await consumer.commit()
            copied += len(sent)
        return {"count": copied, "seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    finally:
        await producer.stop()
        await consumer.stop()


if __name__ == "__main__":
    servers, read, written, number, *flags = sys.argv[1:]
    print(json.dumps(asyncio.run(copy(servers, read, written, int(number), look="--bytes" not in flags))))
