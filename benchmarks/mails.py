"""A mail server in a process of its own, which notes when it has taken what: for the benchmarks of the voice."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Ground
from deploy.local.layout import pick_port


@dataclass(slots=True)
class Sink:
    """The mail server's process and what it has noted."""

    port: int
    path: Path

    def taken(self) -> list[tuple[float, str]]:
        """(monotonic seconds, Message-ID) of every mail."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [(float(at), ident) for at, ident in (line.split(" ", 1) for line in lines)]


@asynccontextmanager
async def sink(ground: Ground, name: str) -> AsyncIterator[Sink]:
    """A mail server of its own for each part."""
    port, path = pick_port(), ground.layout.data / f"{name}.mails"
    command = [sys.executable, "-m", "benchmarks.contenders.smtp_sink", str(port), str(path)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await asyncio.sleep(1.5)
        yield Sink(port, path)
    finally:
        process.kill()
        await process.wait()
