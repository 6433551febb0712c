"""From a serious report posted until the mail server has its mail: the part of ``benchmarks.voice`` with all rooms."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.latency import key_of
from benchmarks.mails import sink
from benchmarks.servers import Ground, room, start

KOMMUN = "0682"
OTHERS = 5000
"""Subscriptions of others while a serious report passes."""
TOGETHER = 10
"""Reports per request."""


async def in_turn(rate: int, seconds: int, rounds: int) -> dict[str, Any]:
    """The same with and without others' subscriptions, so many times each: medians, and every run."""
    runs: dict[int, list[dict[str, float]]] = {0: [], OTHERS: []}
    for _ in range(rounds):
        for others, found in runs.items():
            async with start() as ground:
                found.append(await serious(ground, rate, seconds, others))
                print(others, found[-1], file=sys.stderr, flush=True)
    names = ("p50", "p95", "p99")
    return {str(n): {name: median(r[name] for r in found) for name in names} | {"runs": found}
            for n, found in runs.items()}  # fmt: skip


async def serious(ground: Ground, rate: int, seconds: int, others: int) -> dict[str, float]:
    """Seconds from posting a serious report until the mail server has its mail, at a steady rate of reports.

    ``others``: subscriptions of other people to what does not happen.
    """
    key = await key_of(ground)
    person = uuid4()
    for table, columns in (
        ("people", "(kommun, person_id, roles, seen_at) values ($1, $2, '{est_medlem}', now() + interval '1 day')"),
        (
            "contacts",
            "(kommun, person_id, email, fetched_at) values ($1, $2, 'x@exempel.invalid', now() + interval '1 day')",
        ),
    ):
        await ground.sql(f"insert into notify.{table} {columns}", KOMMUN, person)
    await ground.sql(
        "insert into notify.subscriptions (kommun, subscription_id, person_id, layer, types, min_severity)"
        " values ($1, gen_random_uuid(), $2, 'regso', '{}', 4)", KOMMUN, person,
    )  # fmt: skip
    await ground.sql(  # and what many others follow
        """insert into notify.subscriptions (kommun, subscription_id, person_id, layer, area, types, min_severity)
           select $1, gen_random_uuid(), gen_random_uuid(), 'regso', '0682R' || lpad((n % 60)::text, 3, '0'), '{E1}', 1
           from generate_series(1, $2) n""", KOMMUN, others,
    )  # fmt: skip
    posted: dict[str, float] = {}
    async with sink(ground, "serious") as mails:
        extra = {"LAGESBILD_SMTP_PORT": str(mails.port), "LAGESBILD_ROSTER_SECONDS": "86400",
                 "LAGESBILD_MOST_IN_ONE": "1", "LAGESBILD_MESSAGES_PER_HOUR": "100000"}  # fmt: skip
        rooms = [("ingest", "serve"), ("ingest", "work"), ("geo", "work"), ("notify", "work")]
        async with room(ground, *rooms, ready=True, extra=extra):
            async with httpx.AsyncClient(
                base_url=ground.layout.url("ingest_serve"), trust_env=False, timeout=30
            ) as http:
                await asyncio.gather(
                    *(_post(http, key, n, n / rate, posted) for n in range(0, rate * seconds, TOGETHER))
                )
            wanted = sum(1 for n in range(rate * seconds) if n % 20 == 0)
            until = time.monotonic() + 60
            while len(mails.taken()) < wanted and time.monotonic() < until:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.2)
        rows = await ground.sql(
            "select d.message_id, n.subject_id from notify.deliveries d join notify.notices n using (kommun, alert_id)"
            " where kommun = $1 and n.kind = 'report'", KOMMUN,
        )  # fmt: skip
        report = {r["message_id"]: str(r["subject_id"]) for r in rows}
        times = sorted(at - posted[report[ident]] for at, ident in mails.taken() if ident in report)
    cuts = quantiles(times, n=100)
    return {"rate": rate, "mails": len(times), "of": wanted, "p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


async def _post(http: httpx.AsyncClient, key: str, start: int, after: float, posted: dict[str, float]) -> None:
    """Hand in some reports together, as a property system does."""
    await asyncio.sleep(1 + after)
    reports = []
    for number in range(start, start + TOGETHER):
        point = {"x": 14.60 + (number % 97) * 0.002, "y": 57.60 + (number % 31) * 0.003, "accuracy_m": 10}
        report = {"id": f"v-{number}", "event_type": "A3", "severity": 4 if number % 20 == 0 else 2,
                  "time_from": datetime.now(UTC).isoformat(), "place": {"coordinates": point}}  # fmt: skip
        reports.append(json.dumps(report))
    at = time.monotonic()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    answer = await http.post("/v1/reports:batch", content="\n".join(reports), headers=headers)
    answer.raise_for_status()
    for line in answer.text.splitlines():
        posted[json.loads(line)["report_id"]] = at
