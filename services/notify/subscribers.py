"""Kafka in: what notify listens to."""

from schemas.topics import PERSON_ERASED, REPORT_LOCATED
from services.notify.handlers import Alerts, take_erasures
from services.runtime.boundary import Consumer


def consumers(alerts: Alerts) -> list[Consumer]:
    """notify's subscriptions, named as in the catalogue. Ledger entries: never an asynchronous commit."""
    return [
        Consumer("notify.reports", REPORT_LOCATED, alerts.take_reports),
        Consumer("notify.erasures", PERSON_ERASED, take_erasures),
    ]
