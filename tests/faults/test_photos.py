"""SIGKILL while a photo is taken in and while it is covered: one report, one picture, no original left."""

import asyncio
import time
from uuid import uuid4

import pytest

from services.ingest.gateways.objects import Objects
from services.ingest.handlers.photos import Photos
from services.ingest.settings import IngestSettings
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.faults.test_kills import _kill_there, _when_reached
from tests.integration.test_photos import LATER, client, hand_in, lying, person, photo_id
from tests.support.http import asking
from tests.support.instance import Instance, eventually
from tests.support.tally import Table
from tests.unit.ingest.test_pictures import photo


async def sweep(instance: Instance, database: Database) -> None:
    """What the working process does now and then, as if an hour had passed."""
    values = {"database_url": "x", "photos": str(instance.ground.layout.data / "photos")}
    await Photos(database, Objects(IngestSettings.model_validate(values))).sweep(LATER)


async def answers(instance: Instance) -> None:
    async def up() -> bool:
        async with asking(instance.ground.layout.public_url) as http:
            return (await http.get("/logga-in")).status_code == 200

    await eventually(up, "the door answers again")


@pytest.mark.core
@pytest.mark.parametrize("point", ["ingest.photo_written", "ingest.photo_covered"])
async def test_killing_around_a_photo(instance: Instance, kommun: str, table: Table, point: str) -> None:
    began = time.monotonic()
    await instance.tenant(kommun)
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=2)
    cookies = await person(database, kommun, "rapportor", "analytiker")
    ident, raw = str(uuid4()), photo()
    covering = point == "ingest.photo_covered"
    async with client(instance, cookies) as http:
        if covering:
            assert (await hand_in(http, ident, raw)).status_code == 303
            (original,) = lying(instance, kommun)
            shown = await photo_id(http)
        name, marker = await _kill_there(instance, "ingest", "serve", point)

        async def disturbed() -> None:
            if covering:
                answer = await http.post(f"/granska/foton/{shown}", data={"done": "cover", "boxes": "[[0,0,1,1]]"})
            else:
                answer = await hand_in(http, ident, raw)
            assert answer.status_code == 502, "the gateway answers for a process that is gone"

        await asyncio.gather(_when_reached(instance, name, marker), disturbed())
        await answers(instance)
        if not covering:
            assert (await hand_in(http, ident, raw)).status_code == 303, "the phone sends it again"
        await sweep(instance, database)
        left = lying(instance, kommun)
        assert len([size for size in left.values() if size]) == 1
        if covering:
            assert left[original] == 0
        assert (await http.get(f"/v1/photos/{await photo_id(http)}")).status_code == 200
    facts = await instance.sql("select 1 from revisions where kommun = $1", kommun, kommun=kommun, room="ingest")
    table.add(f"SIGKILL at {point}", sent=1, counted=len(facts), lost=0, doubled=len(facts) - 1, began=began)
    await instance.restart_with("ingest", "serve", {})
    await database.close()
