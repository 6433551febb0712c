"""Scheduled tasks: what is due at a moment of the week or the day, per municipality, done once whoever does it.

A run is one row (task, municipality, due), written in the transaction that holds the run's effect: a process that dies
half-way has done nothing, two processes do it once. One process at a time works on a task of a municipality (an
advisory lock on a connection of its own). After a stop what was missed is caught up in order, as far back as the task
says; a task that nobody has run begins with the latest moment that was due, and not while the municipality is being
filled (``settled``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime import metrics
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

LOOK_SECONDS = 30.0
SWEDEN = ZoneInfo("Europe/Stockholm")
_LOCK = text("select pg_try_advisory_lock(hashtext(:task), hashtext(:kommun))")
_UNLOCK = text("select pg_advisory_unlock(hashtext(:task), hashtext(:kommun))")
_LAST = text("select max(due_at) from scheduled_runs where task = :task and kommun = :kommun")
_CLAIM = text("""
    insert into scheduled_runs (task, kommun, due_at, done_at) values (:task, :kommun, :due, :now)
    on conflict do nothing returning due_at""")
_log = logger(__name__)

Effect = Callable[[AsyncConnection], Awaitable[None]]
Moments = Callable[[str, datetime, datetime], Awaitable[Sequence[datetime]]]
"""(municipality, after, until) → the moments that are due in between, after excluded, in order."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to be done. ``work`` (municipality, due) reads and computes, and returns what is to be written."""

    name: str
    moments: Moments
    work: Callable[[str, datetime], Awaitable[Effect]]
    catch_up: timedelta


def daily(at: time) -> Moments:
    """Every day at this time in Sweden; at a time that the clock jumps over, as soon as it has jumped."""
    return _every(at, lambda _: True)


def weekly(weekday: int, at: time) -> Moments:
    """Every week on this day (Monday 0) at this time in Sweden."""
    return _every(at, lambda day: day.weekday() == weekday)


def _every(at: time, wanted: Callable[[date], bool]) -> Moments:
    async def moments(_kommun: str, after: datetime, until: datetime) -> list[datetime]:
        day, last = after.astimezone(SWEDEN).date(), until.astimezone(SWEDEN).date()
        found = []
        while day <= last:
            moment = datetime.combine(day, at, SWEDEN).astimezone(UTC)
            if wanted(day) and after < moment <= until:
                found.append(moment)
            day += timedelta(days=1)
        return found

    return moments


class Schedule:
    """The tasks of a room; ``kommuner`` says whose. Tests give their own clock."""

    def __init__(
        self,
        database: Database,
        tasks: Sequence[Task],
        kommuner: Callable[[], AsyncIterator[str]],
        *,
        clock: Clock = utc,
        settled: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        self._database, self._tasks, self._kommuner, self._clock = database, tasks, kommuner, clock
        self._settled = settled

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled. For ``work``."""
        for task in self._tasks:  # so that the alarm on its age has a beginning
            metrics.TASK_LOOKED.labels(task.name).set_to_current_time()
        while True:
            await self.once()
            await asyncio.sleep(LOOK_SECONDS)

    async def once(self) -> int:
        """Do what is due now; returns how many runs. A municipality whose run fails is tried again at the next look.

        Only when the database itself is away the look ends with that error: the locks' connection tells.
        """
        done = 0
        async with self._database.engine.connect() as locks:
            for task in self._tasks:
                async for kommun in self._kommuner():
                    async with _alone(locks, task, kommun) as alone:
                        done += await self._tried(task, kommun) if alone else 0
                metrics.TASK_LOOKED.labels(task.name).set_to_current_time()
        return done

    async def _tried(self, task: Task, kommun: str) -> int:
        try:
            return await self._catch_up(task, kommun)
        except Exception:  # noqa: BLE001 - one municipality's failure is counted, and the others go on
            metrics.TASK_FAILURES.labels(task.name).inc()
            _log.exception("scheduled task failed", task=task.name, kommun=kommun)
            return 0

    async def _catch_up(self, task: Task, kommun: str) -> int:
        now = self._clock()
        async with self._database.transaction((kommun,)) as connection:
            last: datetime | None = await connection.scalar(_LAST, {"task": task.name, "kommun": kommun})
        oldest = now - task.catch_up
        if last is None and self._settled is not None and not await self._settled(kommun):
            return 0
        due = await task.moments(kommun, oldest if last is None else max(last, oldest), now)
        if last is None:
            due = due[-1:]
        done = 0
        for moment in due:
            done += await self._do(task, kommun, moment)
        return done

    async def _do(self, task: Task, kommun: str, due: datetime) -> bool:
        effect = await task.work(kommun, due)
        values = {"task": task.name, "kommun": kommun, "due": due, "now": self._clock()}
        async with self._database.transaction((kommun,)) as connection:
            claimed = (await connection.execute(_CLAIM, values)).first() is not None
            if claimed:
                await effect(connection)
                await reach("schedule.before_commit")
        await reach("schedule.after_commit")
        return claimed


@asynccontextmanager
async def _alone(locks: AsyncConnection, task: Task, kommun: str) -> AsyncIterator[bool]:
    values = {"task": f"schedule {task.name}", "kommun": kommun}
    alone = bool(await locks.scalar(_LOCK, values))
    await locks.commit()  # the lock is the session's; an open transaction would hold back the vacuum
    try:
        yield alone
    finally:
        if alone:
            await locks.execute(_UNLOCK, values)
            await locks.commit()
