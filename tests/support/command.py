"""The command line as an operator runs it, against the ground's servers."""

import asyncio
import os
import sys
from dataclasses import dataclass

from services.runtime.migrations import OWNER_ROLE
from tests.support.ground import Ground


@dataclass(frozen=True)
class Said:
    out: str
    err: str


async def lagesbild(ground: Ground, *arguments: str, expect: int = 0, **environment: str) -> Said:
    """Run ``lagesbild`` with the ground's addresses in the environment; AssertionError for another exit code."""
    named = {
        "LAGESBILD_KAFKA": ground.kafka,
        "LAGESBILD_OWNER_URL": ground.database_url(OWNER_ROLE),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        env=os.environ | named | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == expect, f"{arguments}: {process.returncode}\n{out.decode()}\n{err.decode()}"
    return Said(out.decode(), err.decode())
