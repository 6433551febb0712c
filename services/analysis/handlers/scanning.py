"""Scanning: every night what gathers in space and time becomes cases, and near repeats are diagnosed per type.

Reads and computes first, then writes what the night found, the cases and the messages in one transaction. A gathering
that goes on is told once a week, in the same case as the weekly series of its place and kind. What corrections did to
one that was told is said in a new revision of its case.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import case_documents as documents
from services.analysis.domain import density, emerging
from services.analysis.domain.emerging import CellDay, Emerging
from services.analysis.domain.preliminary import HISTORY, missing_share
from services.analysis.handlers.telling import NAMES, keep
from services.analysis.handlers.watching import AGAIN, state_after
from services.analysis.store import density as store
from services.analysis.store import signals
from services.analysis.store.signals import Revision
from services.analysis.views import SWEDEN, monday
from services.runtime.database import Database
from services.runtime.schedule import Effect, Task, daily


class Scanning:
    """The nightly task."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def task(self) -> Task:
        """At half past two, Swedish time, for the day that ended."""
        return Task("scan", daily(time(2, 30)), self.night, timedelta(days=2))

    async def night(self, kommun: str, due: datetime) -> Effect:
        """Look at the year up to the day before ``due``."""
        last = due.astimezone(SWEDEN).date() - timedelta(days=1)
        first = last - timedelta(days=emerging.DAYS - 1)
        today = datetime.now(SWEDEN).date()
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            rows = await store.cell_days(connection, kommun, first, last)
            points = await store.points(connection, kommun, first, last)
            late = await signals.lateness(connection, kommun, today - timedelta(days=HISTORY), today)
            data = await signals.state_of_data(connection, kommun)
            version = await signals.layer_version(connection, kommun)
            cases = [c for c in await signals.newest_cases(connection, kommun) if c.week >= due.date() - AGAIN]
        found, groups = await asyncio.to_thread(emerging.look, rows, last)
        counted = await asyncio.to_thread(_counted_again, rows, cases)
        near = await asyncio.to_thread(density.near_repeats, points)
        data |= {"preliminary": round(missing_share(late, last - timedelta(days=27), last, today), 4)}
        document = {
            "day": last.isoformat(),
            **emerging.parameters(),
            "groups": groups,
            "gatherings": [one.document() for one in found],
            "near_repeats": near,
            "data": data,
        }

        async def effect(connection: AsyncConnection) -> None:
            now = datetime.now(UTC)
            run = await store.add_night(connection, kommun, last, document, now)
            known = await signals.newest_cases(connection, kommun)
            age = await signals.epoch(connection)
            told = [one for one in found if one.signal]
            said = (data | {"run": run}, age, now)
            moves = _moves(kommun, known, told, last, said)
            moves += _corrected([c for c in known if c.case_id not in {m.case_id for m in moves}], counted, said)
            await keep(connection, kommun, moves, version, due)

        return effect


def _counted_again(rows: Sequence[CellDay], cases: Sequence[Revision]) -> dict[tuple[UUID, int], int]:
    """(case, revision) → the reports of its gathering today, for those that have one."""
    return {
        (c.case_id, c.revision): emerging.counted_again(rows, evidence)
        for c in cases
        if (evidence := documents.gathering(c.document)) is not None
    }


def _corrected(
    cases: Sequence[Revision], counted: Mapping[tuple[UUID, int], int], said: tuple[dict[str, Any], int, datetime]
) -> list[Revision]:
    """The revisions that say what corrections did to gatherings; of a case that has moved since the next night."""
    data, age, now = said
    return [
        c.followed(document, state=state_after(c), age=age, now=now)
        for c in cases
        if (observed := counted.get((c.case_id, c.revision))) is not None
        and (document := documents.gathering_corrected(c.document, observed, data)) is not None
    ]


def _moves(
    kommun: str,
    known: Sequence[Revision],
    told: Sequence[Emerging],
    last: date,
    said: tuple[dict[str, Any], int, datetime],
) -> list[Revision]:
    """The revisions of a night: new cases, and those that go on and were not told of this week."""
    data, age, now = said
    week = monday(last)
    still = {str(c.case_id): c for c in known if c.state != "closed"}
    iso = week.isocalendar()
    prefix = f"{iso.year}-{iso.week:02}-S"
    taken = sum(c.number.startswith(prefix) for c in known)
    revisions: dict[str, Revision] = {}
    for one in told:
        ident = emerging.carried_by(one, {i: c.document for i, c in still.items()})
        if ident is None:
            case_id = uuid5(NAMES, f"{kommun}/{week}/scan/{one.kind}/{one.cells[0]}")
            if any(c.case_id == case_id for c in known):
                continue
            taken += 1
            document = _opened(one, week, data)
            fresh = Revision.first(case_id, f"{prefix}{taken}", document, age=age, now=now)
            revisions[str(case_id)] = still[str(case_id)] = fresh
        elif ident not in revisions and still[ident].document["last_alarm_week"] < week.isoformat():
            document = _carried_on(still[ident].document, one, week, data)
            revisions[ident] = still[ident].followed(document, state="changed", age=age, now=now)
    return list(revisions.values())


def _opened(one: Emerging, week: date, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "reason": "signal",
        "lead": [one.area, one.kind],
        "series": [],
        "since": one.first.isoformat(),
        "week": week.isoformat(),
        "last_alarm_week": week.isoformat(),
        "alarm_weeks": [week.isoformat()],
        "evidence": [emerging.evidence(one)],
        "cells": list(one.cells),
        "scan": emerging.parameters(),
        "data": data,
    }


def _carried_on(before: dict[str, Any], one: Emerging, week: date, data: dict[str, Any]) -> dict[str, Any]:
    """The case's weekly evidence stays in the lead where it has some; the gathering stands beside it."""
    weekly = [e for e in before["evidence"] if e["method"] != documents.GATHERED]
    return before | {
        "reason": "signal",
        "week": week.isoformat(),
        **documents.alarmed(before, week),
        "evidence": [*weekly, emerging.evidence(one)],
        "cells": sorted({*before.get("cells", ()), *one.cells}),
        "scan": emerging.parameters(),
        "now": documents.corrections(before, gathered=False),
        "data": before["data"] | data,
    }
