"""The typed client that is generated from the door's OpenAPI document: checked by mypy, and used."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instance import Instance, Tenant

ROOT = Path(__file__).parents[2]
PROGRAM = """
import datetime
import json
import sys
from io import BytesIO
from uuid import UUID

from lagesbild_client import AuthenticatedClient
from lagesbild_client.api.batches import post_batch
from lagesbild_client.api.reports import get_report, post_report
from lagesbild_client.models import PlaceAsGiven, ProblemBody, ReportAnswer, ReportIn, ReportState
from lagesbild_client.types import File


def main(url: str, key: str) -> None:
    now = datetime.datetime(2026, 11, 20, 22, tzinfo=datetime.timezone.utc)
    with AuthenticatedClient(base_url=url, token=key) as client:
        report = ReportIn(id="klient-1", event_type="A1", time_from=now, place=PlaceAsGiven(text="Storgatan 5"))
        answer = post_report.sync(client=client, body=report)
        assert isinstance(answer, ReportAnswer), answer
        print(answer.outcome)
        state = get_report.sync(UUID(str(answer.report_id)), client=client)
        assert isinstance(state, ReportState), state
        print(state.number == answer.number)
        wrong = post_report.sync(client=client, body=ReportIn(id="klient-2", event_type="A99", time_from=now))
        assert isinstance(wrong, ProblemBody), wrong
        print(wrong.status)
        line = json.dumps(report.to_dict() | {"id": "klient-3"}).encode()
        batch = post_batch.sync_detailed(client=client, body=File(payload=BytesIO(line)))
        print(batch.status_code.value, b"created" in batch.content)


main(sys.argv[1], sys.argv[2])
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, made as ``make client`` makes it, and a program that uses it."""
    folder = tmp_path_factory.mktemp("client")
    made = subprocess.run(
        [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--meta", "none",
         "--fail-on-warning",
         "--path", str(ROOT / "services/pages/documents/ingest.json"), "--config", str(ROOT / "deploy/client.yml"),
         "--output-path", str(folder / "lagesbild_client")],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    (folder / "lagesbild_client" / "py.typed").touch()
    (folder / "program.py").write_text(PROGRAM)
    return folder


def test_a_program_that_uses_it_is_well_typed(generated: Path) -> None:
    argv = [str(Path(sys.executable).with_name("mypy")), "--strict", "--config-file", os.devnull, "program.py"]
    checked = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=generated)
    assert checked.returncode == 0, checked.stdout
    wrong = generated / "wrong.py"
    wrong.write_text(PROGRAM.replace('event_type="A1"', "event_type=1"))
    argv[-1] = "wrong.py"
    refused = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=generated)
    assert 'incompatible type "int"' in refused.stdout
    shutil.rmtree(generated / ".mypy_cache")


async def test_it_hands_in_and_asks_and_is_told_what_is_wrong(instance: Instance, kommun: str, generated: Path) -> None:
    tenant: Tenant = await instance.tenant(kommun)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "program.py", instance.url, tenant.key, cwd=generated, env=os.environ | {"NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert said.decode().split() == ["created", "True", "422", "200", "True"]
