"""SQL for uploads: a batch, its lines in pieces, the queue that the working process takes from."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.domain import Sender
from services.runtime.database import Database

_BEGIN = text("""
    insert into batches (kommun, batch_id, client_id, sender, correlation)
    values (:kommun, :batch, :client, cast(:sender as jsonb), :correlation)""")
_PIECE = text("""
    insert into batch_pieces (kommun, batch_id, piece, first_line, lines)
    values (:kommun, :batch, :piece, :first, :lines)""")
_COMPLETE = text("update batches set complete = true, lines = :lines where kommun = :kommun and batch_id = :batch")
_QUEUE = text("""
    insert into batch_queue (batch_id, kommun, at) values (:batch, :kommun, now() + make_interval(secs => :seconds))""")
_TAKE = text("""
    update batch_queue set at = now() + make_interval(secs => :lease)
    where batch_id = (select batch_id from batch_queue where at <= now() order by at limit 1 for update skip locked)
    returning batch_id, kommun""")
_EXTEND = text("update batch_queue set at = now() + make_interval(secs => :seconds) where batch_id = :batch")
_DROP = text("delete from batch_queue where batch_id = :batch")
_ONE = text("""
    select batch_id, client_id, sender, correlation, lines, handled, outcomes, complete, created_at,
        finished_at
    from batches
    where kommun = :kommun and batch_id = :batch""")
_NEXT = text("""
    select piece, first_line, lines from batch_pieces
    where kommun = :kommun and batch_id = :batch and answers is null order by piece limit 1""")
_ANSWER = text("""
    update batch_pieces set answers = :answers, lines = null
    where kommun = :kommun and batch_id = :batch and piece = :piece and answers is null""")
_HANDLED = text("""
    update batches set handled = handled + :lines, outcomes = (
        select coalesce(jsonb_object_agg(outcome, total), '{}') from (
            select outcome, sum(n::bigint) as total from (
                select * from jsonb_each_text(outcomes)
                union all select * from jsonb_each_text(cast(:outcomes as jsonb))) as each(outcome, n)
            group by outcome) as sums)
    where kommun = :kommun and batch_id = :batch""")
_FINISH = text("update batches set finished_at = now() where kommun = :kommun and batch_id = :batch")
_ANSWERS = text("""
    select answers from batch_pieces where kommun = :kommun and batch_id = :batch and piece = :piece""")
_FORGET_PIECES = text("delete from batch_pieces where kommun = :kommun and batch_id = :batch")
_FORGET = text("delete from batches where kommun = :kommun and batch_id = :batch")


async def begin(
    connection: AsyncConnection, batch: UUID, sender: Sender, correlation: str, *, give_up_seconds: float
) -> None:
    """A batch whose lines are about to come; the sender as it is now. It is forgotten if they never all do."""
    values = {"kommun": sender.kommun, "batch": batch, "client": sender.client_id}
    await connection.execute(_BEGIN, values | {"sender": sender.model_dump_json(), "correlation": correlation})
    await connection.execute(_QUEUE, {"kommun": sender.kommun, "batch": batch, "seconds": give_up_seconds})


async def add_piece(
    connection: AsyncConnection, kommun: str, batch: UUID, piece: int, *, first_line: int, lines: bytes
) -> None:
    """Some lines of an upload."""
    values = {"kommun": kommun, "batch": batch, "piece": piece, "first": first_line, "lines": lines}
    await connection.execute(_PIECE, values)


async def complete(connection: AsyncConnection, kommun: str, batch: UUID, lines: int) -> None:
    """The upload is here: it may be handled."""
    await connection.execute(_COMPLETE, {"kommun": kommun, "batch": batch, "lines": lines})
    await extend(connection, batch, 0)


async def take(connection: AsyncConnection, lease: float) -> tuple[UUID, str] | None:
    """Take one batch for ``lease`` seconds: (id, municipality). After a crash it comes back by itself."""
    row = (await connection.execute(_TAKE, {"lease": lease})).first()
    return None if row is None else (row.batch_id, row.kommun)


async def extend(connection: AsyncConnection, batch: UUID, seconds: float) -> None:
    """Come back to it after so many seconds."""
    await connection.execute(_EXTEND, {"batch": batch, "seconds": seconds})


async def one(connection: AsyncConnection, kommun: str, batch: UUID) -> Row[Any] | None:
    """A batch and how far it has come."""
    return (await connection.execute(_ONE, {"kommun": kommun, "batch": batch})).first()


async def following(connection: AsyncConnection, kommun: str, batch: UUID) -> Row[Any] | None:
    """The next piece without answers."""
    return (await connection.execute(_NEXT, {"kommun": kommun, "batch": batch})).first()


async def answer(
    connection: AsyncConnection,
    kommun: str,
    batch: UUID,
    piece: int,
    *,
    answers: str,
    lines: int,
    outcomes: Mapping[str, int],
) -> None:
    """Keep the answers of a piece, count them, and let its lines go: they may hold text that was refused."""
    values = {"kommun": kommun, "batch": batch, "piece": piece}
    if (await connection.execute(_ANSWER, values | {"answers": answers})).rowcount:
        await connection.execute(
            _HANDLED, {"kommun": kommun, "batch": batch, "lines": lines, "outcomes": json.dumps(outcomes)}
        )


async def finish(connection: AsyncConnection, kommun: str, batch: UUID, keep_seconds: float) -> None:
    """Every piece has its answers; the queue remembers when to forget them."""
    await connection.execute(_FINISH, {"kommun": kommun, "batch": batch})
    await extend(connection, batch, keep_seconds)


async def forget(connection: AsyncConnection, kommun: str, batch: UUID) -> None:
    """Delete a batch, its answers and its place in the queue."""
    for statement in (_FORGET_PIECES, _FORGET):
        await connection.execute(statement, {"kommun": kommun, "batch": batch})
    await connection.execute(_DROP, {"batch": batch})


async def answers(database: Database, kommun: str, batch: UUID) -> AsyncIterator[str]:
    """The answers piece by piece, each in a transaction of its own: constant memory, no long transaction."""
    piece = 0
    while True:
        async with database.transaction((kommun,)) as connection:
            found = await connection.scalar(_ANSWERS, {"kommun": kommun, "batch": batch, "piece": piece})
        if found is None:
            return
        yield found
        piece += 1
