"""Keeps programs alive: starts them, waits until they answer, starts again what dies, stops all in reverse order.

Our own forty lines, after looking for a library: supervisor's back-off grows without a ceiling and gives up, honcho
and its kin end everything when one program ends, circus is no longer maintained (docs/decisions/0006-supervision.md).
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.halts import last_halt
from services.runtime.halt import EXIT_CODE

LONGEST_DELAY = 60.0
STEADY = 60.0
"""A program that ran this long is no longer suspected: its next restart comes at once. Seconds."""
_PR_SET_PDEATHSIG = 1


class NotReady(Exception):
    """A program did not answer in time; the text names its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running."""

    name: str
    argv: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 45.0
    ready_timeout: float = 180.0
    """Eight processes at once on two slow cores take more than a minute; one that halts is not waited for."""
    user: str | None = None


class _Kept:
    """One program and the task that keeps it."""

    def __init__(self, program: Program, tell: Callable[[str], None]) -> None:
        self.program, self._tell = program, tell
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self.halt: str | None = None
        """Why it stopped on purpose, if that is how it ended last."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._spawn()
        self._task = asyncio.create_task(self._keep(), name=self.program.name)

    async def _spawn(self) -> None:
        program = self.program

        def bound_to_parent() -> None:
            """The kernel stops the child when this process dies, however it dies: no orphans."""
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(program.stop_signal))

        with program.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *program.argv,
                env=os.environ | dict(program.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=bound_to_parent,
                **({"user": program.user, "group": program.user, "extra_groups": []} if program.user else {}),  # type: ignore[arg-type]
            )

    async def _keep(self) -> None:
        delay = 0.5
        while True:
            assert self.process is not None  # noqa: S101 - start() has set it
            started = time.monotonic()
            code = await self.process.wait()
            delay = 0.5 if time.monotonic() - started > STEADY else min(delay * 2, LONGEST_DELAY)
            self.restarts += 1
            halt = last_halt(self.program.log) if code == EXIT_CODE else None
            self.halt = halt.reason if halt is not None else None
            self._tell(
                f"{self.program.name} ended with code {code}{f' ({self.halt})' if self.halt else ''}; "
                f"starting it again in {delay:.0f} s (restart {self.restarts}, log {self.program.log})"
            )
            await asyncio.sleep(delay)
            await self._spawned(delay)

    async def _spawned(self, delay: float) -> None:
        """A new process, as soon as the machine gives one: no memory or no file is no reason to give up."""
        while True:
            try:
                return await self._spawn()
            except OSError as error:
                self._tell(f"{self.program.name} could not be started: {error}; trying again in {delay:.0f} s")
                await asyncio.sleep(delay)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        process = self.process
        if process is None or process.returncode is not None:
            return
        _signal(process, self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.stop_timeout):
                await process.wait()
        except TimeoutError:
            self._tell(f"{self.program.name} did not stop in {self.program.stop_timeout:.0f} s and is killed")
            _signal(process, signal.SIGKILL)
            await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal the leader; SIGKILL goes to the whole group, so that nothing stays behind."""
    with contextlib.suppress(ProcessLookupError):
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


class Supervisor:
    """The programs of one instance."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._kept: list[_Kept] = []

    async def start(self, *programs: Program) -> None:
        """Start these together and return when all answer; NotReady when one does not.

        One that halts is kept and not waited for: the others can do without it, and mending it may need them.
        """
        fresh = [_Kept(program, self._tell) for program in programs]
        self._kept += fresh
        for kept in fresh:
            await kept.start()
        await asyncio.gather(*(self._await_ready(kept) for kept in fresh))

    async def _await_ready(self, kept: _Kept) -> None:
        program = kept.program
        deadline = time.monotonic() + program.ready_timeout
        while time.monotonic() < deadline:
            if kept.halt is not None or await program.ready():
                return
            await asyncio.sleep(0.15)
        raise NotReady(f"{program.name} did not answer within {program.ready_timeout:.0f} s; see {program.log}")

    async def stop(self) -> None:
        """Stop everything, last started first; programs started together stop together."""
        kept, self._kept = self._kept, []
        rooms = [k for k in kept if k.program.name not in GROUND]
        ground = [k for k in kept if k.program.name in GROUND]
        await asyncio.gather(*(k.stop() for k in rooms))
        await asyncio.gather(*(k.stop() for k in ground))

    async def stop_one(self, name: str) -> None:
        """Stop one program and no longer keep it."""
        for kept in [k for k in self._kept if k.program.name == name]:
            self._kept.remove(kept)
            await kept.stop()

    def pids(self) -> dict[str, int]:
        """Program → process id of those that run now."""
        return {k.program.name: k.process.pid for k in self._kept if k.process and k.process.returncode is None}


GROUND = ("postgres", "kafka")
"""What the rooms stand on: stopped after them."""
