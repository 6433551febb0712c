"""Metrics that every room has, named ``est_<noun>_<unit>``; no ids or addresses as labels."""

from prometheus_client import Counter, Gauge, Histogram

EVENT_AGE = Histogram(
    "est_event_age_seconds",
    "Age of the oldest message of a batch, from its CloudEvents time, when this consumer has committed it",
    ["consumer"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600, 86_400),
)
RECORDS = Counter("est_records_total", "Records settled", ["consumer", "outcome"])
BATCHES = Histogram("est_batch_seconds", "Time to settle one batch", ["consumer"])
LAST_COMMIT = Gauge("est_projection_last_event_timestamp_seconds", "Unix time of the last commit", ["consumer"])
RETRIES = Counter("est_retries_total", "Transient failures retried in place", ["consumer"])
CONFLICTS = Counter(
    "est_position_conflicts_total", "Batches rolled back because another owner was faster", ["consumer"]
)
DEAD_LETTERS = Counter("est_dead_letters_total", "Records sent to the dead-letter topic", ["consumer", "reason"])
REBALANCES = Counter("est_rebalances_total", "Partition assignments", ["consumer"])
COMMIT_FAILURES = Counter(
    "est_telemetry_commit_failures_total", "Kafka offset commits that failed (telemetry)", ["consumer"]
)
LAG = Gauge("est_consumer_lag_records", "Records in the log that this process has yet to apply", ["consumer"])
POOL = Gauge("est_pool_connections", "Database connections in use")
POOL_LIMIT = Gauge("est_pool_connections_limit", "Database connections that the pool may open")
READY = Gauge("est_ready", "1 when nothing is amiss with this working process (/readyz)", ["room"])
HALTED = Gauge("est_halted", "1 when this process has halted on purpose")
OUTBOX_DEPTH = Gauge("est_outbox_unsent_rows", "Outbox rows not yet confirmed by Kafka")
OUTBOX_SENT = Counter("est_outbox_sent_total", "Outbox rows confirmed by Kafka")
TASK_FAILURES = Counter("est_task_failures_total", "Runs of a scheduled task that failed for a municipality", ["task"])
TASK_LOOKED = Gauge(
    "est_task_last_look_timestamp_seconds",
    "Unix time when a task's due runs were last done, or the process began to look",
    ["task"],
)
READ_LOG_BROKEN = Gauge("est_read_log_broken", "Municipalities whose read log is not what it was")
HTTP_REQUESTS = Histogram("est_http_request_seconds", "HTTP requests", ["method", "route", "status"])
