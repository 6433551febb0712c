"""``python -m tests.support.recording``: an evening with faults, recorded from a real instance for promtool.

Every process is scraped as Prometheus would, while reports come in and things break one after the other. What the rules
read of it goes to ``deploy/observability/recorded.test.yml`` with the alarms that the evening must and must not give.
Takes as long as the evening; run it again when the rules or the metrics change.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import servers
from deploy.local.up import PROCESSES
from schemas.topics import REPORT_RECEIVED
from services.runtime.kafka_access import access
from tests.support.ground import Ground, start_ground
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, follower, reports, start_instance

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
EVERY = 15.0
"""Seconds between scrapes, as in prometheus.yml."""
MINUTES, MAILS_FROM = 24, 13
MOMENTS = ("process_start_time_seconds", "est_projection_last_event_timestamp_seconds")
"""Metrics whose value is a time: promtool's clock begins at 0, so theirs must too."""
RULES = {r["alert"]: r for g in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for r in g["rules"]}

# (minute, alarm, labels and summary of those that burn then)
EXPECTED: list[tuple[int, str, list[tuple[dict[str, str], str]]]] = [
    *((1, alarm, []) for alarm in RULES),
    (5, "OutboxIsNotSent", []),
    (
        13,
        "OutboxIsNotSent",
        [
            (
                {"instance": "ingest-work", "job": "lagesbild"},
                "accepted reports have waited more than five minutes for Kafka",
            )
        ],
    ),
    (23, "OutboxIsNotSent", []),
    (13, "DeadLetters", []),
    (
        16,
        "DeadLetters",
        [({"consumer": "geo.reports", "reason": "envelope"}, "geo.reports has put records aside: envelope")],
    ),
    (15, "ProcessKeepsRestarting", []),
    (
        18,
        "ProcessKeepsRestarting",
        [
            (
                {"instance": "geo-work", "job": "lagesbild"},
                "geo-work has started more than twice in a quarter of an hour",
            )
        ],
    ),
    (14, "MailsAreNotTaken", []),
    (23, "MailsAreNotTaken", [({}, "the mail server takes nothing")]),
    *((minute, "PartitionsMoveAllTheTime", []) for minute in (10, 14, 23)),
]


def _read_by_rules() -> set[str]:
    return set(re.findall(r"est_[a-z_]+|process_start_time_seconds", " ".join(r["expr"] for r in RULES.values())))


class Recorder:
    """What each process has said at each scrape."""

    def __init__(self, instance: Instance) -> None:
        self._urls = {
            f"{room}-{process}": instance.ground.layout.url(f"{room}_{process}") + "/metrics"
            for room, process in PROCESSES
        }
        self._names = _read_by_rules()
        self.began = time.time()
        self.series: dict[str, list[str]] = {}
        self.scrapes = 0

    async def run(self) -> None:
        """Scrape until cancelled; a process that does not answer leaves a gap, as with Prometheus."""
        async with asking(timeout=5) as http:
            while True:
                await asyncio.sleep(max(0.0, self.began + self.scrapes * EVERY - time.time()))
                await asyncio.gather(*(self._scrape(http, name, url) for name, url in self._urls.items()))
                self.scrapes += 1

    async def _scrape(self, http: httpx.AsyncClient, name: str, url: str) -> None:
        own = {"instance": name, "job": "lagesbild"}
        try:
            text = (await http.get(url)).text
        except httpx.HTTPError:
            self._add("up", own, "0")
            return
        self._add("up", own, "1")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in self._names:
                    value = sample.value - self.began if sample.name in MOMENTS and sample.value else sample.value
                    self._add(sample.name, sample.labels | own, f"{value:.6g}")

    def _add(self, name: str, labels: dict[str, str], value: str) -> None:
        key = name + "{" + ", ".join(f"{k}={json.dumps(v)}" for k, v in sorted(labels.items())) + "}"
        values = self.series.setdefault(key, [])
        values += ["_"] * (self.scrapes - len(values)) + [value]


def _compact(values: list[str]) -> str:
    """promtool's notation: a value that stays is written once."""
    runs: list[list[Any]] = []
    for value in values:
        if runs and runs[-1][0] == value:
            runs[-1][1] += 1
        else:
            runs.append([value, 0])
    return " ".join(
        f"{value}x{more}" if more and value != "_" else " ".join([value] * (more + 1)) for value, more in runs
    )


def written(recorder: Recorder) -> dict[str, Any]:
    """The evening as a file for ``promtool test rules``."""
    tests = []
    for minute, alarm, burning in EXPECTED:
        rule = RULES[alarm]
        expected = [
            {
                "exp_labels": rule["labels"] | labels,
                "exp_annotations": {"runbook": rule["annotations"]["runbook"], "summary": said},
            }
            for labels, said in burning
        ]
        tests.append({"eval_time": f"{minute}m", "alertname": alarm, "exp_alerts": expected})
    return {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": f"{EVERY:.0f}s",
                "input_series": [
                    {"series": name, "values": _compact(values)} for name, values in sorted(recorder.series.items())
                ],
                "alert_rule_test": tests,
            }
        ],
    }


async def _reports(tenant: Tenant, recorder: Recorder) -> None:
    number = 0
    async with asking(tenant.instance.url, timeout=10) as http:
        while True:
            number += 1
            serious = number % 10 == 0 and time.time() - recorder.began > MAILS_FROM * 60
            (report,) = reports(1, f"evening{number}", severity=4 if serious else 2)
            await tenant.send(http, report)
            await asyncio.sleep(1.0)


async def _poison(ground: Ground) -> None:
    producer = AIOKafkaProducer(**access(ground.kafka).arguments())
    await producer.start()
    await producer.send_and_wait(REPORT_RECEIVED.name, b"{}", key=b"1234")
    await producer.stop()


async def evening(ground: Ground, instance: Instance) -> Recorder:
    """The faults in their order; minutes from the beginning."""
    assert ground.supervisor is not None
    tenant = await instance.tenant("1234")
    await follower(tenant, min_severity=4)
    recorder = Recorder(instance)
    tasks = [asyncio.create_task(recorder.run()), asyncio.create_task(_reports(tenant, recorder))]
    kafka = ground.supervisor

    async def killed() -> None:
        instance.kill("geo work")

    steps: list[tuple[float, str, Callable[[], Awaitable[Any]]]] = [
        (1.5, "Kafka stops", lambda: kafka.stop_one("kafka")),
        (13, "Kafka is back", lambda: kafka.start(servers.kafka(ground.layout))),
        (MAILS_FROM, "the mail server is away", lambda: instance.supervisor.stop_one("mailbox")),
        (14, "a poisoned record", lambda: _poison(ground)),
        *((minute, "geo work is killed", killed) for minute in (15, 16, 17)),
    ]
    for minute, what, step in steps:
        await asyncio.sleep(max(0.0, recorder.began + minute * 60 - time.time()))
        print(f"{minute:5} min  {what}", flush=True)
        await step()
    await asyncio.sleep(max(0.0, recorder.began + MINUTES * 60 - time.time()))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return recorder


async def main() -> None:
    """Record and write."""
    async with start_ground() as ground, start_instance(ground) as instance:
        recorder = await evening(ground, instance)
    text = yaml.safe_dump(written(recorder), sort_keys=False, allow_unicode=True, width=100_000)
    (FOLDER / "recorded.test.yml").write_text(
        "# Recorded by python -m tests.support.recording; promtool test rules recorded.test.yml.\n" + text
    )


if __name__ == "__main__":
    asyncio.run(main())
