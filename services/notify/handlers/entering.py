"""Entering what there is to tell, in the transaction that moves the position: once each, however often it is read.

Whom it concerns is decided afterwards, by the router, so that nothing in the stream waits for anybody. What no rule
and nobody's subscription is about is not entered at all.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import PersonErased
from schemas.locations import ReportLocated
from schemas.situation import SituationChanged
from services.notify.domain.notices import ENDS, TOLD_ONE_BY_ONE, Notice, grave_id, of_report, of_situation
from services.notify.domain.routing import concerns
from services.notify.handlers.rules import rules_of
from services.notify.handlers.thanking import thank_for_each
from services.notify.store import alerts, deliveries, people, queue, subscriptions
from services.notify.store import notices as store
from services.runtime.decoding import Received
from services.runtime.publisher import Outgoing


async def enter(connection: AsyncConnection, found: Sequence[Notice]) -> None:
    """Enter those that concern anybody, and let the router know."""
    rules = await rules_of(connection, {n.kommun for n in found})
    ending = await _ending(connection, found)
    told = {n.notice_id: n for n in found if n.notice_id in ending or concerns(*rules[n.kommun], n)}
    added = await store.add(connection, list(told.values()))
    now = datetime.now(UTC)
    await queue.put(connection, "route", [(n.notice_id, n.kommun, now, None) for n in added])
    if rules:
        await subscriptions.know(connection, rules)


async def _ending(connection: AsyncConnection, found: Sequence[Notice]) -> set[UUID]:
    """Notices that end an open alert: entered whatever the rules say, or it would hold others back for ever."""
    ends = [n for n in found if n.state in ENDS]
    open_keys = {
        (k, key)
        for k in {n.kommun for n in ends}
        for key in await alerts.open_keys(connection, k, {n.dedup_key for n in ends if n.kommun == k})
    }
    return {n.notice_id for n in ends if (n.kommun, n.dedup_key) in open_keys}


async def _unless_grave(connection: AsyncConnection, notices: Sequence[Notice]) -> list[Notice]:
    """Without reports that were told when they were held to be of the highest severity, and are less now."""
    less = {grave_id(n.kommun, n.subject_id): n for n in notices if (n.severity or 0) < TOLD_ONE_BY_ONE}
    told = await store.known(connection, {n.kommun for n in less.values()}, set(less))
    left_out = {less[ident].notice_id for ident in told}
    return [n for n in notices if n.notice_id not in left_out]


async def _withdrawn(connection: AsyncConnection, reports: Sequence[ReportLocated]) -> None:
    """What turned out to be none is not told any more, and nobody is asked again; nor for what is less grave now."""
    gone: dict[str, list[UUID]] = defaultdict(list)
    less: dict[str, dict[UUID, int]] = defaultdict(dict)
    for located in reports:
        report = located.report
        if report.withdrawn or report.merged_into is not None:
            gone[located.kommun].append(report.report_id)
        elif report.severity < TOLD_ONE_BY_ONE:
            less[located.kommun][report.report_id] = report.revision
    now = datetime.now(UTC)
    for kommun in {*gone, *less}:
        await store.withdraw(connection, kommun, gone[kommun])
        await store.lowered(connection, kommun, {grave_id(kommun, r): n for r, n in less[kommun].items()})
        closed = await alerts.close_reports(connection, kommun, gone[kommun], now)
        closed += await alerts.close_lowered(connection, kommun, less[kommun], now)
        await deliveries.withdraw(connection, kommun, closed)


def _newest(batch: Sequence[Received[ReportLocated]]) -> list[Received[ReportLocated]]:
    """Of each report its newest revision, as it was placed first: what was said of it before is not told any more."""
    found: dict[tuple[str, UUID], Received[ReportLocated]] = {}
    for received in batch:
        key = (received.kommun, received.message.report.report_id)
        known = found.get(key)
        if known is None or known.message.report.revision < received.message.report.revision:
            found[key] = received
    return list(found.values())


async def take_reports(connection: AsyncConnection, batch: Sequence[Received[ReportLocated]]) -> Sequence[Outgoing]:
    """Reports become notices once each, whatever their revision; what gallring left replaces what was told."""
    newest = _newest(batch)
    notices = [of_report(r.message, r.envelope.correlationid) for r in newest]
    reports = [r.message for r in newest]
    await _withdrawn(connection, reports)
    await enter(connection, await _unless_grave(connection, [n for n in notices if n is not None]))
    await thank_for_each(connection, reports)
    gone = [m for m in reports if m.report.anonymised]
    await store.anonymise(connection, {(m.kommun, m.report.report_id): m.model_dump_json() for m in gone})
    return ()


async def take_situations(
    connection: AsyncConnection, batch: Sequence[Received[SituationChanged]]
) -> Sequence[Outgoing]:
    """Every revision of a situation is a notice of its own."""
    await enter(connection, [of_situation(r.message, r.envelope.correlationid) for r in batch])
    return ()


async def take_erasures(connection: AsyncConnection, batch: Sequence[Received[PersonErased]]) -> Sequence[Outgoing]:
    """Forget these people: contact and subscriptions go, and the ledger keeps what was sent but not to whom."""
    for received in batch:
        await people.erase(connection, received.kommun, received.message.person_id)
    return ()
