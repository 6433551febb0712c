"""Four rooms in one process on the real database: corrections, withdrawals, repeats; the views equal a fresh fold."""

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_type_hints
from uuid import UUID, uuid4

import asyncpg
import pytest

from schemas.envelope import read_headers
from services.analysis.handlers.rebuilding import Rebuilding
from services.analysis.subscribers import CONSUMERS
from services.analysis.views import Weight, fold
from services.analysis.views.catalogue import REPORTS
from services.analysis.views.fact import counted, read
from services.geo.handlers.placing import Placer
from services.geo.layers.own import Atlas
from services.geo.subscribers import consumers as geo_consumers
from services.ingest.domain import ReportIn, Sender
from services.ingest.handlers.reports import Reports
from services.ingest.handlers.submitting import VersionConflict
from services.notify.domain.routing import Subscription
from services.notify.store import subscriptions as notify_store
from services.notify.subscribers import consumers as notify_consumers
from services.runtime.boundary import Boundary, Consumer
from services.runtime.database import Database
from services.runtime.halt import Halt
from services.runtime.migrations import serve_role, work_role
from services.runtime.publisher import Outgoing
from tests.support.addresses import geocoders
from tests.support.ground import Ground
from tests.support.memory_log import MemoryLog
from tests.unit.geo.test_areas import layers


@dataclass
class House:
    ground: Ground
    log: MemoryLog
    door: Reports
    sender: Sender
    boundaries: dict[str, Boundary]
    databases: list[Database]

    async def relay(self) -> None:
        """What the outbox holds for this municipality, into the log; then everything through the rooms."""
        connection = await asyncpg.connect(self.ground.dsn(work_role("ingest")))
        rows = await connection.fetch(
            "delete from outbox where key = $1 and sent_at is null returning *", self.sender.kommun
        )
        await connection.close()
        for r in sorted(rows, key=lambda row: row["id"]):
            headers = list(zip(r["header_names"], (h.encode() for h in r["header_values"]), strict=True))
            await self.log.send([Outgoing(r["topic"], r["key"].encode(), r["value"].encode(), headers)])

    async def drain(self) -> None:
        for name in ("geo", "analysis", "notify"):
            await self.log.drain(self.boundaries[name])

    async def rows(self, room: str, query: str) -> list[Any]:
        connection = await asyncpg.connect(self.ground.dsn(work_role(room)))
        try:
            async with connection.transaction():
                await connection.execute("select set_config('app.kommuner', $1, true)", self.sender.kommun)
                return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def rows_of_views(self) -> dict[str, dict[Any, Weight]]:
        return {
            view.name: {
                view.key(*(r[name] for name in get_type_hints(view.key))): Weight(r["reports"], r["seen"])
                for r in await self.rows(
                    "analysis",
                    f"select v.* from {view.name} v join view_state s using (generation) where s.name = '{view.name}'",
                )
            }
            for view in REPORTS.views
        }

    async def fresh_fold(self) -> dict[str, dict[Any, Weight]]:
        events = await self.rows("analysis", "select event::text as event from facts")
        facts = [counted(read(r["event"])) for r in events]
        counting = [fact for fact in facts if fact is not None]
        return {view.name: fold(view.contributions, counting) for view in REPORTS.views}


@pytest.fixture
async def house(ground: Ground) -> AsyncIterator[House]:
    log = MemoryLog()
    kommun = f"6{uuid4().int % 1000:03d}"
    suffix = uuid4().hex[:8]
    chosen: dict[str, Consumer] = {
        "geo": geo_consumers(Placer(layers(), geocoders(layers()), Atlas()))[0],
        "analysis": CONSUMERS[0],
        "notify": notify_consumers()[0],
    }
    databases = [Database(ground.database_url(serve_role("ingest")), pool_size=2)]
    boundaries = {}
    for room, consumer in chosen.items():
        database = Database(ground.database_url(work_role(room)), pool_size=2)
        databases.append(database)
        own = replace(consumer, name=f"{consumer.name}-{suffix}")
        if room == "analysis":
            await Rebuilding(database, "0").ensure()
        boundaries[room] = Boundary(own, database=database, publisher=log, halt=Halt())  # type: ignore[arg-type]  # the log in memory
    sender = Sender(kommun=kommun, client_id=UUID(int=uuid4().int), source="rapportor", invented=True)
    yield House(ground, log, Reports(databases[0]), sender, boundaries, databases)
    for database in databases:
        await database.close()


def report(chance: random.Random, number: int, version: int) -> ReportIn:
    place: dict[str, Any] = {"coordinates": {"x": chance.uniform(14.4, 14.9), "y": chance.uniform(57.5, 57.75)}}
    if chance.random() < 0.2:
        place = {"text": "Vid lekplatsen"}
    return ReportIn.model_validate(
        {
            "id": f"r{number}",
            "source_version": version,
            "event_type": chance.choice(["A1", "B1", "C1", "E1", "G2"]),
            "time_from": datetime.now(UTC).isoformat(),
            "place": place,
            "count": chance.randrange(1, 4),
            "ongoing": chance.random() < 0.7,
            "severity": chance.randrange(1, 5),
            "withdrawn": version > 1 and chance.random() < 0.2,
        }
    )


@pytest.mark.parametrize("seed", range(5))
async def test_any_corrections_and_repeats_end_in_the_rows_of_a_fresh_fold(house: House, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(3):
        for _ in range(25):
            handed_in = report(chance, chance.randrange(15), chance.randrange(1, 40))
            with suppress(VersionConflict):  # a version used before with other content: nothing is stored
                await house.door.submit(house.sender, handed_in, "flow")
        await house.relay()
        house.log.repeat("report-received", chance)
        await house.drain()
        house.log.repeat("report-located", chance)
        await house.drain()
    views = await house.rows_of_views()
    assert views == await house.fresh_fold()
    assert all(rows for name, rows in views.items() if name != "states"), "states may all be closed"
    facts = await house.rows("analysis", "select count(*) as n from facts")
    stored = await house.rows("ingest", "select count(*) as n from reports")
    assert facts[0]["n"] == stored[0]["n"]
    history = await house.rows("analysis", "select count(*) as n from facts_versions")
    revisions = await house.rows("ingest", "select count(*) as n from revisions")
    assert history[0]["n"] == revisions[0]["n"], "every revision that was minted is in the history of facts"


async def test_a_full_replay_changes_nothing_and_tells_nobody(house: House) -> None:
    chance = random.Random(7)
    person = uuid4()
    everything = Subscription(house.sender.kommun, uuid4(), person, "regso", None, (), 1)
    voice = Database(house.ground.database_url(serve_role("notify")), pool_size=1)
    async with voice.transaction((house.sender.kommun,)) as connection:
        await notify_store.add(connection, everything)
    await voice.close()
    for number in range(20):
        await house.door.submit(house.sender, report(chance, number, 1), "flow")
    await house.relay()
    await house.drain()
    before = (
        await house.rows_of_views(),
        await house.rows("notify", "select notice_id, state from notices order by 1"),
    )
    for boundary in house.boundaries.values():  # as after a restore: positions at the beginning
        async with boundary.database.transaction() as connection:
            await boundary.positions.move(connection, dict.fromkeys(boundary.expected, (0, "x")))
    await house.drain()
    after = (
        await house.rows_of_views(),
        await house.rows("notify", "select notice_id, state from notices order by 1"),
    )
    assert before == after
    assert len(before[1]) > 0


async def test_one_correlation_id_goes_from_http_to_the_last_room(house: House) -> None:
    await house.door.submit(house.sender, report(random.Random(1), 1, 1), "from-http")
    await house.relay()
    await house.drain()
    records = [r for p in house.log.topics["report-located"] for r in p]
    envelopes = [read_headers(r.headers) for r in records]
    assert [e.correlationid for e in envelopes] == ["from-http"]
    cause = next(r for p in house.log.topics["report-received"] for r in p)
    assert envelopes[0].causationid == read_headers(cause.headers).id
