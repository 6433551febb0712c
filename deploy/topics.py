"""The topics job: makes what the catalogue names and holds what exists against it."""

import asyncio
import time

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.acls import ensure_acls
from schemas.topics import TopicToCreate, topics_to_create
from services.runtime.kafka_access import access, started


class CatalogueMismatch(Exception):
    """A topic exists with another partition count than the catalogue's, which can never be repaired in place."""


def _wanted(topic: TopicToCreate, replication: int) -> NewTopic:
    return NewTopic(
        topic.name,
        topic.partitions,
        replication,
        topic_configs={
            "retention.ms": str(int(topic.retention.total_seconds() * 1000)),
            "max.message.bytes": str(topic.max_bytes),
            "min.insync.replicas": str(max(1, replication - 1)),
        },
    )


async def ensure_topics(bootstrap: str, *, replication: int = 1, patience: float = 30.0) -> list[str]:
    """Create what is missing and return its names; settle who may do what with them.

    A broker that has just started may refuse or not yet show a topic: tried again for ``patience`` seconds.
    CatalogueMismatch when a topic has another partition count, or is still missing at the end.
    """
    async with started(AIOKafkaAdminClient(**access(bootstrap).arguments())) as admin:
        before = set(await admin.list_topics())
        deadline = time.monotonic() + patience
        while missing := await _missing(admin):
            if time.monotonic() > deadline:
                raise CatalogueMismatch(
                    f"{', '.join(t.name for t in missing)} could not be created on {access(bootstrap).servers}"
                )
            await admin.create_topics([_wanted(t, replication) for t in missing])
            await asyncio.sleep(0.2)
    await ensure_acls(bootstrap)
    return [t.name for t in topics_to_create() if t.name not in before]


async def _missing(admin: AIOKafkaAdminClient) -> list[TopicToCreate]:
    """The topics of the catalogue that the broker does not show."""
    described = await admin.describe_topics([t.name for t in topics_to_create()])
    counts = {d["topic"]: len(d["partitions"]) for d in described}
    missing = [t for t in topics_to_create() if not counts.get(t.name)]
    for topic in topics_to_create():
        if topic not in missing and counts[topic.name] != topic.partitions:
            raise CatalogueMismatch(
                f"{topic.name} has {counts[topic.name]} partitions, the catalogue says {topic.partitions}: "
                "more partitions mean a new topic"
            )
    return missing
