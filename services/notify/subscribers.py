"""Kafka in: what notify listens to."""

from schemas.topics import REPORT_LOCATED
from services.notify.handlers import Alerts
from services.runtime.boundary import Consumer


def consumers(alerts: Alerts) -> list[Consumer]:
    """notify's subscriptions, named as in the catalogue. Ledger entries: never an asynchronous commit."""
    return [Consumer("notify.reports", REPORT_LOCATED, alerts.take_reports)]
