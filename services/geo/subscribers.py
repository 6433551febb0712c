"""Kafka in: what geo listens to."""

from schemas.topics import CONTEXT_RECEIVED, PERSON_ERASED, REPORT_RECEIVED
from services.geo.domain.reading import read
from services.geo.handlers.forgetting import take_erasures
from services.geo.handlers.placing import Placer
from services.runtime.boundary import Consumer


def consumers(placer: Placer) -> list[Consumer]:
    """geo's subscriptions, named as in the catalogue."""
    return [
        Consumer("geo.reports", REPORT_RECEIVED, placer.place_reports, read=read),
        Consumer("geo.context", CONTEXT_RECEIVED, placer.place_context),
        Consumer("geo.erasures", PERSON_ERASED, take_erasures),
    ]
