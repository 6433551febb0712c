"""Taking back what a restored database lacks: the topics still hold what was given out after the backup.

Run before the rooms start. What is known changes nothing, so it may be repeated. Records that cannot be read are
passed over here: the rooms that read them put them aside themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from schemas.appointments import AppointmentChanged, PersonErased
from schemas.context import ContextReceived
from schemas.reports import ReportReceived
from schemas.topics import APPOINTMENT_CHANGED, CONTEXT_RECEIVED, PERSON_ERASED, REPORT_RECEIVED
from schemas.values import CONTEXT_OWNER
from services.ingest import secrets
from services.ingest.handlers import appointments as appointing
from services.ingest.store import appointments, passkeys
from services.ingest.store import context as context_store
from services.ingest.store import taking_back as store
from services.ingest.store.context import ContextVersion
from services.runtime.database import Database
from services.runtime.decoding import Received, decode
from services.runtime.errors import Permanent
from services.runtime.log_facts import read_to_end

LOST = "{}"
"""Stands where the publisher's text was: it is not in the topics."""


async def take_back(database: Database, kafka: str) -> Counter[str]:
    """Read the topics of the door to their present end, store what is missing, and forget whom it forgot since.

    Returns how many records were ``read``, ``revisions`` and ``context`` versions taken back, ``reports`` whose newest
    state came from the topics, ``appointments``, ``erased`` people, and ``unreadable``. ``kafka`` is an operator's
    address: the door itself only writes.
    """
    done: Counter[str] = Counter()
    topics = {t.name: t for t in (REPORT_RECEIVED, CONTEXT_RECEIVED, APPOINTMENT_CHANGED, PERSON_ERASED)}
    partitions = {name: topic.partitions for name, topic in topics.items()}
    async for records in read_to_end(kafka, partitions, max(t.max_bytes for t in topics.values())):
        topic = topics[records[0].topic]
        found: list[Received[ReportReceived | ContextReceived | AppointmentChanged | PersonErased]] = []
        for record in records:
            try:
                found.append(decode(record, topic))
            except Permanent:
                done["unreadable"] += 1
        if topic is CONTEXT_RECEIVED:
            done["context"] += await _context(
                database, [r.message for r in found if isinstance(r.message, ContextReceived)]
            )
        elif topic is APPOINTMENT_CHANGED:
            changed = [r.message for r in found if isinstance(r.message, AppointmentChanged)]
            done["appointments"] += await _appointments(database, changed)
        elif topic is PERSON_ERASED:
            done["erased"] += await _erase(database, [r.message for r in found if isinstance(r.message, PersonErased)])
        else:
            done += await _reports(database, [r.message for r in found if isinstance(r.message, ReportReceived)])
        done["read"] += len(records)
    return done


async def _reports(database: Database, events: Sequence[ReportReceived]) -> Counter[str]:
    owners: defaultdict[str, list[ReportReceived]] = defaultdict(list)
    for event in events:
        owners[event.kommun].append(event)
    done: Counter[str] = Counter()
    for kommun, own in owners.items():
        async with database.transaction((kommun,)) as connection:
            revisions, reports = await store.add(connection, kommun, own)
        done += Counter(revisions=revisions, reports=reports)
    return done


async def _erase(database: Database, events: Sequence[PersonErased]) -> int:
    """A backup brings back people who were erased after it: they go again, before anybody can come in."""
    for event in events:
        async with database.transaction((event.kommun,)) as connection:
            address = await appointments.address(connection, event.kommun, event.person_id)
            digest = secrets.email_digest(address) if address else b""
            await passkeys.forget(connection, event.kommun, event.person_id)
            await appointments.delete_person(connection, event.kommun, event.person_id, digest)
    return len(events)


async def _appointments(database: Database, events: Sequence[AppointmentChanged]) -> int:
    """Later revisions of those that are known; those of people whom the backup does not know are ended, by nobody."""
    newest: dict[tuple[str, str], AppointmentChanged] = {}
    for event in events:
        key = (event.kommun, event.reporter_token)
        if key not in newest or newest[key].revision < event.revision:
            newest[key] = event
    taken = 0
    for event in newest.values():
        async with database.transaction((event.kommun,)) as connection:
            taken += await appointing.take_back(connection, event)
    return taken


async def _context(database: Database, events: Sequence[ContextReceived]) -> int:
    """The newest version of each item, as if it had been seen when it was minted; a later import brings its text."""
    newest: dict[object, ContextReceived] = {}
    for event in events:
        if event.context_id not in newest or newest[event.context_id].revision < event.revision:
            newest[event.context_id] = event
    async with database.transaction((CONTEXT_OWNER,)) as connection:
        await context_store.lock(connection)
        known = await context_store.known(connection, [e.context_id for e in newest.values()])
        missing = [
            ContextVersion(e.context_id, e.minted_at, "", LOST, e.revision, e.model_dump_json())
            for e in newest.values()
            if e.context_id not in known or known[e.context_id].revision < e.revision
        ]
        await context_store.add(connection, missing)
    return len(missing)
