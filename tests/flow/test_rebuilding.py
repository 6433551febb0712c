"""Views are folded afresh while reports flow in: interrupted, resumed, equal; a wrong row never lives."""

import asyncio
import random
import sys
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from services.analysis.handlers import chunks as chunking
from services.analysis.handlers import folding
from services.analysis.handlers.chunks import Chunks
from services.analysis.handlers.folding import Apart
from services.analysis.handlers.rebuilding import Rebuilding, Unequal, newer
from services.analysis.store import facts as store
from services.analysis.views.catalogue import REPORTS
from services.ingest.handlers.submitting import VersionConflict
from services.runtime.database import Database
from services.runtime.errors import MustStop
from services.runtime.halt import Halted
from services.runtime.migrations import work_role
from tests.flow.test_four_rooms import House, house, report

__all__ = ["house"]  # the fixture of the four rooms


async def _flow(house: House, chance: random.Random, count: int) -> None:
    for _ in range(count):
        with suppress(VersionConflict):
            await house.door.submit(house.sender, report(chance, chance.randrange(60), chance.randrange(1, 40)), "flow")
    await house.relay()
    await house.drain()


async def test_reports_flow_in_while_all_views_are_rebuilt(house: House) -> None:
    chance = random.Random(11)
    await _flow(house, chance, 40)
    before = await house.rows("analysis", "select name, generation from view_state")
    rebuilding = Rebuilding(house.boundaries["analysis"].database, "0", chunk=7)
    done, _ = await asyncio.gather(
        rebuilding.rebuild(REPORTS.views, lambda _line: None), asyncio.gather(_flow(house, chance, 60))
    )
    after = await house.rows("analysis", "select name, generation from view_state")
    assert {r["name"] for r in after if r not in before} >= {v.name for v in REPORTS.views}
    assert done.facts > 0
    assert await house.rows_of_views() == await house.fresh_fold()
    await rebuilding.compare(REPORTS.views)


async def test_what_was_read_ahead_is_used_only_while_the_facts_are_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(16)
    await _flow(house, chance, 50)
    database, kommun = house.boundaries["analysis"].database, house.sender.kommun
    read: list[int] = []
    page = store.stored_page

    async def counted(*about: Any) -> Any:
        read.append(1)
        return await page(*about)

    monkeypatch.setattr(store, "stored_page", counted)
    chunks = Chunks(REPORTS.views, 10)
    for changed in (False, True):
        async with database.transaction((kommun,)) as connection:
            first = await chunks.after(connection, kommun, UUID(int=0))
            assert first is not None
            await chunks.look_ahead(connection, kommun, first.last)
        if changed:
            await _flow(house, chance, 60)
        read.clear()
        async with database.transaction((kommun,)) as connection:
            found = await chunks.after(connection, kommun, first.last)
            assert read == [1] * changed
            assert found == await Chunks(REPORTS.views, 10).after(connection, kommun, first.last)
    await chunks.close()


async def test_a_long_rebuild_folds_in_a_process_of_its_own_and_goes_on_without_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "WORTH", 1)
    await _flow(house, random.Random(17), 50)
    database, kommun = house.boundaries["analysis"].database, house.sender.kommun
    folded: list[int] = []
    fold = Apart.fold

    async def counted(self: Apart, *about: Any) -> Any:
        found = await fold(self, *about)
        folded.append(found.facts)
        return found

    monkeypatch.setattr(Apart, "fold", counted)
    chunks, at = Chunks(REPORTS.views, 10), UUID(int=0)
    for number in range(4):
        async with database.transaction((kommun,)) as connection:
            here = await Chunks(REPORTS.views, 10).after(connection, kommun, at)
            assert here == await chunks.after(connection, kommun, at)
            assert here is not None
            at = here.last
            await chunks.look_ahead(connection, kommun, at)
        if number == 0:
            assert chunks._apart is not None
            apart = await chunks._apart
            with pytest.raises(Apart.Gone):
                await apart.fold(REPORTS.views, at, ["{"])
        if number == 1:
            assert chunks._ahead is not None
            await chunks._ahead.folding
            apart._process.kill()
    assert folded == [10], "the third chunk; before the fourth the process was killed"
    assert chunks._apart is None
    await chunks.close()
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", folding._PROGRAM, stdin=asyncio.subprocess.PIPE)
    await gone.communicate(b"")
    assert gone.returncode == 0, "it ends with whoever began it"


async def test_an_interrupted_rebuild_goes_on_where_it_was(house: House) -> None:
    chance = random.Random(12)
    await _flow(house, chance, 40)
    steps = 0

    def pull_the_plug(_line: str) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise KeyboardInterrupt

    rebuilding = Rebuilding(house.boundaries["analysis"].database, "0", chunk=5)
    with pytest.raises(KeyboardInterrupt):
        await rebuilding.rebuild(REPORTS.views, pull_the_plug)
    living = await house.rows_of_views()
    await _flow(house, chance, 30)
    assert await house.rows_of_views() != living, "people see new reports while a rebuild lies half done"
    done = await rebuilding.rebuild(REPORTS.views, lambda _line: None)
    assert done.resumed
    assert await house.rows_of_views() == await house.fresh_fold()


async def test_a_wrong_row_is_found_and_never_switched_to(house: House) -> None:
    await _flow(house, random.Random(13), 30)
    database = house.boundaries["analysis"].database
    rebuilding = Rebuilding(database, "0", chunk=10)

    async def spoil(generation: str) -> None:
        async with database.transaction((house.sender.kommun,)) as connection:
            await connection.exec_driver_sql(
                "update cube set reports = reports + 1 where ctid = (select ctid from cube where generation = "
                f"(select {generation} from view_state where name = 'cube') limit 1)"
            )

    await spoil("generation")
    with pytest.raises(Unequal, match="view cube, municipality"):
        await rebuilding.compare(REPORTS.views)
    await rebuilding.rebuild(REPORTS.views[:1], lambda _line: None)
    await rebuilding.compare(REPORTS.views)

    living = await house.rows_of_views()
    reached = asyncio.Event()

    class Spoiled(Rebuilding):
        async def _compare(self, views: object, generations: object) -> dict[str, int]:
            if not reached.is_set():
                reached.set()
                await spoil("building")
            return await super()._compare(views, generations)  # type: ignore[arg-type]

    with pytest.raises(Unequal):
        await Spoiled(database, "0", chunk=10).rebuild(REPORTS.views[:1], lambda _line: None)
    assert await house.rows_of_views() == living
    again = await rebuilding.rebuild(REPORTS.views[:1], lambda _line: None)
    assert not again.resumed, "what came out wrong is begun anew"
    await rebuilding.compare(REPORTS.views)


async def test_areas_that_were_lost_are_found_and_brought_back(house: House) -> None:
    await _flow(house, random.Random(15), 10)
    owner = Database(house.ground.database_url("postgres"), pool_size=1)
    async with owner.transaction() as connection:
        await connection.exec_driver_sql(f"delete from analysis.area_sets where kommun = '{house.sender.kommun}'")
    await owner.close()
    database = Database(house.ground.database_url(work_role("analysis")), pool_size=2)  # as another process has it
    try:
        rebuilding = Rebuilding(database, "0", chunk=10)
        with pytest.raises(Unequal, match="area sets are not known"):
            await rebuilding.compare(REPORTS.views)
        await rebuilding.rebuild(REPORTS.views, lambda _line: None)
        await rebuilding.compare(REPORTS.views)
    finally:
        await database.close()


async def test_a_program_with_another_definition_stops_instead_of_counting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _flow(house, random.Random(14), 5)
    database = house.boundaries["analysis"].database
    monkeypatch.setattr("services.analysis.handlers.facts.definition", lambda _view: "other")
    await house.door.submit(house.sender, report(random.Random(1), 99, 1), "flow")
    await house.relay()
    with pytest.raises(Halted, match="kept by another program"):
        await house.drain()
    monkeypatch.setattr("services.analysis.handlers.rebuilding.definition", lambda _view: "older")
    async with database.transaction() as connection:
        await connection.exec_driver_sql("update view_state set release = '9.0.0'")
    with pytest.raises(MustStop, match=r"newer release 9\.0\.0"):
        await Rebuilding(database, "0.1.0").ensure()
    async with database.transaction() as connection:
        await connection.exec_driver_sql("update view_state set release = '0'")


def test_releases_are_compared_by_their_numbers() -> None:
    assert newer("0.10.0", "0.9.0")
    assert not newer("0.9.0", "0.9.0")
    assert not newer(None, "0.9.0")
