"""Any request at all: Schemathesis makes them from each room's OpenAPI document and holds the answers against it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.instance import Instance

EXAMPLES = 20
LEFT_OUT = ("positive_data_acceptance",)
"""What no schema can say (a longitude needs a latitude, a type must be in the taxonomy) is refused with 422."""
NO_JSON = ("/v1/reports:batch", "/v1/batches")
"""Their bodies are lines of JSON, which Schemathesis cannot make; tests/integration/test_batches.py does."""


@pytest.mark.parametrize("room", ["ingest", "geo", "analysis", "notify"])
async def test_no_request_makes_a_room_fail_or_answer_otherwise_than_documented(
    instance: Instance, kommun: str, room: str, tmp_path: Path
) -> None:
    tenant = await instance.tenant(kommun)
    secret = tenant.key if room == "ingest" else tenant.token
    address = f"{instance.ground.layout.url(f'{room}_serve')}/openapi/{room}.json"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", address,
        "-H", f"Authorization: Bearer {secret}", "--phases", "coverage,fuzzing", "-n", str(EXAMPLES), "--seed", "1",
        "--continue-on-failure", "--no-color", "--suppress-health-check", "all", "--exclude-checks", ",".join(LEFT_OUT),
        "--request-timeout", "60",  # the outlines of all of Sweden take a busy machine more than the usual ten
        *(part for path in NO_JSON for part in ("--exclude-path", path)),
    ]  # fmt: skip
    environment = os.environ | {"NO_PROXY": "*", "PYTHONWARNINGS": "ignore"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path, env=environment
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-6000:]
