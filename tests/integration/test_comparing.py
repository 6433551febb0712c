"""The last net: what the door has minted and the picture does not have is found by night, and nothing else."""

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from deploy.database.roles import DATABASE
from services.analysis.gateways import Minted
from services.analysis.handlers.comparing import Comparing
from services.analysis.metrics import REPORTS_MISSING
from services.runtime.asking import Away
from services.runtime.database import Database
from services.runtime.migrations import work_role
from tests.support.command import lagesbild
from tests.support.http import asking
from tests.support.instance import Instance, eventually, reports


async def test_what_is_lost_is_found_and_comes_back(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    await tenant.load(reports(30, "kept"))
    await tenant.tally(30)
    layout = instance.ground.layout
    database = Database(instance.ground.database_url(work_role("analysis")), pool_size=1)
    minted, stranger = (Minted(layout.url("ingest_serve"), secret) for secret in (layout.secrets["analysis"], "wrong"))
    comparing = Comparing(database, minted)
    admin = await asyncpg.connect(
        make_url(instance.ground.admin_dsn).set(database=DATABASE).render_as_string(hide_password=False)
    )
    now = datetime.now(UTC) + timedelta(minutes=1)
    try:
        assert await comparing.missing(kommun, now) == []
        query = "select report_id from analysis.facts where kommun = $1 order by report_id"
        gone, older, _, *_ = [r["report_id"] for r in await admin.fetch(query, kommun)]
        await admin.execute("delete from analysis.facts where report_id = $1", gone)
        await admin.execute("update analysis.facts set revision = revision - 1 where report_id = $1", older)
        assert await comparing.missing(kommun, now) == sorted([gone, older])
        assert await comparing.missing(kommun, now - timedelta(hours=2)) == [], "that much may be on its way"
        before = REPORTS_MISSING._value.get()
        await comparing.night(kommun, now + timedelta(hours=1))
        assert REPORTS_MISSING._value.get() == before + 2
        door = instance.ground.database_url("lagesbild_ingest_serve")
        await lagesbild(instance.ground, "republish", LAGESBILD_DATABASE_URL=door)

        async def back() -> bool:
            return not await comparing.missing(kommun, now)

        await eventually(back, "republishing brings them back")
        with pytest.raises(Away):
            await Comparing(database, stranger).missing(kommun, now)
    finally:
        await minted.close()
        await stranger.close()
        await admin.close()
        await database.close()


async def test_nobody_but_a_room_asks_what_was_minted(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    asked = {"until": datetime.now(UTC).isoformat()}
    async with asking(instance.url) as http:
        answers: list[httpx.Response] = [
            await http.get(path, params=asked, headers=headers)
            for path in ("/v1/minted", "/v1/minted/7")
            for headers in ({}, tenant.headers)
        ]
    assert [a.status_code for a in answers] == [401, 403] * 2
