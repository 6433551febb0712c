"""Correcting: where later corrections would change a lägesbild; it stays as it was, and these say what would differ."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain import corrections, picture
from services.analysis.domain.corrections import Changed
from services.analysis.domain.periods import Period
from services.analysis.handlers.looking import active_reporters
from services.analysis.store import pictures as store
from services.analysis.store import places, signals
from services.analysis.store.pictures import Span, Version
from services.runtime.database import Database

SETTLED = timedelta(minutes=1)
"""No transaction is open as long: what changed before is all seen."""
MOST_KEPT = 256


class Correcting:
    """The use cases of corrections.

    What a whole picture would be today takes as long as a draft, so the last answers are kept until a fact changes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[tuple[str, str], tuple[datetime, list[Changed]]] = {}

    async def counts(self, kommun: str, version: Version) -> list[dict[str, Any]]:
        """Where a picture would show another count today: of the whole, its types and areas."""
        period = period_of(version.document)
        async with self._database.transaction((kommun,)) as connection:
            rows = await store.periods(connection, kommun, Span(period.first, period.last, period.days))
        return corrections.differences(version.document, rows, kommun)

    async def everything(self, kommun: str, adopted: Version) -> list[Changed]:
        """Everything that corrections made otherwise: its period written again from the facts as they are.

        As much history, and as much taken for still to come, as when it was adopted: only reports make a difference.
        """
        document, named = adopted.document, (kommun, adopted.hash)
        period = period_of(document)
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            changed = await signals.newest_change(connection, kommun)
            if changed is not None and (kept := self._kept.get(named)) is not None and kept[0] == changed:
                return kept[1]
            with_year = document["totals"]["year_before"] is not None
            read = await of_reports(connection, kommun, period, (document["periods_before"], with_year))
        as_then = replace(read, preliminary=document["preliminary"])
        fresh = await asyncio.to_thread(picture.draft, as_then, every_place=True)
        found = corrections.changes(document, fresh)
        if changed is not None and changed < datetime.now(UTC) - SETTLED:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[named] = changed, found
        return found


def year_before(period: Period) -> tuple[date, date]:
    """First and last day of the same period a year before."""
    return period.earlier(364 // period.days)


async def of_reports(connection: AsyncConnection, kommun: str, period: Period, known: tuple[int, bool]) -> picture.Read:
    """What an adopted picture is compared in with what corrections made of it; the rest is empty.

    ``known``: against how many periods the period is held, and whether anybody reported a year before.
    """
    (back, with_year), year = known, year_before(period)
    span, count = Span(period.earlier(back)[0], period.last, period.days), back + 1
    return picture.Read(
        kommun,
        period,
        count,
        rows=await store.periods(connection, kommun, span),
        active=await active_reporters(connection, kommun, span, count),
        zero_reports=await store.zero_reports(connection, kommun, period.first, period.last),
        states=await store.states(connection, kommun, period.first, period.last),
        sources=await store.sources(connection, kommun, span, count),
        year_before=await store.periods(connection, kommun, Span(*year, period.days)) if with_year else None,
        places=await places.by_period(connection, kommun, span),
    )


def period_of(document: Mapping[str, Any]) -> Period:
    """The period that a document is of."""
    first, last = (datetime.fromisoformat(document[name]).date() for name in ("first", "last"))
    return Period(document["number"], first, last, datetime.fromisoformat(document["cut_off"]))
