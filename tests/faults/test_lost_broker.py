"""Kafka's data is deleted: the rooms say so, the new log is accepted and filled again, and all is as it was."""

import shutil
import time
from typing import Any

import pytest

from deploy.local import servers
from deploy.topics import ensure_topics
from tests.support.command import lagesbild
from tests.support.ground import start_ground
from tests.support.instance import Instance, Tenant, eventually, reports, start_instance
from tests.support.tally import Table

VIEWS = ("cube", "rhythm", "cells", "states", "sources", "lateness", "activity")


async def _views(instance: Instance, tenant: Tenant) -> dict[str, list[Any]]:
    found = {}
    for view in VIEWS:
        query = f"select v.* from {view} v join view_state s using (generation) where s.name = '{view}'"
        rows = await instance.sql(query, kommun=tenant.kommun)
        found[view] = sorted(tuple(r.values()) for r in rows)
    return found


async def _caught_up(instance: Instance) -> bool:
    """Whether what geo has sent again is applied: both revisions of the corrected reports are 140 messages."""
    rows = await instance.sql("select sum(next_offset) as n from positions where consumer = 'analysis.reports'")
    unsent = await instance.sql("select count(*) as n from outbox where sent_at is null", room="ingest")
    return bool(rows[0]["n"] >= 140 and unsent[0]["n"] == 0)


async def test_everything_is_there_again_after_the_broker_was_lost(kommun: str, table: Table) -> None:
    began = time.monotonic()
    async with start_ground() as ground, start_instance(ground) as instance:
        if ground.supervisor is None:
            pytest.skip("this broker is not ours to lose")
        tenant = await instance.tenant(kommun)
        first = reports(120, "lost")
        await tenant.load(first, senders=4)
        await tenant.load([r | {"source_version": 2, "count": 2} for r in first[:20]], senders=4)
        await tenant.tally(120)
        await eventually(lambda: _caught_up(instance), "the corrections are applied")
        before = await _views(instance, tenant)
        mails = instance.mails()

        await ground.supervisor.stop_one("kafka")
        shutil.rmtree(ground.layout.data / "kafka" / "log")
        await ground.supervisor.start(servers.kafka(ground.layout))
        await ensure_topics(ground.kafka)

        async def said_so() -> bool:
            return any("geo work ended with code 70" in line for line in instance.said)

        await eventually(said_so, "geo halts at another log")
        await lagesbild(ground, "accept-broker", "all", "--from", "beginning")
        door = ground.database_url("lagesbild_ingest_serve")
        sent = await lagesbild(ground, "republish", "--json", LAGESBILD_DATABASE_URL=door)
        assert f'"{kommun}": 140' in sent.out
        await eventually(lambda: _caught_up(instance), "analysis has read what was sent again", within=120)
        assert await _views(instance, tenant) == before
        assert instance.mails() == mails, "nobody is told anything again"
        await tenant.load(reports(10, "after"), senders=2)
        await table.tally("Kafka's data deleted, republished", tenant, 130, began, patience=180)
        await lagesbild(ground, "check", "views", LAGESBILD_DATABASE_URL=ground.database_url("lagesbild_analysis_work"))
