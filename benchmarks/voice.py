"""``python -m benchmarks.voice``: the voice's three levels; a digest beside Apprise sending as many mails; a storm.

Routing decision at 5 000 subscriptions; one digest to many receivers, rendered and handed over; ten thousand changes at
once; from a serious report posted until the mail server has it, all rooms running, with what five thousand others
follow and without, in turn. About ten minutes, ``--parts serious`` for one of them; ``build/voice.json``.
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

from benchmarks.mails import sink
from benchmarks.serious import in_turn
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
PARTS = ("decision", "digest", "storm", "serious")


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


async def main() -> None:
    """The chosen parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voice")
    parser.add_argument("--receivers", type=int, default=5000)
    parser.add_argument("--rate", type=int, default=100, help="reports a second; every twentieth is serious")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    chosen = parser.parse_args()
    found: dict[str, Any] = {}
    if "decision" in chosen.parts:
        found["decision"] = decision()
        print(found, file=sys.stderr, flush=True)
    if "digest" in chosen.parts:
        async with start() as ground:
            found["digest"] = await digest(ground, chosen.receivers)
        print(found["digest"], file=sys.stderr, flush=True)
    if "storm" in chosen.parts:
        async with start() as ground:
            found["storm"] = await storm(ground, 10_000, 10)
        print(found["storm"], file=sys.stderr, flush=True)
    if "serious" in chosen.parts:
        found["serious"] = await in_turn(chosen.rate, chosen.seconds, chosen.rounds)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "voice.json").write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
