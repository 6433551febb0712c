"""Metrics of the picture."""

from prometheus_client import Counter, Gauge

VIEW_MOVED = Gauge("est_view_moved_timestamp_seconds", "Unix time at which a view last took a change", ["view"])
REPORTS_MISSING = Counter(
    "est_reports_missing_total", "Accepted reports that were not among the facts when the night compared"
)
