"""Metrics of the voice."""

from prometheus_client import Counter

MAILS = Counter("est_mails_total", "Attempts to hand over a mail", ["outcome"])
