"""SQL of a person's own ends: devices that show notifications, and a number that waits for its code."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 10
"""Devices of one person; the eleventh takes the oldest one's place."""
_ADD = text("""
    insert into devices (kommun, device_id, person_id, endpoint_digest, sealed, label)
    values (:kommun, :id, :person, :digest, :sealed, :label)
    on conflict (kommun, person_id, endpoint_digest) do update
    set sealed = excluded.sealed, label = excluded.label, added_at = now() returning device_id""")
_TAKE_OVER = text("""
    delete from devices where kommun = :kommun and endpoint_digest = :digest and person_id <> :person""")
_TRIM = text("""
    delete from devices where kommun = :kommun and device_id in (
        select device_id from devices where kommun = :kommun and person_id = :person
        order by added_at desc offset :most)""")
_OWN = text("""
    select device_id, label, added_at from devices where kommun = :kommun and person_id = :person order by added_at""")
_END = text("delete from devices where kommun = :kommun and device_id = :id and person_id = :person")
_FORGET = text("delete from devices where kommun = :kommun and device_id = any(cast(:ids as uuid[]))")
_WHO = text("select distinct person_id from devices where kommun = :kommun")
_ASK = text("""
    insert into numbers (kommun, person_id, phone, until) values (:kommun, :person, :phone, :until)
    on conflict (kommun, person_id) do update set phone = excluded.phone, until = excluded.until,
        tries = case when numbers.until > :now then numbers.tries else 0 end
    where numbers.until <= :now + cast(:lasts as interval) - cast(:apart as interval) returning 1""")
_WAITS = text("""
    select phone, until from numbers
    where kommun = :kommun and person_id = :person and phone <> '' and until > now()""")
_TRY = text("""
    update numbers set tries = tries + 1 where kommun = :kommun and person_id = :person and until > :now
    and tries < :most and phone <> '' returning phone, until""")
_SETTLE = text("update numbers set phone = '' where kommun = :kommun and person_id = :person")


async def add(
    connection: AsyncConnection, kommun: str, person: UUID, ident: UUID, *, digest: bytes, sealed: str, label: str
) -> UUID:
    """Keep a device; one that is known already keeps its id, and whoever had it before has it no more."""
    values = {"kommun": kommun, "person": person, "id": ident, "digest": digest, "sealed": sealed, "label": label}
    await connection.execute(_TAKE_OVER, values)
    kept: UUID = (await connection.execute(_ADD, values)).scalar_one()
    await connection.execute(_TRIM, {"kommun": kommun, "person": person, "most": MOST})
    return kept


async def own(connection: AsyncConnection, kommun: str, person: UUID) -> list[Row[Any]]:
    """One person's devices: id, label, since when."""
    return list(await connection.execute(_OWN, {"kommun": kommun, "person": person}))


async def end(connection: AsyncConnection, kommun: str, person: UUID, ident: UUID) -> bool:
    """A person takes one of their devices away; False when there is none such."""
    values = {"kommun": kommun, "person": person, "id": ident}
    return (await connection.execute(_END, values)).rowcount > 0


async def forget(connection: AsyncConnection, kommun: str, ids: Sequence[UUID]) -> None:
    """The push service says that these are no more."""
    await connection.execute(_FORGET, {"kommun": kommun, "ids": list(ids)})


async def who(connection: AsyncConnection, kommun: str) -> frozenset[UUID]:
    """Who has a device."""
    return frozenset(r.person_id for r in await connection.execute(_WHO, {"kommun": kommun}))


async def ask(
    connection: AsyncConnection,
    kommun: str,
    person: UUID,
    *,
    phone: str,
    now: datetime,
    lasts: timedelta,
    apart: timedelta,
) -> bool:
    """A number waits for its code; False when the last one was asked for less than ``apart`` ago.

    Wrong tries are not forgotten by asking again.
    """
    values = {"kommun": kommun, "person": person, "phone": phone, "until": now + lasts, "now": now}
    return (await connection.execute(_ASK, values | {"lasts": lasts, "apart": apart})).first() is not None


async def waits(connection: AsyncConnection, kommun: str, person: UUID) -> Row[Any] | None:
    """The number that waits for its code: phone, until."""
    return (await connection.execute(_WAITS, {"kommun": kommun, "person": person})).first()


async def attempt(connection: AsyncConnection, kommun: str, person: UUID, now: datetime, most: int) -> Row[Any] | None:
    """Count a try; (phone, until) when one is left and the time is not over."""
    values = {"kommun": kommun, "person": person, "now": now, "most": most}
    return (await connection.execute(_TRY, values)).first()


async def settle(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """No number waits any more; tries are not forgotten."""
    await connection.execute(_SETTLE, {"kommun": kommun, "person": person})
