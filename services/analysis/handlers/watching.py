"""Watching: every week what is unusual becomes cases, every night corrections become revisions; told to notify.

Reads and computes first, then writes run, cases and messages in one transaction (``runtime.schedule``): done once per
municipality and week, whoever does it and however often it was interrupted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import case_documents as documents
from services.analysis.domain import signals
from services.analysis.domain.cases import Move, follow
from services.analysis.domain.exposure import MEMORY_DAYS, looking
from services.analysis.domain.preliminary import HISTORY, missing_share
from services.analysis.domain.series import Series, SeriesKey, build, mondays
from services.analysis.domain.signals import Finding, Ladder
from services.analysis.handlers.telling import NAMES, keep
from services.analysis.store import signals as store
from services.analysis.store.signals import Revision
from services.analysis.views import SWEDEN, monday
from services.runtime.database import Database
from services.runtime.schedule import Effect, Task, daily, weekly

LONGEST = timedelta(weeks=5 * 52 + 12)
MEMORY_WEEKS = MEMORY_DAYS // 7
AGAIN = timedelta(weeks=12)
"""Cases that ended longer ago than this are not looked at for corrections any more."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one municipality's run stands on."""

    series: Sequence[Series]
    weeks: list[date]
    data: dict[str, Any]
    layer_version: str | None


class Watching:
    """The scheduled tasks of the picture that look for what is unusual."""

    def __init__(self, database: Database, ladder: Ladder | None = None) -> None:
        self._database, self._ladder = database, ladder or Ladder()

    def tasks(self) -> list[Task]:
        """Mondays at four for the week that ended, nights at half past three for corrections; Swedish time."""
        return [
            Task("signals", weekly(0, time(4)), self.week, timedelta(weeks=4)),
            Task("corrections", daily(time(3, 30)), self.night, timedelta(days=2)),
        ]

    async def settled(self, kommun: str) -> bool:
        """Whether a municipality that was never looked at may be: not while its history is being handed in."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.settled(connection, kommun)

    async def week(self, kommun: str, due: datetime) -> Effect:
        """Seek in the ISO week that ended before ``due``."""
        week = monday(due.astimezone(SWEDEN).date()) - timedelta(weeks=1)
        read = await self._read(kommun, week)
        found = await asyncio.to_thread(signals.run, read.series, read.weeks, self._ladder)

        async def effect(connection: AsyncConnection) -> None:
            now = datetime.now(UTC)
            document = documents.run_document(week, found, self._ladder, read.data)
            data = read.data | {"run": await store.add_run(connection, kommun, week, document, now)}
            known = {str(c.case_id): c for c in await store.newest_cases(connection, kommun)}
            still = [documents.open_case(i, c.document) for i, c in known.items() if c.state != "closed"]
            age = await store.epoch(connection)
            iso = week.isocalendar()
            revisions = []
            for n, move in enumerate(follow(still, found, week), start=1):
                before = known[move.case.case_id] if move.case is not None else None
                said = self._said(move, before, week, data)
                if before is not None:
                    revisions.append(before.followed(said, state=move.state, age=age, now=now))
                else:
                    lead = move.evidence[0].key
                    case_id = uuid5(NAMES, f"{kommun}/{week}/{lead.area}/{lead.kind}")
                    number = f"{iso.year}-{iso.week:02}-{n}"
                    revisions.append(Revision.first(case_id, number, said, age=age, now=now))
            await keep(connection, kommun, revisions, read.layer_version, due)

        return effect

    def _said(self, move: Move, before: Revision | None, week: date, data: dict[str, Any]) -> dict[str, Any]:
        if before is None:
            return documents.opened(move, week, self._ladder, data)
        if move.state == "closed":
            return documents.over(before.document, week, data)
        return documents.carried_on(before.document, move, week, self._ladder, data)

    async def night(self, kommun: str, due: datetime) -> Effect:
        """Hold the newest evidence of every case against the facts of today."""
        async with self._database.transaction((kommun,)) as connection:
            cases = await store.newest_cases(connection, kommun)
            state = await store.state_of_data(connection, kommun)
        recent = [c for c in cases if c.week >= due.date() - AGAIN and not state.items() <= c.document["data"].items()]
        fresh: list[tuple[Revision, dict[str, Any]]] = []
        version = None
        weeks = {c.case_id: documents.evidence_week(c.document) for c in recent}
        for week in sorted({week for week in weeks.values() if week is not None}):
            read = await self._read(kommun, week)
            version = read.layer_version
            of_week = [c for c in recent if weeks[c.case_id] == week]
            now = await asyncio.to_thread(_again, read, of_week, self._ladder)
            fresh += [
                (case, said)
                for case in of_week
                if (said := documents.corrected(case.document, now[case.case_id], read.data)) is not None
            ]

        async def effect(connection: AsyncConnection) -> None:
            now = datetime.now(UTC)
            age = await store.epoch(connection)
            newest = {c.case_id: c.revision for c in await store.newest_cases(connection, kommun)}
            revisions = [
                c.followed(said, state=state_after(c), age=age, now=now)
                for c, said in fresh
                if newest[c.case_id] == c.revision  # else the week's run was faster, and the next night looks again
            ]
            await keep(connection, kommun, revisions, version, due)

        return effect

    async def _read(self, kommun: str, week: date) -> _Read:
        """The series up to a week, in one snapshot."""
        today = datetime.now(SWEDEN).date()
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            first_day = await store.first_day(connection, kommun)
            start = max(monday((first_day or week) + timedelta(days=6)), week - LONGEST)
            end = week + timedelta(days=6)
            rows = await store.weekly(connection, kommun, start, end)
            presence = await store.presence(connection, kommun, start - timedelta(weeks=MEMORY_WEEKS), end, days=7)
            late = await store.lateness(connection, kommun, today - timedelta(days=HISTORY), today)
            data = await store.state_of_data(connection, kommun)
            version = await store.layer_version(connection, kommun)
        data |= {"preliminary": round(missing_share(late, week, end, today), 4)}
        weeks = mondays(start, week)
        active = {
            area: {weeks[at - MEMORY_WEEKS]: n for at, n in by_week.items() if at >= MEMORY_WEEKS}
            for area, by_week in looking(presence, MEMORY_WEEKS).items()
        }
        data |= {"reporters": active.get("", {}).get(week, 0)}
        series = build(rows, active, weeks, kommun=kommun) if weeks else []
        return _Read(series, weeks, data, version)


def _again(read: _Read, cases: Sequence[Revision], ladder: Ladder) -> dict[UUID, list[Finding]]:
    """The evidence of each case as it is today; a series without reports any more is all zeros."""
    by_key = {one.key: one for one in read.series}
    nothing = (0,) * len(read.weeks)

    def assess(key: SeriesKey, span: int) -> Finding:
        return signals.assess(by_key.get(key) or Series(key, nothing, None), read.weeks, ladder, (span,))

    return {c.case_id: [assess(key, span) for key, span in documents.asked_of(c.document)] for c in cases}


def state_after(case: Revision) -> str:
    """A correction opens nothing and ends nothing."""
    return "closed" if case.state == "closed" else "changed"
