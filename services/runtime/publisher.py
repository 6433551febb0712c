"""Our producer: idempotent, ``acks=all``, the key decides the partition, every confirmation awaited.

A plain aiokafka producer, since FastStream's publish cannot carry original headers (bytes) and dead letters must.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, cast

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.envelope import Envelope, event_type
from schemas.topics import Topic
from schemas.values import Contract
from services.runtime.faultpoints import reach
from services.runtime.kafka_access import access

REQUEST_TIMEOUT_MS = 600_000
"""Longer than any outage we wait out: an outage longer than it may break an idempotent producer for good."""

MANY = 20
"""From here on messages are packed into batches here instead of one by one in the client."""
_PARTITIONER = DefaultPartitioner()


class Outgoing(NamedTuple):
    """Bytes on their way to a topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Confirmed(NamedTuple):
    """Where the log keeps the record."""

    partition: int
    offset: int


def message(topic: Topic, body: Contract, envelope: Envelope) -> Outgoing:
    """A contract message ready to send; its key is the envelope's ``partitionkey``."""
    return written(topic, body.model_dump_json(), envelope)


def written(topic: Topic, body: str, envelope: Envelope) -> Outgoing:
    """The same for a contract message that is JSON already."""
    return Outgoing(topic.name, envelope.partitionkey.encode(), body.encode(), envelope.headers())


def type_of(topic: Topic) -> str:
    """The CloudEvents type that this program writes to a topic."""
    return event_type(topic.name, topic.version)


class Publisher:
    """Sends and waits. One per process; start and stop it with the process."""

    def __init__(self, bootstrap: str, *, max_request_size: int, client_id: str) -> None:
        self._arguments = {
            **access(bootstrap).arguments(),
            "client_id": client_id,
            "acks": "all",
            "enable_idempotence": True,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "linger_ms": 5,
            "max_batch_size": 524_288,
            "max_request_size": max_request_size,
        }
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; raises a KafkaError when no broker answers."""
        producer = AIOKafkaProducer(**self._arguments)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect without waiting for records that nobody confirmed."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(5):
                await producer.stop()
        except TimeoutError:
            # aiokafka would leave its sender behind, which takes a whole core until a broker answers again.
            await producer._sender.close()  # noqa: SLF001 - nothing public ends it; a test holds this
            await producer.client.close()

    async def send(self, outgoing: Sequence[Outgoing]) -> list[Confirmed]:
        """Send all and return once every one is confirmed, in order.

        One round at a time per caller: overlapping rounds could invert the order within a key during an outage.
        """
        if self._producer is None:
            await self.start()
        assert self._producer is not None  # noqa: S101 - narrows the type: start() has just set it
        if len(outgoing) >= MANY:
            return await self._send_many(self._producer, outgoing)
        futures = [
            await self._producer.send(o.topic, value=o.value, key=o.key, headers=list(o.headers)) for o in outgoing
        ]
        await reach("publisher.on_the_way")
        answers = await asyncio.gather(*futures)
        return [Confirmed(a.partition, a.offset) for a in answers]

    async def _send_many(self, producer: AIOKafkaProducer, outgoing: Sequence[Outgoing]) -> list[Confirmed]:
        """The same by whole batches per partition, which costs the client less than one message at a time."""
        partitions: dict[str, list[int]] = {}
        chosen: dict[tuple[str, bytes | None], int] = {}
        batches: dict[tuple[str, int], list[tuple[BatchBuilder, list[int]]]] = {}
        for index, message in enumerate(outgoing):
            if message.topic not in partitions:
                partitions[message.topic] = sorted(await producer.partitions_for(message.topic))
            every = partitions[message.topic]
            partition = chosen.get((message.topic, message.key))
            if partition is None or message.key is None:
                partition = chosen[message.topic, message.key] = _PARTITIONER(message.key, every, every)
            target = (message.topic, partition)
            made = batches.setdefault(target, [])
            headers = list(message.headers)
            if not made or _append(made[-1][0], message, headers) is None:
                made.append((producer.create_batch(), []))
                _append(made[-1][0], message, headers)  # the first always fits; the broker judges its size
            made[-1][1].append(index)
        sent = []
        for (topic, partition), made in batches.items():
            for builder, indices in made:
                sent.append((await producer.send_batch(builder, topic, partition=partition), partition, indices))
        await reach("publisher.on_the_way")
        confirmed: dict[int, Confirmed] = {}
        answers = await asyncio.gather(*(future for future, _, _ in sent))
        for answer, (_, partition, indices) in zip(answers, sent, strict=True):
            confirmed |= {index: Confirmed(partition, answer.offset + i) for i, index in enumerate(indices)}
        return [confirmed[index] for index in range(len(outgoing))]


def _append(builder: BatchBuilder, message: Outgoing, headers: list[tuple[str, bytes | None]]) -> object | None:
    return cast("object | None", builder.append(key=message.key, value=message.value, timestamp=None, headers=headers))
