"""``python -m deploy.observability.dashboard``: writes ``grafana/lagesbild.json``; a test holds it against this file.

First row first: how old is what people see. Everything below explains it.
"""

from pathlib import Path
from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder

TARGET = Path(__file__).parent / "grafana" / "lagesbild.json"


class Panel(NamedTuple):
    """A title, what is drawn, how a line is named, and its unit in Grafana's words."""

    title: str
    expression: str
    legend: str
    unit: str


ROWS: dict[str, tuple[Panel, ...]] = {
    "How old is what people see": (
        Panel(
            "Age of messages when committed, mean",
            "sum by (consumer) (rate(est_event_age_seconds_sum[5m]))"
            " / sum by (consumer) (rate(est_event_age_seconds_count[5m]))",
            "{{consumer}}",
            "s",
        ),
        Panel("Time since a view moved", "time() - max by (view) (est_view_moved_timestamp_seconds)", "{{view}}", "s"),
    ),
    "What waits": (
        Panel("Records behind", "sum by (consumer) (est_consumer_lag_records)", "{{consumer}}", "short"),
        Panel("Outbox, unsent", "max(est_outbox_unsent_rows)", "rows", "short"),
    ),
    "What went wrong": (
        Panel(
            "Dead letters in 15 minutes",
            "sum by (consumer, reason) (increase(est_dead_letters_total[15m]))",
            "{{consumer}} {{reason}}",
            "short",
        ),
        Panel("Retries in 5 minutes", "sum by (consumer) (increase(est_retries_total[5m]))", "{{consumer}}", "short"),
        Panel(
            "Rebalances and conflicts in 10 minutes",
            "sum by (consumer) (increase(est_rebalances_total[10m]) + increase(est_position_conflicts_total[10m]))",
            "{{consumer}}",
            "short",
        ),
        Panel("Starts in 15 minutes", "changes(process_start_time_seconds[15m])", "{{instance}}", "short"),
    ),
    "How it goes": (
        Panel(
            "Records settled a second",
            "sum by (consumer, outcome) (rate(est_records_total[1m]))",
            "{{consumer}} {{outcome}}",
            "short",
        ),
        Panel(
            "Time per batch, mean",
            "sum by (consumer) (rate(est_batch_seconds_sum[5m]))"
            " / sum by (consumer) (rate(est_batch_seconds_count[5m]))",
            "{{consumer}}",
            "s",
        ),
        Panel(
            "Answers a second, by status",
            "sum by (status) (rate(est_http_request_seconds_count[1m]))",
            "{{status}}",
            "short",
        ),
        Panel("Mails in 15 minutes", "sum by (outcome) (increase(est_mails_total[15m]))", "{{outcome}}", "short"),
        Panel(
            "Messages in 15 minutes",
            "sum by (channel, outcome) (increase(est_messages_total[15m]))",
            "{{channel}} {{outcome}}",
            "short",
        ),
        Panel("The voice's queue", "est_voice_waiting", "{{what}}", "short"),
        Panel(
            "Messages that reached nobody, a day",
            "sum by (why) (increase(est_messages_lost_total[1d]))",
            "{{why}}",
            "short",
        ),
        Panel("Ways out that are not proven", "max by (channel) (est_channels_unproven)", "{{channel}}", "short"),
        Panel("Database connections in use", "est_pool_connections", "{{instance}}", "short"),
    ),
}


def build() -> str:
    """The dashboard as Grafana's JSON."""
    made = board.Dashboard("Lägesbild").uid("lagesbild").refresh("30s").time("now-6h", "now").timezone("browser")
    for title, panels in ROWS.items():
        made.with_row(board.Row(title))
        for panel in panels:
            query = prometheus.Dataquery().expr(panel.expression).legend_format(panel.legend)
            made.with_panel(
                timeseries.Panel().title(panel.title).unit(panel.unit).min(0).height(8).span(12).with_target(query)
            )
    return JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False).encode(made.build()) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(build(), "utf-8")
