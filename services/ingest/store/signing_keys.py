"""SQL of the door's signing keys: tokens of people and rooms are signed with the newest one."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_KEYS = text("select kid, private_jwk from signing_keys order by created_at")
_ADD = text("""
    insert into signing_keys (kid, private_jwk) values (:kid, cast(:jwk as jsonb)) on conflict do nothing""")
_LOCK = text("select pg_advisory_xact_lock(4713)")


async def private(connection: AsyncConnection) -> list[dict[str, Any]]:
    """The private keys, oldest first."""
    return [r.private_jwk for r in await connection.execute(_KEYS)]


async def add(connection: AsyncConnection, kid: str, jwk: dict[str, Any]) -> None:
    """Keep a new signing key."""
    await connection.execute(_ADD, {"kid": kid, "jwk": json.dumps(jwk)})


async def lock(connection: AsyncConnection) -> None:
    """Let one process at a time make the first key."""
    await connection.execute(_LOCK)
