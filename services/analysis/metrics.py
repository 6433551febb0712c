"""Metrics of the picture."""

from prometheus_client import Gauge

VIEW_MOVED = Gauge("est_view_moved_timestamp_seconds", "Unix time at which a view last took a change", ["view"])
