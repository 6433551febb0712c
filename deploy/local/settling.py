"""The town's history handed in: its reporters registered and appointed, every report by the door's own use case.

The same rows as by HTTP: ``submit_many`` with the moment at which they came in, one transaction per sender and
month. Nothing here writes a table.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from deploy.local.lasting import lived
from deploy.local.town import WEEKS, Reporter, Told, Town
from services.analysis.handlers.picturing import Picturing
from services.analysis.handlers.watching import Watching
from services.analysis.store.signals import state_of_data
from services.ingest.domain import ReportIn, Sender
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.ingest.handlers.submitting import Answer, submit_many
from services.runtime.database import Database
from services.runtime.schedule import Schedule
from services.runtime.tokens import Principal

AT_ONCE = 6


async def settle(database: Database, kommun: str, town: Town, systems: Sequence[UUID]) -> int:
    """Hand in everything; how many different reports. Safe to repeat with the same town.

    ``systems`` = the clients of ``town.SYSTEMS``, in their order.
    """
    senders = await _reporters(database, kommun, town) | await _systems(database, kommun, systems)
    months: dict[tuple[int, date], list[Told]] = defaultdict(list)
    everything = lived(town)
    for told in sorted(everything, key=lambda t: t.arrives):
        months[told.sender, told.arrives.date().replace(day=1)].append(told)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one_sender(number: int) -> None:
        for sender, month in sorted(key for key in months if key[0] == number):
            async with gate:
                await _hand_in(database, senders[sender], months[sender, month])

    await asyncio.gather(*(one_sender(number) for number in {sender for sender, _ in months}))
    for reporter in town.reporters:
        if reporter.until is not None:
            await _appoint(database, kommun, town, reporter, ended=True)
    return len({told.body["id"] for told in everything})


async def _hand_in(database: Database, sender: Sender, told: Sequence[Told]) -> None:
    """Each comes in when it arrives."""
    reports = [ReportIn.model_validate(t.body) for t in told]
    outcomes = await submit_many(database, sender, reports, "demo", came=[t.arrives for t in told])
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Answer)]
    if refused:
        raise RuntimeError(f"the door refused {len(refused)} of the demo's reports: {refused[0]!r}")


async def _reporters(database: Database, kommun: str, town: Town) -> dict[int, Sender]:
    people = People(database)
    found = {}
    for reporter in town.reporters:
        person = await _appoint(database, kommun, town, reporter)
        found[reporter.number] = await people.sender(Principal(str(person), "person", kommun))
    return found


async def _appoint(database: Database, kommun: str, town: Town, reporter: Reporter, *, ended: bool = False) -> UUID:
    """Register a reporter and appoint them from the week that they began."""
    appointing = Appointing(database)
    person, _ = await appointing.register(
        kommun, name=f"Rapportör {reporter.number + 1} (påhittad)", roles=["rapportor"],
        email=f"rapportor-{reporter.number + 1}@exempel.invalid", organisation=reporter.organisation,
    )  # fmt: skip
    known = await appointing.person(kommun, person)
    (appointment,) = known.appointments
    until = None if reporter.until is None or not ended else town.now - timedelta(weeks=WEEKS - reporter.until)
    await appointing.appoint(
        kommun, person, organisation=known.row.organisation_id, areas=(), until=until, trained=True,
        since=town.now - timedelta(weeks=WEEKS - reporter.since), appointment=appointment.appointment_id,
    )  # fmt: skip
    return person


async def _systems(database: Database, kommun: str, systems: Sequence[UUID]) -> dict[int, Sender]:
    people = People(database)
    return {
        -1 - i: await people.sender(Principal(str(client), "client", kommun, scopes=frozenset({"reports:write"})))
        for i, client in enumerate(systems)
    }


async def look_back(database: Database, kommun: str, now: datetime, *, weeks: int = 12) -> None:
    """What the schedule would have done in the last weeks, by the same tasks; ``database`` is analysis'."""

    async def only() -> AsyncIterator[str]:
        yield kommun

    tasks = [*Watching(database).tasks(), Picturing(database).task()]
    for back in range(weeks, -1, -1):
        moment = now - timedelta(weeks=back)
        await Schedule(database, tasks, only, clock=partial(_at, moment)).once()


def _at(moment: datetime) -> datetime:
    return moment


async def counted(database: Database, kommun: str, at_least: int, *, patience: float = 180.0) -> None:
    """Wait until analysis holds so many facts, and then until no more come."""
    before, quiet, waited = -1, 0, 0.0
    while quiet < 3:
        async with database.transaction((kommun,)) as connection:
            facts = (await state_of_data(connection, kommun))["facts"]
        quiet = quiet + 1 if facts == before and facts >= at_least else 0
        before = facts
        await asyncio.sleep(0.5)
        waited += 0.5
        if waited > patience:
            raise TimeoutError(f"analysis holds {facts} facts, {at_least} were handed in")
