"""Many reports at once, one JSON object a line: answered line by line now, or kept and answered later.

Pieces of a few hundred lines, one transaction each. A bad line never fails the others; a line that was handed in before
gets its first answer again, so sending everything once more is always safe.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import orjson
from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from services.ingest.domain import ReportIn, Sender
from services.ingest.handlers.refusing import missing_id, problem_of
from services.ingest.handlers.submitting import Answer, Outcome, submit_many
from services.ingest.store import batches as store
from services.runtime.database import Database
from services.runtime.errors import is_transient
from services.runtime.faultpoints import reach
from services.runtime.logs import logger
from services.runtime.problems import Problem, faults, where

PIECE = 500
"""Lines per transaction: each holds that many advisory locks, of which the server has some thousands in all."""
LONGEST_LINE = 65_536
LEASE_SECONDS = 60.0
KEEP_DAYS = 30
REFUSED = "refused"
"""How a line that became no report is counted in the delivery report."""
GIVE_UP_SECONDS = 86_400.0
"""An upload that has not ended after a day never will: its sender is gone, and its lines may hold text."""
_log = logger(__name__)


def _parse(raw: bytes) -> ReportIn | Problem:
    """The report in a line, or the problem with it; never repeats what was sent."""
    if len(raw) > LONGEST_LINE:
        return Problem(413, "too-large", "Raden är för lång.")
    try:
        report = ReportIn.model_validate_json(raw)
    except ValidationError as wrong:
        errors = faults(wrong)
        if errors[0]["type"] == "json_invalid":
            return Problem(400, "bad-request", "Raden är inte giltig JSON.")
        return Problem(422, "invalid", "Något i raden stämmer inte.", errors=errors)
    return report if report.id is not None else missing_id()


def _said(line: int, outcome: Outcome | Problem) -> dict[str, Any]:
    if isinstance(outcome, Answer):
        return {"line": line, "status": outcome.status} | outcome.body
    return {"line": line} | (outcome if isinstance(outcome, Problem) else problem_of(outcome)).body()


async def answer_lines(
    database: Database, sender: Sender, lines: Sequence[bytes], correlation: str, first: int = 1
) -> list[dict[str, Any]]:
    """Hand in one piece of lines, numbered from ``first``; one answer per line that is not empty, in order.

    A failure that nobody foresaw stays with its line: the piece is taken line by line, and the others arrive.
    """
    try:
        return await _answered(database, sender, lines, correlation, first)
    except Exception as error:
        if is_transient(error):
            raise
        _log.error("a piece of lines failed", lines=len(lines), error=type(error).__name__, where=where(error))
        if len(lines) == 1:
            return [
                _said(first, Problem(500, "internal", "Raden gick inte att ta emot. Felet är vårt och är noterat."))
            ]
    return [
        a for n, one in enumerate(lines, first) for a in await answer_lines(database, sender, [one], correlation, n)
    ]


async def _answered(
    database: Database, sender: Sender, lines: Sequence[bytes], correlation: str, first: int
) -> list[dict[str, Any]]:
    parsed = {n: _parse(raw) for n, raw in enumerate(lines, first) if raw.strip()}
    reports = {n: item for n, item in parsed.items() if isinstance(item, ReportIn)}
    outcomes = await submit_many(database, sender, list(reports.values()), correlation) if reports else []
    settled = dict(zip(reports, outcomes, strict=True))
    return [_said(n, item if isinstance(item, Problem) else settled[n]) for n, item in parsed.items()]


def ndjson(answers: Sequence[dict[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(orjson.dumps(a).decode() + "\n" for a in answers)


class Batches:
    """The door's use cases for many reports at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer_now(self, sender: Sender, lines: Sequence[bytes], correlation: str) -> AsyncIterator[str]:
        """The answers piece by piece, each committed before it is given out."""
        for start in range(0, len(lines), PIECE):
            piece = lines[start : start + PIECE]
            try:
                yield ndjson(await answer_lines(self._database, sender, piece, correlation, start + 1))
            except (SQLAlchemyError, OSError) as error:
                if not is_transient(error):
                    raise
                _log.warning("a piece could not be stored", error=type(error).__name__)
                numbers = [n for n, raw in enumerate(piece, start + 1) if raw.strip()]
                away = Problem(503, "unavailable", "Det gick inte att spara just nu. Skicka raden igen om en stund.")
                yield ndjson([_said(n, away) for n in numbers])

    async def keep(
        self, sender: Sender, body: AsyncIterator[bytes], correlation: str, admit: Callable[[int], Awaitable[None]]
    ) -> tuple[UUID, int]:
        """Store an upload as it comes, in pieces, for the working process; returns its id and number of lines.

        ``admit`` counts each piece's lines against the sender's quota and raises when it is used up; an upload that was
        broken off is forgotten.
        """
        batch, piece, count = uuid4(), 0, 0
        async with self._database.transaction((sender.kommun,)) as connection:
            await store.begin(connection, batch, sender, correlation, give_up_seconds=GIVE_UP_SECONDS)
        async for lines in _pieces(body):
            await admit(len(lines))
            async with self._database.transaction((sender.kommun,)) as connection:
                await store.add_piece(
                    connection, sender.kommun, batch, piece, first_line=count + 1, lines=b"\n".join(lines)
                )
            piece, count = piece + 1, count + len(lines)
        async with self._database.transaction((sender.kommun,)) as connection:
            await store.complete(connection, sender.kommun, batch, count)
        return batch, count

    async def find(self, kommun: str, batch: UUID) -> Row[Any] | None:
        """A batch and how far it has come."""
        async with self._database.transaction((kommun,)) as connection:
            return await store.one(connection, kommun, batch)

    def answers(self, kommun: str, batch: UUID) -> AsyncIterator[str]:
        """What became of every line, as NDJSON."""
        return store.answers(self._database, kommun, batch)

    async def work(self, pause: float = 1.0) -> None:
        """Until cancelled: handle what is due, and forget what is old."""
        while True:
            async with self._database.transaction() as connection:
                due = await store.take(connection, LEASE_SECONDS)
            if due is None:
                await asyncio.sleep(pause)
            else:
                await self._handle(*due)

    async def _handle(self, batch: UUID, kommun: str) -> None:
        found = await self.find(kommun, batch)
        if found is None or not found.complete or found.finished_at is not None:  # nobody waits for it any more
            async with self._database.transaction((kommun,)) as connection:
                await store.forget(connection, kommun, batch)
            return
        sender = Sender.model_validate(found.sender)
        while True:
            async with self._database.transaction((kommun,)) as connection:
                await store.extend(connection, batch, LEASE_SECONDS)
                piece = await store.following(connection, kommun, batch)
            if piece is None:
                break
            lines = bytes(piece.lines).split(b"\n")
            answers = await answer_lines(self._database, sender, lines, found.correlation, piece.first_line)
            await reach("batches.after_submit")
            async with self._database.transaction((kommun,)) as connection:
                await store.answer(
                    connection,
                    kommun,
                    batch,
                    piece.piece,
                    answers=ndjson(answers),
                    lines=len(lines),
                    outcomes=Counter(a.get("outcome") or REFUSED for a in answers),
                )
        async with self._database.transaction((kommun,)) as connection:
            await store.finish(connection, kommun, batch, KEEP_DAYS * 86_400)


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """The lines of a stream in pieces; a line that never ends is cut, so that memory stays bounded."""
    rest, lines = b"", []
    async for chunk in body:
        *whole, rest = (rest + chunk).split(b"\n")
        lines += [line[: LONGEST_LINE + 1] for line in whole]
        rest = rest[: LONGEST_LINE + 1]
        while len(lines) >= PIECE:
            yield lines[:PIECE]
            lines = lines[PIECE:]
    lines += [rest] if rest else []
    if lines:
        yield lines
