"""SQL of turns: how many messages a second a channel is given, by all processes together.

Who has to wait keeps the place in the line that was given at the first asking, beside what is due.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPEN = text("""
    insert into turns (channel, free_at, urgent_at) values (:channel, '-infinity', '-infinity')
    on conflict do nothing""")
_TURN = text("""
    with had as (
        select max(turn) as at from due
        where id = any(cast(:ids as uuid[])) and line = :line and turn > clock_timestamp() - make_interval(secs => 60)),
    given as (
        update turns t set
            free_at = greatest(t.free_at, clock_timestamp()) + make_interval(secs => :gap),
            urgent_at = case when :urgent then greatest(t.urgent_at, clock_timestamp()) + make_interval(secs => :gap)
                else t.urgent_at end
        from had where had.at is null and t.channel = :channel
            and case when :urgent then t.urgent_at else t.free_at end
                <= clock_timestamp() + make_interval(secs => :patience)
        returning case when :urgent then t.urgent_at else t.free_at end - make_interval(secs => :gap) as at),
    mine as (select coalesce((select at from had), (select at from given)) as at)
    update due set line = :line, turn = case when mine.at > clock_timestamp() then mine.at end
    from mine where id = any(cast(:ids as uuid[])) and mine.at is not null
    returning extract(epoch from mine.at - clock_timestamp())""")
"""A turn that nobody took for a minute is given anew: what had to stand still does not leave all at once."""


async def turn(
    connection: AsyncConnection,
    channel: str,
    ids: Sequence[UUID],
    per_second: float,
    *,
    urgent: bool,
    patience: float,
) -> float | None:
    """Seconds until the message of these entries may go by a channel that takes so many a second; 0 when it may now.

    None, and no place is taken, where the line is longer than ``patience`` seconds. Urgent ones have a line of their
    own, which the others wait for: at most ``per_second`` of them, too, and in all at most twice as many for as long as
    those last that were given their turns before. Until the transaction ends nobody else is given a turn.
    """
    await connection.execute(_OPEN, {"channel": channel})
    values = {"channel": channel, "ids": list(ids), "gap": 1 / per_second, "urgent": urgent, "patience": patience}
    values["line"] = f"{channel}!" if urgent else channel  # what has become urgent, or goes another way, asks anew
    left = await connection.scalar(_TURN, values)
    return None if left is None else max(0.0, float(left))
