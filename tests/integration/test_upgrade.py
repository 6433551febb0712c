"""A database of the first schema, with data in it, becomes the newest one: nothing is lost, the numbers are right."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.database.roles import prepare
from deploy.local import servers
from deploy.local.layout import Layout, pick_port
from deploy.local.supervisor import Supervisor
from schemas.locations import ReportLocated
from services.analysis.handlers.rebuilding import Rebuilding
from services.analysis.views.catalogue import REPORTS
from services.geo.store import placements as geo_store
from services.runtime.database import Database
from services.runtime.migrations import OWNER_ROLE, upgrade, work_role
from tests.support.facts import located, published, report_id


@pytest.fixture
async def first_release() -> AsyncIterator[Layout]:
    """PostgreSQL alone, with every room's first schema."""
    folder = Path(tempfile.mkdtemp(prefix="lagesbild-test-"))
    supervisor = Supervisor(print)
    layout = Layout.open(folder, pick_port())
    try:
        await supervisor.start(servers.postgres(layout))
        await prepare(layout.dsn("postgres", "postgres"), layout.database_passwords)
        await asyncio.to_thread(upgrade, layout.database_url(OWNER_ROLE), revision="0001")
        yield layout
    finally:
        await supervisor.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _versions() -> list[ReportLocated]:
    """Three reports in two municipalities; the first corrected twice, and withdrawn in the end."""
    return [
        located(1, 1),
        located(1, 2, event_type="B1", count=3),
        located(1, 3, withdrawn=True),
        located(2, 1, areas=("0682R003",)),
        located(3, 1, kommun="0680", event_type="E1", ongoing=True),
    ]


async def _fill(layout: Layout) -> None:
    connection = await asyncpg.connect(layout.dsn("postgres"))
    newest: dict[object, ReportLocated] = {}
    for fact in _versions():
        newest[fact.report.report_id] = fact
        row = (fact.kommun, fact.report.report_id, fact.report.revision, fact.placement.placement)
        await connection.execute(
            "insert into analysis.fact_history values ($1, $2, $3, $4, $5, $6, $7)",
            *row, fact.model_dump_json(), fact.report.minted_at, fact.placement.placed_at,
        )  # fmt: skip
        await connection.execute(
            "insert into geo.placements values ($1, $2, $3, $4, null, $5, 'x', $6)",
            fact.kommun, fact.report.report_id, fact.report.revision, fact.report.revision, fact.model_dump_json(),
            fact.placement.placed_at,
        )  # fmt: skip
    for fact in newest.values():
        row = (fact.kommun, fact.report.report_id, fact.report.revision, fact.placement.placement)
        await connection.execute(
            "insert into analysis.facts values ($1, $2, $3, $4, $5, false, $6, now())",
            *row, "withdrawn" if fact.report.withdrawn else None, fact.model_dump_json(),
        )  # fmt: skip
    item = published(1)
    await connection.execute(
        "insert into analysis.context_facts values ('0000', $1, 1, 1, $2, '2026-11-19')",
        item.context.context_id,
        item.model_dump_json(),
    )
    await connection.execute(
        "insert into analysis.context_history values ('0000', $1, 1, 1, $2, now(), now())",
        item.context.context_id,
        item.model_dump_json(),
    )
    await connection.execute(
        "insert into notify.dead_letters values ('notify.reports', $1, 'report-located', 0, 7, 'invalid', 'x')", uuid4()
    )
    await connection.close()


async def test_the_first_schema_becomes_the_newest_with_everything_in_it(first_release: Layout) -> None:
    layout = first_release
    await _fill(layout)
    await asyncio.to_thread(upgrade, layout.database_url(OWNER_ROLE))
    database = Database(layout.database_url(work_role("analysis")), pool_size=2)
    try:
        rebuilding = Rebuilding(database, "1.0.0")
        await rebuilding.ensure()
        counts = await rebuilding.compare(REPORTS.views)
        assert counts == {"cube": 2, "rhythm": 2, "cells": 2, "states": 1, "sources": 2, "lateness": 2}
        async with database.transaction(("0682", "0680")) as connection:
            versions = await connection.exec_driver_sql(
                "select report_id, revision, event from facts_versions order by report_id, revision"
            )
            found = [(r.report_id, r.revision, json.loads(r.event)["report"]["revision"]) for r in versions]
            late = (await connection.exec_driver_sql("select count(*) from fact_history")).scalar()
        assert sorted(found) == sorted((f.report.report_id, f.report.revision, f.report.revision) for f in _versions())
        assert late == 2, "each version stands once"
    finally:
        await database.close()
    place = Database(layout.database_url(work_role("geo")), pool_size=1)
    try:
        async with place.transaction(("0682",)) as connection:
            again = await geo_store.again(connection, "placements", [("0682", report_id(1))])
        stored = again["0682", report_id(1)].values()
        events = [ReportLocated.model_validate_json(s.event) for placed in stored for s in placed]
        assert [e.report.revision for e in events] == [1, 2, 3], "what was published can be published again"
    finally:
        await place.close()
