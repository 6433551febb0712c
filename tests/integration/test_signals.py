"""Signals on a real database: a rise becomes a case that is told once, followed, corrected and ended; nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from sqlalchemy import text

from schemas.envelope import Envelope
from schemas.locations import ReportLocated
from schemas.situation import SituationChanged
from services.analysis.handlers.facts import take_reports
from services.analysis.handlers.watching import Watching
from services.analysis.store import signals as store
from services.runtime.database import Database
from services.runtime.decoding import Received
from services.runtime.schedule import Effect, Schedule, Task, daily, weekly
from tests.support.facts import as_read, located
from tests.support.instance import Instance, eventually

MONDAY = date(2031, 3, 3)
"""The week that rises: far ahead, so that the instance's own schedule has nothing to say about it."""
HISTORY = 170


def _report(kommun: str, number: int, day: date, **changes: Any) -> ReportLocated:
    when = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
    area = changes.pop("area", "R001")
    values: dict[str, Any] = {
        "kommun": kommun, "report_id": uuid5(UUID(int=int(kommun)), str(number)), "event_type": "A1",
        "time_from": when, "time_to": when, "received_at": when, "minted_at": when,
        "reporter_token": f"token-number-{number % 5}", "source": "rapportor",
    }  # fmt: skip
    return located(number, areas=(f"{kommun}{area}",), **(values | changes))


async def take(database: Database, kommun: str, facts: Sequence[ReportLocated]) -> None:
    envelope = Envelope("x", "/test", "se.lagesbild.report-located.v1", datetime.now(UTC), kommun, "c")
    for start in range(0, len(facts), 500):
        batch = [Received(as_read(f), envelope, kommun, f.model_dump_json()) for f in facts[start : start + 500]]
        async with database.transaction((kommun,)) as connection:
            await take_reports(connection, batch)


def quiet_years(kommun: str) -> list[ReportLocated]:
    dice = np.random.default_rng(4)
    found, number = [], 0
    for weeks in range(HISTORY, 0, -1):
        for _ in range(int(dice.poisson(3))):
            found.append(_report(kommun, number, MONDAY - timedelta(weeks=weeks, days=-number % 7)))
            number += 1
    return found


async def only(kommun: str) -> AsyncIterator[str]:
    yield kommun


def schedule(database: Database, kommun: str, now: datetime, tasks: Sequence[Task] | None = None) -> Schedule:
    chosen = tasks or Watching(database).tasks()
    return Schedule(database, chosen, lambda: only(kommun), clock=lambda: now)


def after(weeks: int) -> datetime:
    """A Monday noon, so many weeks after the week that rises."""
    day = MONDAY + timedelta(weeks=weeks + 1)
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


async def cases(database: Database, kommun: str) -> list[store.Revision]:
    async with database.transaction((kommun,)) as connection:
        return await store.newest_cases(connection, kommun)


async def told(instance: Instance, kommun: str) -> list[SituationChanged]:
    rows = await instance.sql(
        "select value from outbox where topic = 'situation-changed' and key = $1 order by id", kommun, room="analysis"
    )
    return [SituationChanged.model_validate_json(r["value"]) for r in rows]


async def test_a_rise_is_a_case_from_its_first_week_to_its_last(
    instance: Instance, database: Database, kommun: str
) -> None:
    await take(database, kommun, quiet_years(kommun))
    rise = [_report(kommun, 10_000 + i, MONDAY + timedelta(days=i % 7)) for i in range(18)]
    await take(database, kommun, rise)

    await asyncio.gather(*(schedule(database, kommun, after(0)).once() for _ in range(3)))
    (case,) = await cases(database, kommun)
    assert (case.state, case.week, case.number) == ("opened", MONDAY, "2031-10-1")
    lead = case.document["evidence"][0]
    assert lead["observed"] == 18
    assert lead["method"] == "bayes"
    assert 2 < lead["expected"] < 4
    assert lead["adjusted"] is not None, "five reporters, as ever"
    assert case.document["data"]["facts"] > 400
    assert {e["area"] for e in case.document["evidence"]} <= {"", f"{kommun}R001"}
    first = json.dumps(case.document, sort_keys=True)

    # A correction: six of them were one event. The night says so beside the numbers, which stay as they were.
    merged = [f.model_copy(update={"report": f.report.model_copy(update={"revision": 2, "withdrawn": True})})
              for f in rise[:6]]  # fmt: skip
    await take(database, kommun, merged)
    await schedule(database, kommun, after(0) + timedelta(days=1)).once()
    (case,) = await cases(database, kommun)
    assert (case.state, case.document["reason"]) == ("changed", "corrected")
    assert case.document["evidence"][0]["observed"] == 18
    assert {n["observed"] for n in case.document["now"]} == {12}
    await schedule(database, kommun, after(0) + timedelta(days=2)).once()
    assert (await cases(database, kommun))[0].revision == case.revision, "nothing new, nothing said"

    # Four quiet weeks end it, also when nobody ran the schedule in between.
    await schedule(database, kommun, after(4)).once()
    (case,) = await cases(database, kommun)
    assert case.state == "closed"
    async with database.transaction((kommun,)) as connection:
        kept = await store.revisions(connection, kommun, case.case_id)
        runs = (await connection.exec_driver_sql("select week from signal_runs order by week")).scalars().all()
    assert [r.state for r in kept] == ["opened", "changed", "closed"]
    assert json.dumps(kept[0].document, sort_keys=True) == first
    assert all(store.sealed(r.document)[1] == r.hash for r in kept)
    assert [w for w in runs if w >= MONDAY] == [MONDAY + timedelta(weeks=i) for i in range(5)], "caught up in order"

    messages = await told(instance, kommun)
    assert [(m.state, m.observed, m.number) for m in messages] == [
        ("opened", 18, "2031-10-1"), ("closed", 18, "2031-10-1"),
    ], "a correction is no news: the case keeps its numbers, and they would be told once more"  # fmt: skip
    assert len({m.revision for m in messages}) == 2
    again = [f.model_copy(update={"report": f.report.model_copy(update={"revision": 2, "withdrawn": True})})
             for f in rise[6:9]]  # fmt: skip
    await take(database, kommun, again)
    await schedule(database, kommun, after(4) + timedelta(days=1)).once()
    (corrected,) = await cases(database, kommun)
    assert (corrected.state, corrected.document["reason"]) == ("closed", "corrected")
    assert corrected.revision > case.revision
    assert await told(instance, kommun) == messages, "what is over is told to nobody once more"

    async def sent() -> bool:
        unsent = await instance.sql("select 1 from outbox where key = $1 and sent_at is null", kommun, room="analysis")
        return not unsent

    await eventually(sent, "the relay has told")


async def test_what_is_caught_up_after_a_restore_is_dated_when_it_was_due(
    instance: Instance, database: Database, kommun: str
) -> None:
    """The database that was lost has told of it; notify tells nobody of what is from before the restore."""
    await take(database, kommun, quiet_years(kommun))
    await take(database, kommun, [_report(kommun, 10_000 + i, MONDAY + timedelta(days=i % 7)) for i in range(18)])
    await _restored(instance, after(0) + timedelta(hours=1))
    try:
        await schedule(database, kommun, after(0) + timedelta(hours=2)).once()
        (caught_up,) = await told(instance, kommun)
        assert caught_up.minted_at <= after(0)
        await schedule(database, kommun, after(4)).once()
        (_, *later) = await told(instance, kommun)
        assert later[-1].state == "closed"
        assert abs(later[-1].minted_at - datetime.now(UTC)) < timedelta(minutes=5), "afterwards as ever"
    finally:
        await _restored(instance, None)


async def _restored(instance: Instance, at: datetime | None) -> None:
    """As ``lagesbild restore`` says it, for all municipalities."""
    owner = Database(instance.ground.database_url("postgres"), pool_size=1)
    async with owner.transaction() as connection:
        await connection.execute(text("update analysis.epoch set restored_at = :at"), {"at": at})
    await owner.close()


async def test_another_municipality_sees_nothing_of_it(database: Database, kommun: str) -> None:
    await take(database, kommun, [_report(kommun, i, MONDAY) for i in range(9)])
    await schedule(database, kommun, after(0)).once()
    for reader, seen in ((kommun, True), ("0001", False)):
        async with database.transaction((reader,)) as connection:
            assert (await store.run_of(connection, kommun, MONDAY) is not None) is seen


async def test_a_run_that_fails_is_tried_again_and_the_others_go_on(database: Database, kommun: str) -> None:
    done: list[datetime] = []
    broken = True

    async def work(_kommun: str, due: datetime) -> Effect:
        if broken:  # the server says no, as after a migration that went half-way; it is there all the same
            async with database.transaction() as connection:
                await connection.execute(text("select 1 from pg_authid"))

        async def effect(_connection: Any) -> None:
            done.append(due)

        return effect

    async def fine(_kommun: str, _due: datetime) -> Effect:
        async def effect(_connection: Any) -> None:
            done.append(datetime.max.replace(tzinfo=UTC))

        return effect

    tasks = [
        Task(f"broken {kommun}", daily(after(0).time()), work, timedelta(days=3)),
        Task(f"fine {kommun}", weekly(0, after(0).time()), fine, timedelta(weeks=1)),
    ]
    at = after(0)
    assert await schedule(database, kommun, at, tasks).once() == 1
    broken = False
    assert await schedule(database, kommun, at, tasks).once() == 1
    assert len(done) == 2
    # Ten days of standing still: what is older than the task cares for is left, the rest is caught up in order.
    assert await schedule(database, kommun, at + timedelta(days=10), tasks[:1]).once() == 3
    assert done[2:] == sorted(done[2:])
    assert await schedule(database, kommun, at + timedelta(days=10), tasks[:1]).once() == 0


async def test_moments_are_swedish_also_when_the_clock_changes() -> None:
    spring = datetime(2031, 3, 29, 12, tzinfo=UTC)
    found = await daily(datetime(2031, 1, 1, 3, 30).time())("0682", spring, spring + timedelta(days=2))  # noqa: DTZ001 - a time of day
    assert [m.isoformat() for m in found] == ["2031-03-30T01:30:00+00:00", "2031-03-31T01:30:00+00:00"]
    autumn = datetime(2031, 10, 25, 12, tzinfo=UTC)
    nights = await daily(datetime(2031, 1, 1, 2, 30).time())("0682", autumn, autumn + timedelta(days=1))  # noqa: DTZ001 - a time of day
    assert len(nights) == 1, "an hour that comes twice is one moment"
