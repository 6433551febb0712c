"""The agenda: before each meeting one message that is what the meeting goes through, as analysis tells it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.notices import NAMESPACE, Notice
from services.notify.domain.pacing import HOUR, agenda_at
from services.notify.gateways.rooms import Picture
from services.notify.store import alerts, notices, plans, queue, subscriptions
from services.pages.texts import LANGUAGE
from services.pages.writing import SWEDEN
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.schedule import Effect, Task

TELLING = frozenset({"findings", "cases", "coming"})
"""Sections that are something to tell; the others say how good the numbers are, which is news where it warns."""
ONCE = frozenset({"findings", "focus"})
"""Sections that stay as they are for a whole period, and are gone through at one meeting of it."""


class Digesting:
    """The scheduled task."""

    def __init__(self, database: Database, picture: Picture, clock: Clock = utc) -> None:
        self._database, self._picture, self._clock = database, picture, clock

    def task(self) -> Task:
        """An agenda before every meeting; after a stop the last one, if the meeting is not long ago."""
        return Task("agenda", self._moments, self.work, timedelta(hours=12))

    async def _moments(self, kommun: str, after: datetime, until: datetime) -> Sequence[datetime]:
        async with self._database.transaction((kommun,)) as connection:
            _, plan = await plans.plan(connection, kommun)
        day, last = after.astimezone(SWEDEN).date(), until.astimezone(SWEDEN).date() + timedelta(days=5)
        found = []
        while day <= last:
            moment = agenda_at(plan.meeting, day)
            if moment is not None and after < moment <= until:
                found.append(moment)
            day += timedelta(days=1)
        return found

    async def work(self, kommun: str, due: datetime) -> Effect:
        """Asked for before anything is written; analysis that is away fails the run, which is tried again."""
        async with self._database.transaction((kommun,)) as connection:
            _, plan = await plans.plan(connection, kommun)
            before = await alerts.newest_told(connection, kommun, "agenda")
            spoken = await subscriptions.languages(connection, kommun) - {LANGUAGE}
        if self._clock() >= due + max(1, plan.meeting.hours_before) * HOUR:
            return _nothing  # they have begun (where it is to come when they do: an hour ago), so it helps nobody
        said = await self._picture.newest(kommun)
        event = agenda(said, due + plan.meeting.hours_before * HOUR) | {"due": due.isoformat()}
        also = {language: await self._picture.newest(kommun, language) for language in sorted(spoken)}
        event["also"] = {language: words(there) for language, there in also.items() if there is not None}
        event = since(event, before.event if before is not None else {})

        async def enter(connection: AsyncConnection) -> None:
            if nothing(event) and (before is None or nothing(before.event)):
                return  # nothing to say is said once
            notice = agenda_notice(kommun, due, event)
            added = await notices.add(connection, [notice])
            await queue.put(connection, "route", [(n.notice_id, kommun, self._clock(), None) for n in added])

        return enter


async def _nothing(_connection: AsyncConnection) -> None:
    return


def agenda(said: dict[str, Any] | None, meeting: datetime) -> dict[str, Any]:
    """The agenda's event: when they meet, and the newest lägesbild's lines."""
    if said is None:
        return {"meeting": meeting.isoformat(), "picture": "", "path": "", "sections": []}
    return {"meeting": meeting.isoformat(), "path": f"/lagesbilder/{said['number']}"} | words(said)


def words(said: dict[str, Any]) -> dict[str, Any]:
    """What of an agenda is words: the lägesbild's name, lines under headings."""
    sections = [s for s in said["sections"] if s["key"] != "brief"]
    gone_through = [line for s in sections if s["key"] in ONCE for line in s["lines"]]
    return {"picture": said["title"], "sections": sections, "gone_through": gone_through}


def since(event: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The agenda without what an earlier meeting has gone through of the same lägesbild (``before``: the last agenda).

    What is open, what comes and how sure the numbers are stand in every agenda.
    """
    if not event["path"] or before.get("path") != event["path"]:
        return event
    spoken, heard = event.get("also") or {}, before.get("also") or {}
    also = {language: _left(there, heard.get(language) or {}) for language, there in spoken.items()}
    return _left(event, before) | {"also": also}


def _left(said: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    known = set(before.get("gone_through") or ())
    sections = [_without(s, known) if s["key"] in ONCE else s for s in said["sections"]]
    return said | {"sections": sections, "again": "gone_through" in before}


def _without(section: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    kept = [at for at, line in enumerate(section["lines"]) if line not in known]
    about = section.get("about") or []
    left = {"lines": [section["lines"][at] for at in kept]}
    return section | left | ({"about": [about[at] for at in kept]} if len(about) == len(section["lines"]) else {})


def nothing(event: dict[str, Any]) -> bool:
    """Whether an agenda has nothing new, nothing open, nothing coming, and no source that fell silent."""
    return not any(s["lines"] for s in event["sections"] if s["key"] in TELLING or s.get("warns"))


def agenda_notice(kommun: str, due: datetime, event: dict[str, Any]) -> Notice:
    """The agenda as something to tell, once per due moment."""
    ident = uuid5(NAMESPACE, f"{kommun}/agenda/{due.isoformat()}")
    return Notice(
        kommun=kommun, notice_id=ident, kind="agenda", state="adopted", subject_id=ident, areas=frozenset(),
        event_type=None, severity=None, source=None, at=due, ended=None, event=event, correlation_id=str(ident),
    )  # fmt: skip
