"""SQL of placing anew: what was asked for, the queue of it, and the newest placements in the order of reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_ASK = text("""
    insert into replacings (kommun, replacing_id, scope, reason, after_report)
    values (:kommun, :id, :scope, :reason, '00000000-0000-0000-0000-000000000000')""")
_QUEUE = text("insert into replacing_queue (replacing_id, kommun, at) values (:id, :kommun, :at)")
_TAKE = text("""
    update replacing_queue set at = now() + make_interval(secs => :lease)
    where replacing_id = (
        select replacing_id from replacing_queue where at <= now() order by at limit 1 for update skip locked)
    returning replacing_id, kommun""")
_ONE = text("""
    select scope, reason, after_report, looked_at, changed, finished_at from replacings
    where kommun = :kommun and replacing_id = :id""")
_LIST = text("""
    select replacing_id, scope, reason, asked_at, looked_at, changed, finished_at from replacings
    where kommun = :kommun order by asked_at desc limit 50""")
_MOVE = text("""
    update replacings set after_report = :after, looked_at = looked_at + :looked, changed = changed + :changed
    where kommun = :kommun and replacing_id = :id""")
_FINISH = text("update replacings set finished_at = now() where kommun = :kommun and replacing_id = :id")
_DROP = text("delete from replacing_queue where replacing_id = :id")
_EXTEND = text("update replacing_queue set at = now() + make_interval(secs => :lease) where replacing_id = :id")
_LOCK = text("select 1 from positions where consumer = :consumer order by topic, partition for update")
_PAGE = text("""
    select distinct on (report_id) report_id, placement, revision, event, envelope_id from placements
    where kommun = :kommun and report_id > :after order by report_id, placement desc limit :limit""")


class Asked(NamedTuple):
    """One request to place anew, and how far it has come."""

    scope: str
    reason: str
    after_report: UUID
    looked_at: int
    changed: int
    finished_at: datetime | None


class Placed(NamedTuple):
    """The newest placement of a report, as it was published."""

    report_id: UUID
    placement: int
    revision: int
    event: str
    envelope_id: str


async def ask(connection: AsyncConnection, kommun: str, ident: UUID, *, scope: str, reason: str, at: datetime) -> None:
    """Ask for the municipality's reports to be placed anew, at some time."""
    await connection.execute(_ASK, {"kommun": kommun, "id": ident, "scope": scope, "reason": reason})
    await connection.execute(_QUEUE, {"kommun": kommun, "id": ident, "at": at})


async def take(connection: AsyncConnection, lease: float) -> tuple[UUID, str] | None:
    """Take a request for ``lease`` seconds: (id, municipality). After a crash it comes back by itself."""
    row = (await connection.execute(_TAKE, {"lease": lease})).first()
    return None if row is None else (row.replacing_id, row.kommun)


async def one(connection: AsyncConnection, kommun: str, ident: UUID) -> Asked | None:
    """A request and how far it has come."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "id": ident})).first()
    return None if row is None else Asked(*row)


async def asked(connection: AsyncConnection, kommun: str) -> list[dict[str, object]]:
    """The fifty newest requests of a municipality."""
    return [dict(row._mapping) for row in await connection.execute(_LIST, {"kommun": kommun})]  # noqa: SLF001 - SQLAlchemy's public name


async def stop_consumers(connection: AsyncConnection, consumer: str) -> None:
    """Until this transaction ends no batch of the consumer is applied, so that both never mint one number."""
    await connection.execute(_LOCK, {"consumer": consumer})


async def page(connection: AsyncConnection, kommun: str, after: UUID, limit: int) -> list[Placed]:
    """The newest placements of the reports after one, in the order of their ids."""
    rows = await connection.execute(_PAGE, {"kommun": kommun, "after": after, "limit": limit})
    return [Placed(*row) for row in rows]


async def move(connection: AsyncConnection, kommun: str, ident: UUID, after: UUID, done: Mapping[str, int]) -> None:
    """How far it has come, in the transaction of what was ``done``: reports ``looked`` at and ``changed``."""
    values = {"kommun": kommun, "id": ident, "after": after, **done}
    await connection.execute(_MOVE, values)


async def extend(connection: AsyncConnection, ident: UUID, lease: float) -> None:
    """Keep it for longer."""
    await connection.execute(_EXTEND, {"id": ident, "lease": lease})


async def finish(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """It is done."""
    await connection.execute(_FINISH, {"kommun": kommun, "id": ident})
    await connection.execute(_DROP, {"id": ident})
