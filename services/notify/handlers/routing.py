"""From notices to messages: which alert a notice belongs to, who hears of it, how and when.

A standing job. A notice is routed in one transaction with what it causes; a process that dies half-way has routed
nothing, and the notice comes back by its lease.
"""

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.locations import ReportLocated
from schemas.situation import SituationChanged
from services.notify.domain.alerts import LASTING, Alert
from services.notify.domain.notices import DRAFT, ENDS, Notice, of_report, of_situation, too_late
from services.notify.domain.pacing import when
from services.notify.domain.routing import (
    Told,
    held,
    nobody_named,
    policies,
    route,
    strangers,
)
from services.notify.handlers.digesting import agenda_notice
from services.notify.handlers.listening import woken
from services.notify.handlers.roster import Roll
from services.notify.handlers.rounds import Round, alert_of, end, expect_answer, new_alert, pursued
from services.notify.handlers.rules import rules_of
from services.notify.handlers.telling import about, tell
from services.notify.metrics import NOBODY_TO_TELL, NOTICES
from services.notify.settings import NotifySettings
from services.notify.store import alerts as alert_store
from services.notify.store import deliveries, people, queue, subscriptions
from services.notify.store import notices as store
from services.notify.store.people import NOBODY
from services.runtime.asking import Away
from services.runtime.clock import Clock, utc
from services.runtime.database import Database
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.publisher import Publisher

NOBODY_SECONDS = 300.0
AT_ONCE = 500
"""Notices that are routed together."""
_log = logger(__name__)


class Router:
    """The standing job that routes what has been entered."""

    def __init__(
        self,
        database: Database,
        settings: NotifySettings,
        roll: Roll,
        wake: asyncio.Event,
        clock: Clock = utc,
    ) -> None:
        self._database, self._settings, self._roll = database, settings, roll
        self._wake, self._clock = wake, clock
        self._strangers: dict[UUID, float] = {}
        self._limits: dict[str, Any] = {
            "deadline": timedelta(hours=settings.alert_deadline_hours),
            "oldest_event": timedelta(days=settings.oldest_event_days),
        }

    async def run(self, _publisher: Publisher) -> None:
        """Until cancelled."""
        while True:
            if not await self.route_some():
                await woken(self._wake, self._settings.idle_seconds)

    async def route_some(self) -> int:
        """Route what is due; returns how many notices were looked at."""
        async with self._database.transaction() as connection:
            claimed = await queue.claim(connection, "route", self._settings.lease_seconds, AT_ONCE)
        by_kommun: dict[str, list[UUID]] = defaultdict(list)
        for ident, kommun in claimed:
            by_kommun[kommun].append(ident)
        for kommun, ids in by_kommun.items():
            if not await self._roll.known(kommun):
                continue  # nobody knows yet who may be told: the notices come back by their lease
            await self._route(kommun, ids)
        return len(claimed)

    async def _route(self, kommun: str, ids: list[UUID]) -> None:
        """Route these; who follows and is not known is looked up first, once.

        Also when the roster was looked up a second ago: they may have been appointed since it was read.
        """
        if await self._routed(kommun, ids, strange=True):
            return
        try:
            await self._roll.refresh(kommun)
        except Away:
            self._strangers.clear()  # asked for with the next notice
        await self._routed(kommun, ids, strange=False)

    async def _routed(self, kommun: str, ids: list[UUID], *, strange: bool) -> bool:
        """False, with nothing written, when ``strange`` and somebody who follows is not known."""
        async with self._database.transaction((kommun,)) as connection:
            await alert_store.alone(connection, kommun)
            rows = await store.fresh(connection, kommun, ids)
            waiting: list[UUID] = []
            fresh = {r.notice_id: _notice(kommun, r) for r in rows}
            if fresh:
                told = [n for n in fresh.values() if n is not None]
                work = await self._gather(connection, kommun, told)
                unknown = {p for n in told for p in strangers(work.followers, work.roster, n)} if strange else set()
                if self._newly(unknown):
                    return False
                for ident, notice in fresh.items():
                    if notice is None:  # gallring came between
                        work.outcomes[ident] = ("expired", "anonymised", None)
                    else:
                        self._one(work, notice)
                await _write(connection, work)
                waiting = work.waiting
            await queue.drop(connection, [i for i in ids if i not in waiting])
            await queue.later(connection, waiting, NOBODY_SECONDS)
            await reach("routing.before_commit")
        await reach("routing.after_commit")
        return True

    def _newly(self, unknown: set[UUID]) -> bool:
        """Whether any of these was not looked up within the last minute.

        Somebody who has left is not asked for again with every notice.
        """
        now = time.monotonic()
        fresh = {p for p in unknown if now - self._strangers.get(p, -1e9) > 60}
        self._strangers |= dict.fromkeys(fresh, now)
        return bool(fresh)

    async def _gather(self, connection: AsyncConnection, kommun: str, fresh: list[Notice]) -> Round:
        now = self._clock()
        plan, followers = (await rules_of(connection, {kommun}))[kommun]
        roster = await people.roster(connection, kommun, now)
        found = await alert_store.open_by_key(connection, kommun, {n.dedup_key for n in fresh} | {DRAFT})
        ids = [a.alert_id for a in found.values()]
        return Round(
            kommun,
            now,
            plan,
            followers,
            roster,
            await store.restored_at(connection),
            await alert_store.open_kinds(connection, kommun, {h.by for h in plan.holds}),
            found,
            await subscriptions.preferences(connection, kommun, roster.members),
            await alert_store.silences(connection, kommun, ids, now),
            await deliveries.told(connection, kommun, ids),
        )

    def _one(self, work: Round, notice: Notice) -> None:
        late = too_late(notice, work.now, restored_at=work.restored_at, **self._limits)
        holder = None if late else held(work.plan, work.open_kinds, notice)
        everybody = route(work.plan, work.followers, work.roster, notice, held=holder is not None)
        if holder is not None and not everybody:
            work.outcomes[notice.notice_id] = ("held", holder, None)
            return
        for rule in nobody_named(work.plan, work.roster, notice) if holder is None else ():
            NOBODY_TO_TELL.inc()
            _log.warning("a rule names nobody who can be told", kommun=work.kommun, rule=rule)
        if late is None and not everybody and policies(work.plan, notice) and notice.state not in ENDS:
            work.waiting.append(notice.notice_id)  # there is nobody at all to tell now: looked at again until too late
            return
        if notice.state in ENDS and late is not None:
            end(work, notice.dedup_key)
        elif notice.state in ENDS and notice.kind == "lagesbild":
            end(work, DRAFT)  # it is adopted
        if late is None:
            alert = alert_of(work, notice)
            work.outcomes[notice.notice_id] = ("routed", None, alert.alert_id)
        else:  # recorded, never sent; an alert of its own that is over, so that it gathers nothing
            alert = new_alert(work, notice)
            alert.state, alert.closed_at = "over", work.now
            work.outcomes[notice.notice_id] = ("expired", late, alert.alert_id)
        work.touched[alert.alert_id] = alert
        for told in everybody:
            self._tell(work, alert, notice, told, late)

    def _tell(self, work: Round, alert: Alert, notice: Notice, told: Told, late: str | None) -> None:
        receiver, policy = told.receiver.ident, told.policy
        own = work.preferences.get(receiver)
        if own is not None and not own.wants(agenda=notice.kind == "agenda", urgent=policy.urgent):
            return
        silenced = [u for who in (receiver, NOBODY) if (u := work.silences.get((alert.alert_id, who))) is not None]
        heard = work.told.get((alert.alert_id, receiver))
        at = when(
            work.now, work.plan, told, notice.kind, own, opened_at=alert.opened_at, heard_at=heard, silenced=silenced
        )
        deadline = (max(notice.at, at) if late is None else notice.at) + self._limits["deadline"]
        entry = replace(
            about(alert, told.receiver, tuple(dict.fromkeys(told.rules)), urgent=policy.urgent, reason="rule",
                  deadline=deadline, repeat_hours=told.repeat_hours if notice.kind in LASTING else None),
            subject_id=notice.subject_id, correlation_id=notice.correlation_id,
            state="due" if late is None else "expired", error=late,
        )  # fmt: skip
        if late is not None:
            work.settled.append(entry)
            return
        before = work.entries.get((alert.alert_id, receiver))
        if before is None or (at, not entry.urgent) < (before[1], not before[0].urgent):
            work.entries[alert.alert_id, receiver] = (entry, at)
        for one in told.every:
            expect_answer(alert, one, at)


def _notice(kommun: str, row: Row[Any]) -> Notice | None:
    if row.kind == "report":
        return of_report(ReportLocated.model_validate(row.event), row.correlation_id)
    if row.kind == "agenda":
        due = datetime.fromisoformat(row.event["due"])
        return agenda_notice(kommun, due, row.event)
    return of_situation(SituationChanged.model_validate(row.event | {"kommun": kommun}), row.correlation_id)


async def _write(connection: AsyncConnection, work: Round) -> None:
    touched = list(work.touched.values())
    await alert_store.put(connection, touched)
    await tell(connection, work.kommun, list(work.entries.values()))
    await deliveries.add(connection, work.kommun, work.settled)
    await queue.put(connection, "pursue", [(a.alert_id, work.kommun, at, None) for a in touched if (at := pursued(a))])
    adopted = [a.alert_id for a in touched if a.kind == "lagesbild" and a.event.get("state") == "adopted"]
    in_time = {alert for state, _, alert in work.outcomes.values() if state == "routed"}
    await queue.put(connection, "thank", [(i, work.kommun, work.now, None) for i in adopted if i in in_time])
    await store.settle(connection, work.kommun, work.outcomes)
    for state, _, _ in work.outcomes.values():
        NOTICES.labels(state).inc()
