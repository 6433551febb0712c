"""A network between the rooms and their servers that a test can cut: bytes stand still both ways, nobody is told."""

import asyncio
from contextlib import suppress
from pathlib import Path


class Wire:
    """Forwards connections from one address to another, a TCP port or the path of a Unix socket.

    While it is cut, what either side sends is held back as by a network that loses every packet, and new connections
    are taken but reach nobody. Both servers and clients live on and draw their own conclusions meanwhile.
    """

    def __init__(self, near: int | Path, far: int | Path) -> None:
        self._near, self._far = near, far
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Wire":
        if isinstance(self._near, int):
            self._server = await asyncio.start_server(self._taken, "127.0.0.1", self._near)
        else:
            self._server = await asyncio.start_unix_server(self._taken, self._near)
            self._near.chmod(0o777)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self, seconds: float) -> None:
        """Hold everything back for so long."""
        self._whole.clear()
        await asyncio.sleep(seconds)
        self._whole.set()

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._whole.wait()
        try:
            if isinstance(self._far, int):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
            else:
                far_reader, far_writer = await asyncio.open_unix_connection(self._far)
        except OSError:
            writer.close()
            return
        ways = [asyncio.create_task(w) for w in (self._carry(reader, far_writer), self._carry(far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            far_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()
