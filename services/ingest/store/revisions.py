"""SQL for reading every stored revision in order, to send them again."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER

Place = tuple[UUID, int]
BEFORE_ALL: Place = (UUID(int=0), -1)

_MUNICIPALITIES = text("select kommun from municipalities order by kommun")
_REPORTS = text("""
    select report_id as id, revision, event::text as event from revisions
    where kommun = :owner and (report_id, revision) > (:id, :revision) order by report_id, revision limit :limit""")
_CONTEXT = text("""
    select context_id as id, revision, event::text as event from context_revisions
    where kommun = :owner and event is not null and (context_id, revision) > (:id, :revision)
    order by context_id, revision limit :limit""")


async def municipalities(connection: AsyncConnection) -> list[str]:
    """Every municipality that the door knows."""
    return [r.kommun for r in await connection.execute(_MUNICIPALITIES)]


async def page(connection: AsyncConnection, owner: str, after: Place, limit: int) -> list[tuple[Place, str]]:
    """The next revisions of an owner in the order of (id, revision): their place and their event as JSON."""
    statement = _CONTEXT if owner == CONTEXT_OWNER else _REPORTS
    values = {"owner": owner, "id": after[0], "revision": after[1], "limit": limit}
    return [((r.id, r.revision), r.event) for r in await connection.execute(statement, values)]
