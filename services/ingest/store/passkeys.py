"""SQL of passkeys: public keys only; what is secret never leaves the device."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text("""
    insert into passkeys (credential_id, kommun, person_id, public_key, sign_count, label)
    values (:id, :kommun, :person, :key, :count, :label) on conflict do nothing returning credential_id""")
_OWN = text("""
    select credential_id, label, added_at, used_at from passkeys
    where kommun = :kommun and person_id = :person order by added_at""")
_ONE = text("select kommun, person_id, public_key, sign_count from passkeys where credential_id = :id for update")
_USED = text("update passkeys set sign_count = :count, used_at = now() where credential_id = :id")
_END = text("delete from passkeys where credential_id = :id and kommun = :kommun and person_id = :person")
_FORGET = text("delete from passkeys where kommun = :kommun and person_id = :person")
_SPEND = text("insert into used_challenges (digest) values (:digest) on conflict do nothing returning digest")
_TIDY = text("delete from used_challenges where at < now() - interval '1 hour'")


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is kept of a passkey. ``sign_count``: how often its device says that it has signed; 0 where it does not."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


async def add(connection: AsyncConnection, kommun: str, person: UUID, new: Passkey, label: str) -> bool:
    """Keep one; False when it is known already."""
    values = {"id": new.credential_id, "key": new.public_key, "count": new.sign_count, "label": label}
    return (await connection.execute(_ADD, values | {"kommun": kommun, "person": person})).first() is not None


async def own(connection: AsyncConnection, kommun: str, person: UUID) -> list[Row[Any]]:
    """A person's passkeys: id, label, since when, last used."""
    return list(await connection.execute(_OWN, {"kommun": kommun, "person": person}))


async def one(connection: AsyncConnection, ident: bytes) -> Row[Any] | None:
    """The passkey with this id, whosever it is, locked."""
    return (await connection.execute(_ONE, {"id": ident})).first()


async def used(connection: AsyncConnection, ident: bytes, count: int) -> None:
    """It has been used."""
    await connection.execute(_USED, {"id": ident, "count": count})


async def end(connection: AsyncConnection, kommun: str, person: UUID, ident: bytes) -> None:
    """A person takes one of theirs away."""
    await connection.execute(_END, {"id": ident, "kommun": kommun, "person": person})


async def forget(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """Nothing of this person's is left."""
    await connection.execute(_FORGET, {"kommun": kommun, "person": person})


async def spend(connection: AsyncConnection, digest: bytes) -> bool:
    """Use up a challenge; False when somebody has."""
    await connection.execute(_TIDY)
    return (await connection.execute(_SPEND, {"digest": digest})).first() is not None
