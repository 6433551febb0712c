"""Roles: an owner that migrates, two per room that work, one that may only count for the status page.

No room owns a table or bypasses row-level security. Each role finds its own schema first and has no right in others.
"""

from collections.abc import Mapping

import asyncpg

from services.runtime.migrations import OWNER_ROLE, ROOMS, STATUS_ROLE, serve_role, work_role

DATABASE = "lagesbild"


def room_roles() -> dict[str, str]:
    """Role → its room's schema."""
    return {role(room): room for room in ROOMS for role in (serve_role, work_role)}


def passwords_from(environment: Mapping[str, str]) -> dict[str, str]:
    """Role → password from ``LAGESBILD_PASSWORD_<ROLE>``, for servers that ask for one."""
    roles = (OWNER_ROLE, STATUS_ROLE, *room_roles())
    named = {role: environment.get(f"LAGESBILD_PASSWORD_{role.removeprefix('lagesbild_').upper()}") for role in roles}
    return {role: password for role, password in named.items() if password}


async def prepare(dsn: str, passwords: Mapping[str, str] | None = None) -> None:
    """Make database and roles that do not exist yet; safe to repeat. ``dsn`` belongs to a role that may create them.

    ``passwords`` (role → password) are set where given; the local run trusts its own socket and gives none.
    """
    connection = await asyncpg.connect(dsn)
    try:
        existing = {r["rolname"] for r in await connection.fetch("select rolname from pg_roles")}
        for role in (OWNER_ROLE, STATUS_ROLE, *room_roles()):
            if role not in existing:
                await connection.execute(f"create role {role} login nosuperuser nocreatedb nocreaterole nobypassrls")
            if passwords and role in passwords:
                # DDL takes no parameters; quote_literal makes the password safe.
                literal = await connection.fetchval("select quote_literal($1::text)", passwords[role])
                await connection.execute(f"alter role {role} password {literal}")
        for role, schema in room_roles().items():
            await connection.execute(f"alter role {role} set search_path = {schema}")
        if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
            await connection.execute(
                f"create database {DATABASE} owner {OWNER_ROLE} encoding 'UTF8' "
                "lc_collate 'C' lc_ctype 'C' template template0"
            )
        await connection.execute(f"revoke all on database {DATABASE} from public")
        for role in (STATUS_ROLE, *room_roles()):
            await connection.execute(f"grant connect on database {DATABASE} to {role}")
    finally:
        await connection.close()


def schema_grants(room: str) -> list[str]:
    """What a room's first migration grants on its own schema."""
    return [f"grant usage on schema {room} to {serve_role(room)}, {work_role(room)}, {STATUS_ROLE}"]
