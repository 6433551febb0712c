"""The topics job: makes what the catalogue names and holds what exists against it."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import TopicToCreate, topics_to_create


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


async def ensure_topics(bootstrap: str, *, replication: int = 1) -> list[str]:
    """Create what is missing and return its names; CatalogueMismatch when partition counts differ."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [t for t in topics_to_create() if t.name not in existing]
        if missing:
            await admin.create_topics([_wanted(t, replication) for t in missing])
        described = await admin.describe_topics([t.name for t in topics_to_create()])
    finally:
        await admin.close()
    counts = {d["topic"]: len(d["partitions"]) for d in described}
    for topic in topics_to_create():
        if counts.get(topic.name) != topic.partitions:
            raise CatalogueMismatch(
                f"{topic.name} has {counts.get(topic.name)} partitions, the catalogue says {topic.partitions}: "
                "more partitions mean a new topic"
            )
    return [t.name for t in missing]
