"""The topic catalogue in flow order: the only place that names a topic, its owner, readers and size.

Key everywhere: ``kommun``. Partition counts are fixed for ever; more of them means a new topic, because the key
decides the partition and one municipality's records must stay in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from schemas.alerts import AlertAnswered
from schemas.appointments import AppointmentChanged, PersonErased
from schemas.context import ContextLocated, ContextReceived
from schemas.dead_letters import dead_letter_topic
from schemas.locations import ReportLocated
from schemas.reports import ReportReceived
from schemas.situation import SituationChanged
from schemas.values import Contract

RETENTION = timedelta(days=30)
"""At least as long as the oldest backup that may be restored: the pipe must still hold what the backup lacks."""

MAX_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """One catalogue entry. ``consumers`` are ``<room>.<name>``."""

    name: str
    model: type[Contract]
    producer: str
    consumers: tuple[str, ...]
    partitions: int = 12
    version: int = 1
    retention: timedelta = RETENTION
    max_bytes: int = MAX_BYTES


REPORT_RECEIVED = Topic("report-received", ReportReceived, "ingest", ("geo.reports",))
REPORT_LOCATED = Topic("report-located", ReportLocated, "geo", ("analysis.reports", "notify.reports"))
CONTEXT_RECEIVED = Topic("context-received", ContextReceived, "ingest", ("geo.context",), partitions=1)
CONTEXT_LOCATED = Topic("context-located", ContextLocated, "geo", ("analysis.context",), partitions=1)
APPOINTMENT_CHANGED = Topic("appointment-changed", AppointmentChanged, "ingest", ("analysis.appointments",))
PERSON_ERASED = Topic("person-erased", PersonErased, "ingest", ("geo.erasures", "notify.erasures"))
"""analysis knows reporters by tokens only, which lead nowhere once ingest has forgotten whose they were."""
SITUATION_CHANGED = Topic("situation-changed", SituationChanged, "analysis", ("notify.situations",))
ALERT_ANSWERED = Topic("alert-answered", AlertAnswered, "notify", ("analysis.answers",))

CATALOGUE: tuple[Topic, ...] = (
    REPORT_RECEIVED,
    REPORT_LOCATED,
    CONTEXT_RECEIVED,
    CONTEXT_LOCATED,
    APPOINTMENT_CHANGED,
    PERSON_ERASED,
    SITUATION_CHANGED,
    ALERT_ANSWERED,
)
BY_NAME = {topic.name: topic for topic in CATALOGUE}


@dataclass(frozen=True, slots=True)
class TopicToCreate:
    """What the topics job asks the broker for."""

    name: str
    partitions: int
    retention: timedelta
    max_bytes: int


def topics_to_create() -> Iterator[TopicToCreate]:
    """Every topic of the catalogue and one dead-letter topic per consumer.

    A dead letter carries the original record plus provenance, so its size limit is above the source's; one
    partition, kept four times as long, because a person has to look.
    """
    for topic in CATALOGUE:
        yield TopicToCreate(topic.name, topic.partitions, topic.retention, topic.max_bytes)
        for consumer in topic.consumers:
            yield TopicToCreate(dead_letter_topic(consumer), 1, topic.retention * 4, topic.max_bytes + 65_536)
