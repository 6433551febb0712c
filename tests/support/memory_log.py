"""Kafka in memory for flow tests: the rooms' own boundaries, fed in order, with duplicates where a test wants them.

It knows offsets and keys, nothing of groups, rebalances or crashes: those are tested on a real broker only.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from schemas.topics import BY_NAME
from services.runtime.boundary import Boundary
from services.runtime.publisher import Confirmed, Outgoing


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of a consumer record that the boundary looks at."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Any


@dataclass
class MemoryLog:
    """Topics as lists of records; also the publisher that writes them."""

    topics: dict[str, list[list[Record]]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, outgoing: Sequence[Outgoing]) -> list[Confirmed]:
        """Append; the key decides the partition."""
        confirmed = []
        for message in outgoing:
            count = BY_NAME[message.topic].partitions if message.topic in BY_NAME else 1
            partitions = self.topics[message.topic]
            while len(partitions) < count:
                partitions.append([])
            number = crc32(message.key or b"") % count
            offset = len(partitions[number])
            partitions[number].append(
                Record(message.topic, number, offset, message.key, message.value, tuple(message.headers))
            )
            confirmed.append(Confirmed(number, offset))
        return confirmed

    def repeat(self, topic: str, chance: Any, share: float = 0.3) -> None:
        """Append copies of some records, as a producer that retried would."""
        for partition in self.topics[topic]:
            for record in list(partition):
                if chance.random() < share:
                    copy = Record(topic, record.partition, len(partition), record.key, record.value, record.headers)
                    partition.append(copy)

    async def drain(self, boundary: Boundary, batch: int = 7) -> None:
        """Feed everything that the boundary has not seen, in small batches."""
        async with boundary.database.transaction() as connection:
            topic = boundary.consumer.topic
            numbers = list(range(len(self.topics[topic.name])))
            await boundary.positions.create(connection, "memory", dict.fromkeys(numbers, 0))
            stored = await boundary.positions.load(connection, numbers)
        boundary.expected = {number: position.next_offset for number, position in stored.items()}
        for number in numbers:
            records = self.topics[topic.name][number]
            while boundary.expected[number] < len(records):
                start = boundary.expected[number]
                await boundary.handle(records[max(0, start - 2) : start + batch])
                assert boundary.halt.reason is None, boundary.halt.reason
