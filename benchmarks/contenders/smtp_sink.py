"""A mail server that takes everything, in a process of its own: one line per mail, when it was taken and which."""

import argparse
import asyncio
import re
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Sink:
    """aiosmtpd's handler."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Note and forget."""
        found = _ID.search(envelope.content[:4000])
        print(time.monotonic(), found.group(1).decode() if found else "-", file=self._file)
        return "250 OK"


async def main() -> None:
    """Until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path", type=Path)
    chosen = parser.parse_args()
    sink = Sink(chosen.path)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True), "127.0.0.1", chosen.port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
