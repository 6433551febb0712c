"""SQL of gallring in the ledger: what is settled and older than the municipality keeps it."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_MESSAGES = text("""
    with gone as (
        delete from deliveries where kommun = :kommun and coalesce(sent_at, created_at) < :before
            and state not in ('due', 'sending') returning delivery_id),
    tried as (
        delete from attempts a using gone where a.kommun = :kommun and a.delivery_id = gone.delivery_id)
    select count(*) from gone""")
_REST = (
    text("""
        delete from alerts a where kommun = :kommun and last_at < :before and closed_at is not null and not exists (
            select 1 from deliveries d where d.kommun = a.kommun and d.alert_id = a.alert_id)"""),
    text("delete from notices where kommun = :kommun and created_at < :before and state <> 'new'"),
    *(
        text(f"""delete from {table} t where kommun = :kommun and not exists (
            select 1 from alerts a where a.kommun = t.kommun and a.alert_id = t.alert_id)""")  # noqa: S608 - constants
        for table in ("silences", "answers")
    ),
)
_NUMBERS = text("delete from numbers where kommun = :kommun and until < now() - interval '1 day'")


async def tidy(connection: AsyncConnection, kommun: str, before: datetime) -> int:
    """Delete what is settled and from before this moment; returns how many messages that were.

    What waits stays, and so does what is still going on.
    """
    count = int(await connection.scalar(_MESSAGES, {"kommun": kommun, "before": before}) or 0)
    for statement in _REST:
        await connection.execute(statement, {"kommun": kommun, "before": before})
    return count


async def forget_numbers(connection: AsyncConnection, kommun: str) -> None:
    """Numbers whose code never came back."""
    await connection.execute(_NUMBERS, {"kommun": kommun})
