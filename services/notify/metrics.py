"""Metrics of the voice."""

from prometheus_client import Counter

MAILS = Counter("est_mails_total", "Attempts to hand over a mail", ["outcome"])
for _outcome in ("sent", "delayed", "failed"):
    MAILS.labels(_outcome)  # zeros from the start: Prometheus sees no increase in a counter that first appears as 1
