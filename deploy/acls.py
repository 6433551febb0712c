"""Who may do what on the broker: each room writes its own topics and dead letters, and reads what it consumes.

aiokafka's admin client cannot make ACLs, so this one place uses confluent-kafka's.
"""

import asyncio
from collections.abc import Iterator

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it passes on more names than it says
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from schemas.dead_letters import dead_letter_topic
from schemas.topics import CATALOGUE
from services.runtime.kafka_access import MECHANISM, access
from services.runtime.migrations import ROOMS

Grant = tuple[str, str, str, str]
"""(room, kind of resource, its name, operation)."""


def grants() -> Iterator[Grant]:
    """What the catalogue says each room must be able to do, and no more."""
    for topic in CATALOGUE:
        for operation in ("WRITE", "DESCRIBE"):
            yield topic.producer, "TOPIC", topic.name, operation
        for consumer in topic.consumers:
            room = consumer.partition(".")[0]
            for operation in ("READ", "DESCRIBE"):
                yield room, "TOPIC", topic.name, operation
            for operation in ("WRITE", "DESCRIBE"):
                yield room, "TOPIC", dead_letter_topic(consumer), operation
            yield room, "GROUP", f"lagesbild.{consumer}", "READ"


def _binding(grant: Grant) -> AclBinding:
    room, kind, name, operation = grant
    return AclBinding(
        ResourceType[kind],
        name,
        ResourcePatternType.LITERAL,
        f"User:{room}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


def _client(kafka: str) -> AdminClient:
    found = access(kafka)
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": found.servers,
        "socket.timeout.ms": "10000",
        "log_level": 3,
    }
    if found.user is not None:
        settings |= {
            "security.protocol": "SASL_SSL" if found.tls else "SASL_PLAINTEXT",
            "sasl.mechanism": MECHANISM,
            "sasl.username": found.user,
            "sasl.password": found.password or "",
        }
    return AdminClient(settings)


def _settle(kafka: str) -> int:
    client = _client(kafka)
    wanted = {_binding(grant) for grant in grants()}
    there: set[AclBinding] = set()
    for room in ROOMS:
        every = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # any name: the annotation forgets it
            ResourcePatternType.ANY,
            f"User:{room}",
            None,  # type: ignore[arg-type]  # from any host
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        there |= set(client.describe_acls(every).result(30))
    missing = list(wanted - there)
    if missing:
        for future in client.create_acls(missing).values():
            future.result(30)
    surplus = [
        AclBindingFilter(
            a.restype, a.name, a.resource_pattern_type, a.principal, a.host, a.operation, a.permission_type
        )
        for a in there - wanted
    ]
    if surplus:
        for future in client.delete_acls(surplus).values():
            future.result(30)
    return len(missing) + len(surplus)


async def ensure_acls(kafka: str) -> int:
    """Grant what is missing and take back what no longer holds; returns how many changed. Needs an operator's address.

    A broker that asks nobody for a password has none, and nothing is done.
    """
    return 0 if access(kafka).user is None else await asyncio.to_thread(_settle, kafka)
