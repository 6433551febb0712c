"""Dead letters are listed, shown and put back; what was bad by circumstance counts once, what is bad comes back."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import yaml

from deploy.status import collect
from schemas.envelope import Envelope, event_type
from schemas.topics import REPORT_RECEIVED
from services.runtime.migrations import OWNER_ROLE, STATUS_ROLE, serve_role
from services.runtime.publisher import Outgoing, Publisher
from tests.support.command import lagesbild
from tests.support.facts import NOON, received
from tests.support.http import asking
from tests.support.instance import Instance, eventually, reports


async def _letters(instance: Instance, consumer: str) -> list[dict[str, Any]]:
    listed = await lagesbild(instance.ground, "dead-letters", "list", consumer, "--json")
    return list(json.loads(listed.out))


async def _waiting(instance: Instance) -> int:
    """What the status says of analysis' letters."""
    url = instance.ground.database_url(STATUS_ROLE)
    found = await collect(status_url=url, kafka=instance.ground.kafka, urls={})
    return int(found["dead_letters"].get("analysis.reports", 0))


async def test_a_letter_is_put_back_once_and_counts_once(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    owner = await asyncpg.connect(instance.ground.dsn(OWNER_ROLE))
    await owner.execute(
        "alter table analysis.facts add constraint accident "
        f"check (kommun <> '{kommun}' or reason is not null) not valid"
    )
    try:
        async with asking(instance.url) as http:
            for report in reports(3, "aside"):
                await tenant.send(http, report)

        async def aside() -> bool:
            return len([x for x in await _letters(instance, "analysis.reports") if x["reason"] == "handler_error"]) >= 3

        await eventually(aside, "three letters aside")
    finally:
        await owner.execute("alter table analysis.facts drop constraint accident")
        await owner.close()
    letters = [x for x in await _letters(instance, "analysis.reports") if x["reason"] == "handler_error"]
    shown = await lagesbild(instance.ground, "dead-letters", "show", letters[-1]["id"])
    assert json.loads(json.loads(shown.out)["value"])["report"]["event_type"]

    waiting = await _waiting(instance)
    one = await lagesbild(instance.ground, "redrive", letters[-1]["id"], "--json")
    assert json.loads(one.out) == {"put_back": [letters[-1]["id"]], "before": []}
    assert await _waiting(instance) == waiting - 1
    rest = await lagesbild(instance.ground, "redrive", "--all", "analysis.reports", "--json")
    assert letters[-1]["id"] in json.loads(rest.out)["before"]
    assert await tenant.tally(3) == {"sent": 3, "facts": 3, "counted": 3, "lost": 0, "unknown": 0, "doubled": 0}
    once_more = await lagesbild(instance.ground, "redrive", "--all", "analysis.reports", "--again", "--json")
    assert {x["id"] for x in letters} <= set(json.loads(once_more.out)["put_back"])
    async with asking(instance.url) as http:
        await tenant.send(http, reports(1, "after")[0])
    assert (await tenant.tally(4))["counted"] == 4


async def test_what_is_still_bad_comes_back_as_it_was(instance: Instance, kommun: str) -> None:
    envelope = Envelope(str(uuid4()), "/attack", event_type("report-received", 9), NOON, kommun, str(uuid4()))
    headers = [*envelope.headers(), ("x-null", None), ("x-odd", b"\xff\xfe")]
    value = received(77, kommun=kommun).model_dump_json().encode()
    publisher = Publisher(instance.ground.kafka, max_request_size=2_000_000, client_id="test")
    await publisher.send([Outgoing(REPORT_RECEIVED.name, kommun.encode(), value, headers)])
    await publisher.stop()
    known: set[str] = set()

    async def mine() -> list[dict[str, Any]]:
        return [
            whole
            for x in await _letters(instance, "geo.reports")
            if x["reason"] == "unknown_version"
            and (whole := json.loads((await lagesbild(instance.ground, "dead-letters", "show", x["id"])).out))["key"]
            == kommun
        ]

    async def another() -> bool:
        return bool({x["id"] for x in await mine()} - known)

    await eventually(another, "the letter")
    (first,) = await mine()
    known.add(first["id"])
    await lagesbild(instance.ground, "redrive", first["id"])
    await eventually(another, "it comes back")
    second = next(x for x in await mine() if x["id"] not in known)
    for field in ("key", "value", "headers", "reason", "bytes"):
        assert second[field] == first[field], field
    assert first["headers"]["x-null"] is None
    missing = await lagesbild(instance.ground, "redrive", "no-such-letter", expect=1)
    assert "There is no dead letter no-such-letter" in missing.err


@pytest.mark.parametrize(
    "command",
    [
        ("topics",),
        ("dead-letters", "list"),
        ("redrive", "--all", "geo.reports"),
        ("accept-broker", "geo.reports", "--from", "keep"),
        ("republish",),
        ("municipality", "create", "7999", "--name", "Provby"),
    ],
)
async def test_an_operator_in_a_container_needs_addresses_and_nothing_of_the_local_run(
    instance: Instance, command: tuple[str, ...], tmp_path: Path
) -> None:
    """The image has no parts of the local run in it, and no instance in a folder."""
    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8"))
    ground = instance.ground
    values = {
        "LAGESBILD_KAFKA": ground.kafka,
        "LAGESBILD_OWNER_URL": ground.database_url(OWNER_ROLE),
        "LAGESBILD_DATABASE_URL": ground.database_url(serve_role("ingest")),
        "LAGESBILD_PUBLIC_URL": "https://lagesbild.example",
    }
    given = {name: values[name] for name in compose["services"]["operator"]["environment"]}
    program = "import sys; sys.modules['deploy.local'] = None; from services.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *command,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])} | given, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
