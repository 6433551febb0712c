"""``python -m benchmarks.voice``: the voice's three levels; a digest beside Apprise sending as many mails; a storm.

Routing decision at 5 000 subscriptions; one digest to many receivers, rendered and handed over; ten thousand changes at
once; from a serious report posted until the mail server has it, all rooms running. About seven minutes;
``build/voice.json``.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid4

import httpx

from benchmarks.latency import key_of
from benchmarks.mails import sink
from benchmarks.servers import Ground, room, start
from services.notify.domain.notices import of_report, of_situation
from services.notify.domain.plan import DEFAULT, Plan
from services.notify.domain.routing import Followers, Member, Roster, Subscription, follows, route
from services.notify.handlers.digesting import agenda_notice
from services.notify.handlers.entering import enter
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.support.facts import located
from tests.support.notices import situation

BUILD = Path(__file__).parent.parent / "build"
OTHER_PYTHON = Path(__file__).parent.parent / ".venv-bench" / "bin" / "python"
KOMMUN = "0682"
OTHERS = 5000
"""Subscriptions of others while a serious report passes."""
TOGETHER = 10
"""Reports per request."""


def decision(rounds: int = 2000) -> dict[str, float]:
    """Microseconds of one decision at 5 000 subscriptions, beside looking at every subscription."""
    chance = random.Random(1)  # noqa: S311 - invented subscriptions
    areas = [f"0682R{n:03d}" for n in range(1, 60)]
    people = [UUID(int=n + 1) for n in range(2000)]
    wanted = [
        Subscription(KOMMUN, uuid4(), chance.choice(people), "regso", None if n % 500 == 0 else chance.choice(areas),
                     tuple(chance.sample("ABCDE", chance.randint(0, 2))), chance.randint(1, 4))
        for n in range(5000)
    ]  # fmt: skip
    analyst = UUID(int=5000)
    roster = Roster({p: Member(p, frozenset({"est_medlem"})) for p in people} | {
        analyst: Member(analyst, frozenset({"analytiker"}))})  # fmt: skip
    followers = Followers(wanted)
    notices = []
    for number in range(200):
        found = of_report(located(number, areas=(chance.choice(areas),), severity=chance.randint(1, 4),
                                  event_type=chance.choice(["A1", "B1", "C4"])), "c")  # fmt: skip
        if found is not None:
            notices.append(found)
    ours, plain = [], []
    for number in range(rounds):
        notice = notices[number % len(notices)]
        began = time.perf_counter()
        route(DEFAULT, followers, roster, notice)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        [s for s in wanted if follows(s, notice)]
        plain.append(time.perf_counter() - began)
    cuts = quantiles(ours, n=100)
    return {
        "median_us": median(ours) * 1e6,
        "p99_us": cuts[98] * 1e6,
        "every_subscription_us": median(plain) * 1e6,
        "ratio": median(plain) / median(ours),
    }


async def _receivers(ground: Ground, count: int) -> None:
    """People of one municipality; the voice has to ask the door for every address."""
    await ground.sql("insert into ingest.municipalities (kommun, name, invented) values ($1, 'Nässjö', true)", KOMMUN)
    client = await ground.sql(
        """insert into ingest.clients (kommun, client_id, kind, name, source, invented)
           values ($1, gen_random_uuid(), 'person', 'Bench', 'rapportor', true) returning client_id""", KOMMUN,
    )  # fmt: skip
    await ground.sql(
        """insert into notify.people (kommun, person_id, roles, seen_at)
           select $1, gen_random_uuid(), '{est_medlem}', now() + interval '1 day' from generate_series(1, $2)""",
        KOMMUN, count,
    )  # fmt: skip
    await ground.sql(
        """insert into ingest.people (kommun, person_id, client_id, name, email, roles)
           select kommun, person_id, $2, 'Bench', 'p' || row_number() over () || '@exempel.invalid', roles
           from notify.people where kommun = $1""",
        KOMMUN, client[0]["client_id"],
    )  # fmt: skip


def agenda_event(meeting: datetime) -> dict[str, Any]:
    """A digest as long as they are."""
    lines = [
        f"Fler rapporter än väntat om klotter i område {n} (säkerställd). 11 rapporter mot väntat 4,2."
        for n in range(6)
    ]
    sections = [
        {"key": k, "title": t, "lines": lines} for k, t in (("findings", "Nytt, upp och ned"), ("cases", "Signaler"))
    ]
    return {"meeting": meeting.isoformat(), "due": (meeting - timedelta(hours=2)).isoformat(),
            "picture": "Lägesbild 2026:23", "path": "/lagesbilder/2026:23", "sections": sections}  # fmt: skip


async def digest(ground: Ground, count: int) -> dict[str, Any]:
    """Seconds from an agenda that is due until every mail is handed over, and Apprise's for the same mails."""
    await _receivers(ground, count)
    async with sink(ground, "ours") as ours:
        extra = {
            "LAGESBILD_SMTP_PORT": str(ours.port),
            "LAGESBILD_POOL_SIZE": "10",
            "LAGESBILD_ROSTER_SECONDS": "86400",
        }
        database = Database(ground.layout.database_url(work_role("notify")), pool_size=1)
        now = datetime.now(UTC)
        async with room(ground, ("ingest", "serve"), ("notify", "work"), ready=True, extra=extra):
            async with database.transaction((KOMMUN,)) as connection:
                await enter(connection, [agenda_notice(KOMMUN, now, agenda_event(now + timedelta(hours=2)))])
            await database.close()
            began = time.monotonic()
            while len(ours.taken()) < count:
                await asyncio.sleep(0.5 + count / 25_000)  # the list is read anew each time, on the same cores
                if time.monotonic() - began > 1800:
                    raise RuntimeError(f"{len(ours.taken())} of {count} after half an hour")
            seconds = ours.taken()[-1][0] - began
    states = {r["state"]: r["n"] for r in await ground.sql(
        "select state, count(*) as n from notify.deliveries where kommun = $1 group by 1", KOMMUN)}  # fmt: skip
    others = min(count, 2000)
    async with sink(ground, "apprise") as theirs:
        body = ground.layout.data / "body.html"
        body.write_text("<h1>Inför mötet</h1>" + "<p>Fler rapporter än väntat om klotter. 11 mot väntat 4,2.</p>" * 12)
        command = [
            str(OTHER_PYTHON),
            "-m",
            "benchmarks.contenders.apprise_copy",
            str(theirs.port),
            str(others),
            str(body),
        ]
        other_process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said = (await other_process.communicate())[0].decode().split()
    rate, other = count / seconds, int(said[0]) / float(said[1])
    return {"receivers": count, "seconds": seconds, "per_second": rate, "apprise_per_second": other,
            "ratio": rate / other, "for_50000_minutes": 50_000 / rate / 60, "states": states}  # fmt: skip


_STORM = """
    select count(*) as all, count(*) filter (where state = 'sent') as sent,
        count(*) filter (where state = 'due') as waiting, count(*) filter (where state = 'sending') = 0
            and not exists (select 1 from notify.due where at <= now()) as calm from notify.deliveries"""


async def storm(ground: Ground, changes: int, receivers: int) -> dict[str, Any]:
    """How many messages these changes at once are to people who hear of each: told one by one, and by us.

    Until nothing is due: what is above the cap an hour ``waiting`` goes to each receiver as one message later.
    """
    await _receivers(ground, receivers)
    never = Plan.model_validate(DEFAULT.model_dump() | {"quiet": {"begins": "00:00", "ends": "00:00"}})
    document = json.dumps(never.model_dump(mode="json", exclude_none=True))
    await ground.sql(
        "insert into notify.plans (kommun, revision, document) values ($1, 1, $2::jsonb)", KOMMUN, document
    )
    async with sink(ground, "storm") as mails:
        extra = {"LAGESBILD_SMTP_PORT": str(mails.port), "LAGESBILD_ROSTER_SECONDS": "86400"}
        database = Database(ground.layout.database_url(work_role("notify")), pool_size=1)
        async with room(ground, ("ingest", "serve"), ("notify", "work"), ready=True, extra=extra):
            began = time.monotonic()
            for first in range(0, changes, 1_000):
                now = datetime.now(UTC)
                cases = [situation(kommun=KOMMUN, situation_id=uuid4(), number=f"2026-{n}", minted_at=now)
                         for n in range(first, min(first + 1_000, changes))]  # fmt: skip
                async with database.transaction((KOMMUN,)) as connection:
                    await enter(connection, [of_situation(case, "c") for case in cases])
            entered = time.monotonic() - began
            await database.close()
            while not (row := (await ground.sql(_STORM))[0])["calm"] or row["all"] < changes * receivers:
                await asyncio.sleep(1)
                if time.monotonic() - began > 900:
                    raise RuntimeError(f"{row} after a quarter of an hour")
            seconds = time.monotonic() - began
    most = await ground.sql(
        "select count(distinct message_id) as n from notify.deliveries where state = 'sent' group by person_id"
    )
    return {"changes": changes, "receivers": receivers, "entered_seconds": entered, "seconds": seconds,
            "one_by_one": changes * receivers, "messages": len(mails.taken()), "most_to_one": max(r["n"] for r in most),
            "waiting": row["waiting"], "lost": changes * receivers - row["sent"] - row["waiting"]}  # fmt: skip


async def serious(ground: Ground, rate: int, seconds: int) -> dict[str, float]:
    """Seconds from posting a serious report until the mail server has its mail, at a steady rate of reports."""
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
           from generate_series(1, $2) n""", KOMMUN, OTHERS,
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


async def main() -> None:
    """All parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voice")
    parser.add_argument("--receivers", type=int, default=5000)
    parser.add_argument("--rate", type=int, default=100, help="reports a second; every twentieth is serious")
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    found: dict[str, Any] = {"decision": decision()}
    print(found, file=sys.stderr, flush=True)
    async with start() as ground:
        found["digest"] = await digest(ground, chosen.receivers)
    print(found["digest"], file=sys.stderr, flush=True)
    async with start() as ground:
        found["storm"] = await storm(ground, 10_000, 10)
    print(found["storm"], file=sys.stderr, flush=True)
    async with start() as ground:
        found["serious"] = await serious(ground, chosen.rate, chosen.seconds)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "voice.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
