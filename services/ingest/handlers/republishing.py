"""Sending stored revisions again: after a broker was lost, the truth is here and the log is filled from it.

Every revision in the order it was minted per report, through the outbox like any other message. Readers know most of
them and change nothing; the ids of the messages are those of the first time.
"""

from collections.abc import Callable

from schemas.context import ContextReceived
from schemas.envelope import Envelope, derived_id
from schemas.reports import ReportReceived
from schemas.topics import CONTEXT_RECEIVED, REPORT_RECEIVED, Topic
from schemas.values import CONTEXT_OWNER
from services.ingest.handlers.appointments import told
from services.ingest.handlers.submitting import SOURCE
from services.ingest.store import appointments
from services.ingest.store import revisions as store
from services.runtime import outbox
from services.runtime.database import Database
from services.runtime.publisher import Outgoing, message, type_of

PAGE = 1000
CORRELATION = "republish"


async def republish(database: Database, kommun: str | None, progress: Callable[[str, int], None]) -> dict[str, int]:
    """Write every stored revision to the outbox again, of one municipality or of all; owner → how many.

    The appointments follow, which are few and not counted.
    """
    async with database.transaction() as connection:
        owners = [kommun] if kommun else [*await store.municipalities(connection), CONTEXT_OWNER]
    done = {}
    for owner in owners:
        done[owner] = 0
        after = store.BEFORE_ALL
        while True:
            async with database.transaction((owner,)) as connection:
                page = await store.page(connection, owner, after, PAGE)
                await outbox.write(connection, [_message(owner, event) for _, event in page])
            if not page:
                break
            after = page[-1][0]
            done[owner] += len(page)
            progress(owner, done[owner])
        if owner != CONTEXT_OWNER:
            async with database.transaction((owner,)) as connection:
                known = await appointments.every(connection, owner)
                await outbox.write(connection, [told(owner, appointment) for appointment in known])
    return done


def _message(owner: str, event: str) -> Outgoing:
    if owner == CONTEXT_OWNER:
        item = ContextReceived.model_validate_json(event)
        ident = derived_id(CONTEXT_RECEIVED.name, item.context_id, item.revision)
        return message(CONTEXT_RECEIVED, item, _envelope(CONTEXT_RECEIVED, ident, item))
    report = ReportReceived.model_validate_json(event)
    ident = derived_id(REPORT_RECEIVED.name, report.kommun, report.report_id, report.revision)
    return message(REPORT_RECEIVED, report, _envelope(REPORT_RECEIVED, ident, report))


def _envelope(topic: Topic, ident: str, body: ReportReceived | ContextReceived) -> Envelope:
    return Envelope(ident, SOURCE, type_of(topic), body.minted_at, body.kommun, CORRELATION)
