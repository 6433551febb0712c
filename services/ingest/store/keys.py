"""SQL of the systems' keys: which there are, and ending one. The keys themselves are stored as digests only."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_KEYS = text("""
    select k.credential_id, k.prefix, k.scopes, k.created_at, c.client_id, c.name as system, c.source,
        o.name as organisation,
        (select max(received_at) from reports r where r.kommun = c.kommun and r.client_id = c.client_id) as last_report
    from credentials k
    join clients c on c.kommun = k.kommun and c.client_id = k.client_id
    left join organisations o on o.kommun = c.kommun and o.organisation_id = c.organisation_id
    where k.kommun = :kommun and k.revoked_at is null order by lower(c.name), k.created_at""")
_LIVE = text("""
    select count(*) from credentials
    where kommun = :kommun and client_id = :client and revoked_at is null and ('sandbox' = any(scopes)) = :sandbox""")
_REVOKE = text("""
    update credentials set revoked_at = now()
    where kommun = :kommun and credential_id = :id and revoked_at is null returning client_id""")
_REVOKE_ALL = text("""
    update credentials set revoked_at = now()
    where kommun = :kommun and client_id = :client and revoked_at is null""")
_SYSTEMS = text("select client_id, name from clients where kommun = :kommun and kind = 'system' order by lower(name)")
_LOCK = text("select pg_advisory_xact_lock(hashtext('keys'), hashtext(:client))")


async def live(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """Every live key of the municipality's systems, with whose it is and when the system last sent something."""
    return list(await connection.execute(_KEYS, {"kommun": kommun}))


async def systems(connection: AsyncConnection, kommun: str) -> dict[UUID, str]:
    """Every system that has ever had a key here → its name."""
    return {r.client_id: r.name for r in await connection.execute(_SYSTEMS, {"kommun": kommun})}


async def count(connection: AsyncConnection, kommun: str, client: UUID, *, sandbox: bool) -> int:
    """How many live keys a system has, of the one kind or the other; held still until the transaction ends."""
    await connection.execute(_LOCK, {"client": str(client)})
    values = {"kommun": kommun, "client": client, "sandbox": sandbox}
    return int(await connection.scalar(_LIVE, values) or 0)


async def revoke(connection: AsyncConnection, kommun: str, ident: UUID) -> UUID | None:
    """End a key; its client, None when there is no such live key."""
    found: UUID | None = await connection.scalar(_REVOKE, {"kommun": kommun, "id": ident})
    return found


async def revoke_all(connection: AsyncConnection, kommun: str, client: UUID) -> bool:
    """End every key of a system; whether there was one."""
    return bool((await connection.execute(_REVOKE_ALL, {"kommun": kommun, "client": client})).rowcount)
