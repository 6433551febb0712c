"""Kafka in: what notify listens to."""

from schemas.topics import PERSON_ERASED, REPORT_LOCATED, SITUATION_CHANGED
from services.notify.handlers.entering import take_erasures, take_reports, take_situations
from services.runtime.boundary import Consumer


def consumers() -> list[Consumer]:
    """notify's subscriptions, named as in the catalogue. Ledger entries: never an asynchronous commit."""
    return [
        Consumer("notify.reports", REPORT_LOCATED, take_reports),
        Consumer("notify.situations", SITUATION_CHANGED, take_situations),
        Consumer("notify.erasures", PERSON_ERASED, take_erasures),
    ]
