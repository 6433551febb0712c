"""The integrator's page as its reader would use it: every example is run, in the order of the page."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.ingest.handlers.keys import Keys
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.support.instance import Instance, Tenant

PAGE = Path(__file__).parents[2] / "docs" / "integration.md"
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
async def keys(instance: Instance, kommun: str) -> tuple[Tenant, UUID, str, str]:
    tenant = await instance.tenant(kommun)
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        about: dict[str, Any] = {"system": "Guiden", "organisation": "Provbolaget", "source": "fastighetsbolag"}
        client, real = await Keys(database).create(kommun, **about, scopes=["reports:write"])
        _, sandbox = await Keys(database).create(kommun, **about, scopes=[], sandbox=True)
    finally:
        await database.close()
    return tenant, client, real, sandbox


async def run(kind: str, example: str, **settings: str) -> str:
    command = ["bash", "-euc", example] if kind == "sh" else [sys.executable, "-c", example]
    environment = os.environ | settings | {"NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_every_example_does_what_the_page_says(instance: Instance, keys: tuple[Tenant, UUID, str, str]) -> None:
    tenant, client, real, sandbox = keys
    exports, one, wrong, batch, night, token = EXAMPLES
    assert "export KEY=" in exports[1]
    about = {"LAGESBILD": instance.url, "CLIENT": str(client)}
    assert json.loads(await run(*one, **about, KEY=sandbox))["sandbox"] is True
    for _ in range(2):
        answer = json.loads(await run(*one, **about, KEY=real))
        assert (answer["id"], answer["outcome"]) == ("arende-4711", "created"), "again is answered as the first time"
    refused = json.loads(await run(*wrong, **about, KEY=sandbox))
    assert (refused["status"], bool(refused["title"])) == (422, True)
    lines = [json.loads(line) for line in (await run(*batch, **about, KEY=real)).splitlines()]
    assert [line["outcome"] for line in lines] == ["created", "created"]
    assert (await run(*night, **about, KEY=real)).strip() == "500 {'created': 500}"
    assert (await run(*night, **about, KEY=real)).strip() == "500 {'created': 500}", "as the first time"
    bought = json.loads(await run(*token, **about, KEY=real))["access_token"]
    assert json.loads(await run(*one, **about, KEY=bought))["outcome"] == "created"
    assert (await tenant_total(instance, tenant)) == 503


async def tenant_total(instance: Instance, tenant: Tenant) -> int:
    """Reports of the municipality that the door has stored."""
    query = "select count(*) as n from reports where kommun = $1"
    rows = await instance.sql(query, tenant.kommun, kommun=tenant.kommun, room="ingest")
    return int(rows[0]["n"])
