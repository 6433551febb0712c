"""SQL of identity providers: which there are, whose account is whose, which sessions they began."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_PROVIDERS = """
    select p.provider_id, p.kommun, p.kind, p.name, p.settings, p.secret, p.roles, p.required, m.name as kommun_name
    from identity_providers p join municipalities m on m.kommun = p.kommun"""
_ALL = text(f"{_PROVIDERS} order by m.name, p.name")
_ONE = text(f"{_PROVIDERS} where p.provider_id = :id")
_NAMED = text("select provider_id, settings from identity_providers where kommun = :kommun and name = :name")
_REQUIRED = text("select distinct kommun from identity_providers where required")
_PUT = text("""
    insert into identity_providers (provider_id, kommun, kind, name, settings, secret, required)
    values (:id, :kommun, :kind, :name, cast(:settings as jsonb), coalesce(cast(:secret as text), ''),
        coalesce(cast(:required as boolean), false))
    on conflict (kommun, name) do update set kind = excluded.kind, settings = excluded.settings,
        secret = coalesce(cast(:secret as text), identity_providers.secret),
        required = coalesce(cast(:required as boolean), identity_providers.required)
    returning provider_id""")
_ROLES = text("""
    update identity_providers set roles = cast(:roles as jsonb) where kommun = :kommun and provider_id = :id""")
_REMOVE = text("delete from identity_providers where kommun = :kommun and name = :name returning provider_id")
_PEOPLE_OF = text("select person_id from external_logins where kommun = :kommun and provider_id = :id")
_FORGET_ACCOUNTS = text("delete from external_logins where kommun = :kommun and provider_id = :id")
_ACCOUNT = text("""
    select person_id from external_logins
    where kommun = :kommun and provider_id = :provider and subject_hash = :subject""")
_LINKED = text("""
    select 1 from external_logins where kommun = :kommun and provider_id = :provider and person_id = :person""")
_FORGET_ACCOUNT = text("""
    delete from external_logins where kommun = :kommun and person_id = :person""")
_LINK = text("""
    insert into external_logins (kommun, provider_id, subject_hash, person_id)
    values (:kommun, :provider, :subject, :person)""")
_END = text("select end_provider_sessions(:provider, :person, :sid)")
_BY_SID = text("select kommun, person_id from find_provider_session(:provider, :sid)")
_OF_SESSION = text("select find_session_provider(:session)")


async def providers(connection: AsyncConnection) -> list[Row[Any]]:
    """Every provider, by municipality."""
    return list(await connection.execute(_ALL))


async def provider(connection: AsyncConnection, ident: UUID) -> Row[Any] | None:
    """One of them."""
    return (await connection.execute(_ONE, {"id": ident})).first()


async def required(connection: AsyncConnection) -> set[str]:
    """Municipalities whose staff come in by their provider only."""
    return {row.kommun for row in await connection.execute(_REQUIRED)}


async def put_provider(
    connection: AsyncConnection,
    ident: UUID,
    kommun: str,
    *,
    kind: str,
    name: str,
    settings: dict[str, Any],
    secret: str | None,
    required: bool | None,
) -> UUID:
    """Register a provider, or change the one with this name, where None leaves a value as it was; its id."""
    values = {"id": ident, "kommun": kommun, "kind": kind, "name": name, "required": required}
    values |= {"settings": json.dumps(settings), "secret": secret}
    made: UUID = (await connection.execute(_PUT, values)).scalar_one()
    return made


async def put_roles(connection: AsyncConnection, kommun: str, ident: UUID, roles: dict[str, list[str]]) -> bool:
    """Which groups give which role; False when the municipality has no such provider."""
    done = await connection.execute(_ROLES, {"kommun": kommun, "id": ident, "roles": json.dumps(roles)})
    return bool(done.rowcount)


async def people_of(connection: AsyncConnection, kommun: str, ident: UUID) -> list[UUID]:
    """The people who have an account at a provider."""
    return [row.person_id for row in await connection.execute(_PEOPLE_OF, {"kommun": kommun, "id": ident})]


async def remove_provider(connection: AsyncConnection, kommun: str, name: str) -> UUID | None:
    """Forget a provider, whose account was whose, and the sessions; its id, None for none."""
    ident: UUID | None = await connection.scalar(_REMOVE, {"kommun": kommun, "name": name})
    if ident is not None:
        await forget_accounts(connection, kommun, ident)
    return ident


async def forget_accounts(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """Whose account was whose at a provider is forgotten, and its sessions end."""
    await connection.execute(_FORGET_ACCOUNTS, {"kommun": kommun, "id": ident})
    await end_sessions(connection, ident, person=None, sid=None)


async def named(connection: AsyncConnection, kommun: str, name: str) -> Row[Any] | None:
    """A municipality's provider by its name."""
    return (await connection.execute(_NAMED, {"kommun": kommun, "name": name})).first()


async def account(connection: AsyncConnection, kommun: str, provider: UUID, subject: bytes) -> UUID | None:
    """The person whose account at the provider this is."""
    found: UUID | None = await connection.scalar(_ACCOUNT, {"kommun": kommun, "provider": provider, "subject": subject})
    return found


async def linked(connection: AsyncConnection, kommun: str, provider: UUID, person: UUID) -> bool:
    """Whether the person has an account at the provider already."""
    values = {"kommun": kommun, "provider": provider, "person": person}
    return (await connection.execute(_LINKED, values)).first() is not None


async def unlink(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """The person's accounts are no longer theirs: the next login with their address links anew."""
    await connection.execute(_FORGET_ACCOUNT, {"kommun": kommun, "person": person})


async def link(connection: AsyncConnection, kommun: str, provider: UUID, subject: bytes, person: UUID) -> None:
    """From now on this account at the provider is this person's."""
    values = {"kommun": kommun, "provider": provider, "subject": subject, "person": person}
    await connection.execute(_LINK, values)


async def end_sessions(connection: AsyncConnection, provider: UUID, *, person: UUID | None, sid: bytes | None) -> None:
    """End sessions that the provider began: one by its id there, else all of a person, else all of them."""
    await connection.execute(_END, {"provider": provider, "person": person, "sid": sid})


async def by_sid(connection: AsyncConnection, provider: UUID, sid: bytes) -> tuple[str, UUID] | None:
    """(municipality, person) of a live session by the provider's id of it."""
    row = (await connection.execute(_BY_SID, {"provider": provider, "sid": sid})).first()
    return None if row is None else (row.kommun, row.person_id)


async def of_session(connection: AsyncConnection, session: bytes) -> UUID | None:
    """The provider that began a session; None for a code by mail."""
    found: UUID | None = await connection.scalar(_OF_SESSION, {"session": session})
    return found
