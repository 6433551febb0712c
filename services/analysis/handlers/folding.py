"""Folding in a process of its own: facts are read and folded there while this one feeds the database (``chunks``).

Both are work for Python, and one interpreter does one thing at a time. The process reads chunks from its standard input
until that ends, so it never outlives who began it, however that one ended.
"""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.analysis.store import facts as store
from services.analysis.store.views import Written, written
from services.analysis.views import View, fold
from services.analysis.views.catalogue import BY_NAME, CONTEXT, family_of

_PROGRAM = f"import os; to = os.dup(1); os.dup2(2, 1); from {__name__} import main; main(to)"
"""Imported, not run as a script: answers are of this module's classes. What anything prints is no answer."""
_LENGTH = 8
_PATIENCE = 60.0
"""Seconds for an answer; a chunk takes a fraction of one, also on a slow machine."""
_LIMIT = 2**26
"""Bytes of an answer that are read at once; a chunk of two thousand facts is some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Facts that are folded: the last one's id, how many there were, what they are in each view.

    ``somewhere``: of each area set that they lie in one fact that counts; nothing of published items.
    """

    last: UUID
    facts: int
    somewhere: Sequence[Any]
    changes: Sequence[Written]


def folded(views: Sequence[View[Any]], last: UUID, events: Sequence[str]) -> Chunk:
    """These facts, as stored, in these views of one kind of fact. Unreadable."""
    family = family_of(views[0])
    counting = [fact for e in events if (fact := family.counts(store.read(family.model, e))) is not None]
    sets = {} if family is CONTEXT else {(fact.kommun, fact.areas.number): fact for fact in counting}
    changes = [written(view, fold(view.contributions, counting)) for view in views]
    return Chunk(last, len(events), list(sets.values()), changes)


class Apart:
    """The process that folds. ``Gone`` once it has ended or could not: what was asked of it is to be done here."""

    class Gone(Exception):
        """It answers no more."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begun(cls) -> "Apart":
        """A new one, ready for work. OSError, Gone."""
        pipe = asyncio.subprocess.PIPE
        apart = cls(
            # -P: what lies in the folder where somebody stands is no program of ours.
            await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", _PROGRAM, stdin=pipe, stdout=pipe, limit=_LIMIT
            )
        )
        try:
            await apart._ask(None)
        except BaseException:
            await apart.end()
            raise
        return apart

    async def fold(self, views: Sequence[View[Any]], last: UUID, events: Sequence[str]) -> Chunk:
        """See ``folded``. Gone, also for a fact that it cannot read: here that is said better."""
        answer = await self._ask(([view.name for view in views], last, events))
        if not isinstance(answer, Chunk):
            raise self.Gone
        return answer

    async def _ask(self, question: object) -> object:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101 - pipes, by ``begun``
        assert back is not None  # noqa: S101 - as above
        try:
            async with asyncio.timeout(_PATIENCE):
                to.write(_frame(question))
                await to.drain()
                length = int.from_bytes(await back.readexactly(_LENGTH))
                answer = await back.readexactly(length)
            return pickle.loads(answer)  # noqa: S301 - our own process, by a pipe
        except (OSError, EOFError, pickle.UnpicklingError) as gone:
            raise self.Gone from gone

    async def end(self) -> None:
        """Let it go, and wait until it has gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


def _frame(value: object) -> bytes:
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(_LENGTH) + body


def _answer(question: Any) -> Chunk | None:
    """None where there is nothing to fold, and for facts that cannot be read."""
    if question is None:
        return None
    names, last, events = question
    try:
        return folded([BY_NAME[name] for name in names], last, events)
    except Exception:  # noqa: BLE001 - whatever it is, who asked meets it as well and says it
        return None


def main(to: int) -> None:
    """Answer on this file descriptor until the questions end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began us decides
    source, target = sys.stdin.buffer, os.fdopen(to, "wb")
    while head := source.read(_LENGTH):
        question = pickle.loads(source.read(int.from_bytes(head)))  # noqa: S301 - who began us, by a pipe
        target.write(_frame(_answer(question)))
        target.flush()
