"""Picturing: at the cut-off the draft writes itself; people assess it and adopt it, and then nothing in it changes.

Versions and assessments are rows that are only added. Whoever writes says which text they saw: two at once cannot
overwrite each other. Adopting freezes the numbers, the names of the areas, what was written, and the PDF.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.situation import SituationChanged
from services.analysis.domain import findings, picture
from services.analysis.domain.periods import Period, Rule
from services.analysis.domain.preliminary import HISTORY, missing_share
from services.analysis.domain.selection import last_week, whole_weeks
from services.analysis.handlers.correcting import of_reports, period_of, year_before
from services.analysis.handlers.silences import silence, turns
from services.analysis.handlers.telling import NAMES, tell
from services.analysis.store import density, exposure, numbers, signals
from services.analysis.store import pictures as store
from services.analysis.store.pictures import Version, Written
from services.analysis.views import MILLION, SWEDEN
from services.runtime.database import Database
from services.runtime.minting import next_number
from services.runtime.pulse import beat
from services.runtime.schedule import Effect, Task

Printed = Callable[[dict[str, Any], str], bytes]
"""An adopted document and its hash → its PDF."""
LONGEST_TEXT = 8_000
FRESH = timedelta(days=7)
SILENT_DAYS = 14
"""A shorter silence is said of nobody, however short the periods are: a week of calm is a week of calm."""


class Overtaken(Exception):
    """Somebody else wrote meanwhile; ``written`` is what stands there now."""

    def __init__(self, written: Written | None) -> None:
        super().__init__("somebody else wrote meanwhile")
        self.written = written


class Picturing:
    """The use cases of the operativ lägesbild."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def task(self) -> Task:
        """The draft at every cut-off, by the municipality's own rule; missed ones are written later."""
        return Task("lagesbild", self._cut_offs, self._at_cut_off, timedelta(days=60))

    async def _cut_offs(self, kommun: str, after: datetime, until: datetime) -> Sequence[datetime]:
        async with self._database.transaction((kommun,)) as connection:
            rule = await store.rule(connection, kommun)
        return rule.cut_offs(after, until)

    async def _at_cut_off(self, kommun: str, due: datetime) -> Effect:
        async with self._database.transaction((kommun,)) as connection:
            rule = await store.rule(connection, kommun)
            known = await store.newest(connection, kommun)
        document = await self.written_from_facts(kommun, rule.period(due).numbered_after([v.number for v in known]))
        silences = turns(await self._said_silent(kommun, [v.number for v in known]), document["silent"])

        async def effect(connection: AsyncConnection) -> None:
            now = datetime.now(UTC)
            if await store.add(connection, kommun, (document["number"], 1, "draft"), document, now=now) is None:
                raise RuntimeError(f"there is a picture {document['number']} already")  # rolled back, tried again
            await _tell(connection, kommun, document["number"], "drafted", now=now, due=due)
            if now - due < FRESH:  # a period that is caught up long afterwards tells nobody who was silent then
                await tell(connection, [silence(kommun, turn, now) for turn in silences], due)

        return effect

    async def _said_silent(self, kommun: str, numbers: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Who was said to be silent last, the latest picture's number first.

        That is the first version of one written in time: what is written again tells nobody, nor what is caught up.
        """
        for number in numbers:
            async with self._database.transaction((kommun,)) as connection:
                first = (await store.versions(connection, kommun, number))[0]
            if first.minted_at - datetime.fromisoformat(first.document["cut_off"]) < FRESH:
                silent: Sequence[Mapping[str, Any]] = first.document["silent"]
                return silent
        return []

    async def written_from_facts(self, kommun: str, period: Period) -> dict[str, Any]:
        """The document of a period as the facts are now."""
        read = await self._read(kommun, period)
        return await asyncio.to_thread(picture.draft, read)

    async def _read(self, kommun: str, period: Period) -> picture.Read:
        today = datetime.now(SWEDEN).date()
        quiet = min(period.first, period.last - timedelta(days=SILENT_DAYS - 1))
        async with self._database.transaction((kommun,), snapshot=True) as connection:
            first_day = await signals.first_day(connection, kommun) or period.first
            back = min(findings.PERIODS, max(0, (period.first - first_day).days // period.days))
            read = await of_reports(connection, kommun, period, (back, year_before(period)[0] >= first_day))
            late = await signals.lateness(connection, kommun, today - timedelta(days=HISTORY), today)
            week = last_week(period.last)
            dense_since = week - timedelta(weeks=picture.DENSE_WEEKS - 1)
            published = partial(numbers.context_counts, connection, "type", first=period.first, last=period.last)
            context = _counted(await published(kommuner=[kommun]))
            cases = [_case(c) for c in await signals.newest_cases(connection, kommun) if _goes_on(c, period)]
            return replace(
                read,
                appointed=await exposure.appointed_at(connection, kommun, period.cut_off),
                silent=await store.silent(connection, kommun, (quiet, period.last), now=period.cut_off),
                rhythm=await store.rhythm(connection, kommun, *whole_weeks(period.last, picture.RHYTHM_WEEKS)),
                coming=await store.coming(connection, kommun, *picture.coming_span(period)),
                context=context,
                around=_counted(await published(lan=[kommun[:2]])) - context,
                cases=cases,
                preliminary=missing_share(late, period.first, period.last, today),
                data=await signals.state_of_data(connection, kommun),
                invented=await numbers.any_invented(connection, kommun),
                cells=await density.by_period(connection, kommun, "", (dense_since, picture.DENSE_WEEKS), first_day),
                cell_areas=await density.areas_of(connection, kommun, dense_since, period.last),
            )

    async def write(self, kommun: str, number: str, *, seen: int, body: dict[str, Any], by: str) -> Written:
        """Keep an assessment that was written upon revision ``seen`` (0 = upon nothing); Overtaken otherwise."""
        written = Written(seen + 1, body, by, datetime.now(UTC))
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun, number)
            known = await store.assessments(connection, kommun, number)
            if (await store.versions(connection, kommun, number))[-1].state == "adopted":
                raise Overtaken(known[-1] if known else None)
            if known and known[-1].body == body:
                return known[-1]
            newest = known[-1].revision if known else 0
            if newest != seen or not await store.write(connection, kommun, number, written):
                raise Overtaken(known[-1] if known else None)
        return written

    async def again(self, kommun: str, number: str) -> None:
        """Write the draft anew from the facts of now; an adopted picture is left alone."""
        newest = await self.newest(kommun, number)
        if newest is None or newest.state != "draft":
            return
        document = await self.written_from_facts(kommun, period_of(newest.document))
        if document == newest.document:
            return
        async with self._database.transaction((kommun,)) as connection:
            await store.add(connection, kommun, (number, newest.version + 1, "draft"), document, now=datetime.now(UTC))

    async def adopt(
        self, kommun: str, number: str, *, seen: tuple[int, int], names: Mapping[str, str], by: str, printed: Printed
    ) -> Version | None:
        """Lock the version and the assessment that were seen; an adopted one is answered as it is. Overtaken.

        ``printed`` sets the PDF, in a thread; when it fails nothing is adopted.
        """
        newest = await self.newest(kommun, number)
        if newest is None or newest.state != "draft":
            return newest
        async with self._database.transaction((kommun,)) as connection:
            known = await store.assessments(connection, kommun, number)
        if seen != (newest.version, known[-1].revision if known else 0):
            raise Overtaken(known[-1] if known else None)
        now = datetime.now(UTC)
        document = newest.document | {
            "names": dict(sorted(names.items())),
            "assessment": known[-1].body if known else {},
            "adopted_at": now.isoformat(),
            "adopted_by": by,
            "draft_hash": newest.hash,
        }
        paper = await asyncio.to_thread(printed, document, signals.sealed(document)[1])
        async with self._database.transaction((kommun,)) as connection:
            await store.lock(connection, kommun, number)
            late = await store.assessments(connection, kommun, number)
            if len(late) != len(known):  # somebody wrote while the paper was set
                raise Overtaken(late[-1])
            added = await store.add(
                connection,
                kommun,
                (number, newest.version + 1, "adopted"),
                document,
                now=now,
                pdf=(paper, sha256(paper).hexdigest()),
            )
            if added is None:
                raise Overtaken(known[-1] if known else None)
            await _tell(connection, kommun, number, "adopted", now=now)
        return await self.newest(kommun, number)

    async def newest(self, kommun: str, number: str) -> Version | None:
        """The newest version of a picture."""
        async with self._database.transaction((kommun,)) as connection:
            found = await store.versions(connection, kommun, number)
        return found[-1] if found else None

    async def rule(self, kommun: str) -> Rule:
        """When the municipality's periods end."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.rule(connection, kommun)

    async def decide(self, kommun: str, rule: Rule) -> None:
        """Change when periods end; what was written stays."""
        async with self._database.transaction((kommun,)) as connection:
            await store.put_rule(connection, kommun, rule)


def _counted(rows: Iterable[Any]) -> Counter[str]:
    """Type → published items."""
    return Counter({row.event_type: row.reports // MILLION for row in rows})


def _goes_on(case: signals.Revision, period: Period) -> bool:
    return case.state != "closed" and date.fromisoformat(case.document["since"]) <= period.last


def _case(case: signals.Revision) -> dict[str, Any]:
    lead = case.document["evidence"][0]
    return {
        "number": case.number,
        "area": lead["area"],
        "kind": lead["kind"],
        "since": case.document["since"],
        "observed": lead["observed"],
        "expected": lead["expected"],
    }


async def _tell(
    connection: AsyncConnection, kommun: str, number: str, state: str, *, now: datetime, due: datetime | None = None
) -> None:
    """Tell notify and open pages, in the version's own transaction."""
    situation: UUID = uuid5(NAMES, f"{kommun}/lagesbild/{number}")
    age = await signals.epoch(connection)
    revision = next_number(None, age) + (1 if state == "adopted" else 0)
    event = SituationChanged.model_validate(
        {
            "kommun": kommun,
            "situation_id": situation,
            "revision": revision,
            "kind": "lagesbild",
            "state": state,
            "number": number,
            "minted_at": now,
        }
    )
    await tell(connection, [event], due)
    await beat(connection, [kommun])
