"""What the door counts beyond what every room does."""

from prometheus_client import Histogram

REPORT_DURATION = Histogram(
    "est_report_duration_seconds",
    "From the open form to the report on the phone, as the phone measured it",
    buckets=(5, 10, 15, 20, 25, 30, 45, 60, 120, 300),
)
