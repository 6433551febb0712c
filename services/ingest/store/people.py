"""SQL for who may come in: municipalities, organisations, clients, people, keys, codes and sessions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD_MUNICIPALITY = text("""
    insert into municipalities (kommun, name, invented) values (:kommun, :name, :invented)
    on conflict (kommun) do update set name = excluded.name, invented = excluded.invented""")
_MUNICIPALITY = text("""
    select kommun, name, invented, accessibility_contact, free_text from municipalities where kommun = :kommun""")
_PUT_FREE_TEXT = text("update municipalities set free_text = :free_text where kommun = :kommun")
_PUT_CONTACT = text("update municipalities set accessibility_contact = :contact where kommun = :kommun")
_ORGANISATION = text("select organisation_id from organisations where kommun = :kommun and name = :name")
_ADD_ORGANISATION = text("""
    insert into organisations (kommun, organisation_id, name, kind) values (:kommun, :id, :name, :kind)""")
_ADD_CLIENT = text("""
    insert into clients (kommun, client_id, organisation_id, kind, name, source, invented)
    values (:kommun, :id, :organisation, :kind, :name, :source, :invented)""")
_FIND_CLIENT = text("select client_id from clients where kommun = :kommun and kind = 'system' and name = :name")
_CLIENT = text("""
    select c.client_id, c.kind, c.organisation_id, o.name as organisation, c.source, c.invented,
        a.token as reporter_token, m.free_text
    from clients c
    join municipalities m on m.kommun = c.kommun
    left join organisations o on o.kommun = c.kommun and o.organisation_id = c.organisation_id
    left join people p on p.kommun = c.kommun and p.client_id = c.client_id
    left join lateral (
        select token from appointments
        where kommun = p.kommun and person_id = p.person_id and since <= now() and (until is null or until > now())
        order by since desc, appointment_id limit 1) a on true
    where c.kommun = :kommun and c.client_id = :id""")
_ADD_CREDENTIAL = text("""
    insert into credentials (key_hash, kommun, client_id, prefix, scopes)
    values (:hash, :kommun, :client, :prefix, :scopes)""")
_FIND_CREDENTIAL = text("select kommun, client_id, scopes from find_credential(:hash)")
_ADD_PERSON = text("""
    insert into people (kommun, person_id, client_id, organisation_id, name, email, roles)
    values (:kommun, :id, :client, :organisation, :name, :email, :roles)""")
_PERSON = text("""
    select p.person_id, p.client_id, p.name, p.email, p.roles, p.active, m.name as kommun_name, m.invented
    from people p join municipalities m on m.kommun = p.kommun
    where p.kommun = :kommun and p.person_id = :id""")
_PERSON_BY_EMAIL = text("""
    select person_id, client_id from people where kommun = :kommun and lower(email) = lower(:email)""")
_TOLD = text("""
    select p.person_id, p.name, p.roles, p.organisation_id, coalesce(o.name, '') as organisation
    from people p left join organisations o using (kommun, organisation_id)
    where p.kommun = :kommun and p.active and p.roles && cast(:roles as text[]) order by p.person_id""")
_BY_MAILS = text("""
    select person_id, lower(email) as mail from people
    where kommun = :kommun and active and roles && cast(:roles as text[])
        and lower(email) = any(cast(:mails as text[]))""")
_KNOWN = text("select person_id from people where kommun = :kommun and person_id = any(cast(:people as uuid[]))")
_ADDRESSES = text("""
    select person_id, email from people
    where kommun = :kommun and active and roles && cast(:roles as text[]) and person_id = any(cast(:people as uuid[]))
""")
_INDEX_LOGIN = text("""
    insert into login_index (email_hash, kommun, person_id) values (:hash, :kommun, :id) on conflict do nothing""")
_FIND_LOGIN = text("select kommun, person_id from find_login(:hash)")
_LATELY = text("""
    select count(*) filter (where created_at > now() - interval '15 minutes') as codes, coalesce(sum(tries), 0) as tries
    from login_attempts where email_hash = :email and created_at > now() - interval '1 day'""")
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('login codes'), hashtext(encode(:email, 'hex')))")
_OLD_CODES = text("delete from login_attempts where expires_at < now() - interval '1 day'")
_ADD_CODE = text("""
    insert into login_attempts (nonce_hash, email_hash, code_hash, expires_at)
    values (:nonce, :email, :code, :expires)""")
_TRY_CODE = text("""
    update login_attempts set tries = tries + 1
    where nonce_hash = :nonce and used_at is null and expires_at > now() and tries < :most
    returning email_hash, code_hash""")
_USE_CODE = text("update login_attempts set used_at = now() where nonce_hash = :nonce")
_ADD_SESSION = text("""
    insert into device_sessions (session_hash, kommun, person_id, expires_at, provider_id, sid_hash)
    values (:hash, :kommun, :person, :expires, :provider, :sid)""")
_FIND_SESSION = text("select kommun, person_id from find_session(:hash)")
_REVOKE_SESSION = text("update device_sessions set revoked_at = now() where session_hash = :hash")

MOST_TRIES = 5
MOST_CODES = 5
MOST_TRIES_OF_DAY = 50
"""Wrong or right, for one address: more is guessing."""


async def _first(connection: AsyncConnection, statement: Any, **values: Any) -> Row[Any] | None:
    return (await connection.execute(statement, values)).first()


async def put_municipality(connection: AsyncConnection, kommun: str, name: str, *, invented: bool) -> None:
    """Register a municipality, or rename it."""
    await connection.execute(_ADD_MUNICIPALITY, {"kommun": kommun, "name": name, "invented": invented})


async def put_accessibility_contact(connection: AsyncConnection, kommun: str, contact: str) -> None:
    """Whom people tell about faults of accessibility: an address or a number of the municipality's."""
    await connection.execute(_PUT_CONTACT, {"kommun": kommun, "contact": contact})


async def put_free_text(connection: AsyncConnection, kommun: str, free_text: str) -> None:
    """From whom the municipality takes in free text: nobody, people, everybody."""
    await connection.execute(_PUT_FREE_TEXT, {"kommun": kommun, "free_text": free_text})


async def municipality(connection: AsyncConnection, kommun: str) -> Row[Any] | None:
    """Name of a registered municipality and whether its data is invented."""
    return await _first(connection, _MUNICIPALITY, kommun=kommun)


async def organisation(connection: AsyncConnection, kommun: str, name: str) -> UUID | None:
    """The organisation of this name."""
    found: UUID | None = await connection.scalar(_ORGANISATION, {"kommun": kommun, "name": name})
    return found


async def add_organisation(connection: AsyncConnection, kommun: str, ident: UUID, name: str, kind: str) -> None:
    """Register an organisation."""
    await connection.execute(_ADD_ORGANISATION, {"kommun": kommun, "id": ident, "name": name, "kind": kind})


async def organisation_named(connection: AsyncConnection, kommun: str, name: str) -> UUID:
    """The organisation of this name, made a department if there is none."""
    found = await organisation(connection, kommun, name)
    if found is None:
        found = uuid4()
        await add_organisation(connection, kommun, found, name, "department")
    return found


async def add_client(
    connection: AsyncConnection,
    kommun: str,
    ident: UUID,
    *,
    organisation: UUID | None,
    kind: str,
    name: str,
    source: str,
    invented: bool,
) -> None:
    """Register a client: a system or a person as a sender; it survives new keys and new logins."""
    await connection.execute(
        _ADD_CLIENT,
        {
            "kommun": kommun,
            "id": ident,
            "organisation": organisation,
            "kind": kind,
            "name": name,
            "source": source,
            "invented": invented,
        },
    )


async def system_client(connection: AsyncConnection, kommun: str, name: str) -> UUID | None:
    """The system registered under this name."""
    found: UUID | None = await connection.scalar(_FIND_CLIENT, {"kommun": kommun, "name": name})
    return found


async def client(connection: AsyncConnection, kommun: str, ident: UUID) -> Row[Any] | None:
    """A client with its source, organisation and, for a reporter, the token of the appointment that holds now."""
    return await _first(connection, _CLIENT, kommun=kommun, id=ident)


async def add_credential(
    connection: AsyncConnection, digest: bytes, *, kommun: str, client_id: UUID, prefix: str, scopes: list[str]
) -> None:
    """Store a key's digest."""
    values = {"hash": digest, "kommun": kommun, "client": client_id, "prefix": prefix, "scopes": scopes}
    await connection.execute(_ADD_CREDENTIAL, values)


async def credential(connection: AsyncConnection, digest: bytes) -> Row[Any] | None:
    """Municipality, client and scopes of a live key."""
    return await _first(connection, _FIND_CREDENTIAL, hash=digest)


async def add_person(
    connection: AsyncConnection,
    kommun: str,
    ident: UUID,
    *,
    client_id: UUID,
    organisation: UUID | None,
    name: str,
    email: str,
    roles: list[str],
    email_hash: bytes,
) -> None:
    """Register a person, findable by the digest of the address."""
    await connection.execute(
        _ADD_PERSON,
        {
            "kommun": kommun,
            "id": ident,
            "client": client_id,
            "organisation": organisation,
            "name": name,
            "email": email,
            "roles": roles,
        },
    )
    await connection.execute(_INDEX_LOGIN, {"hash": email_hash, "kommun": kommun, "id": ident})


async def person(connection: AsyncConnection, kommun: str, ident: UUID) -> Row[Any] | None:
    """A person with the municipality's name."""
    return await _first(connection, _PERSON, kommun=kommun, id=ident)


async def told(connection: AsyncConnection, kommun: str, roles: Collection[str]) -> list[Row[Any]]:
    """Active people with any of these roles: id, roles, organisation."""
    return list(await connection.execute(_TOLD, {"kommun": kommun, "roles": sorted(roles)}))


async def by_mails(
    connection: AsyncConnection, kommun: str, mails: Collection[str], roles: Collection[str]
) -> dict[str, UUID]:
    """Address in lower case → the active person with any of these roles."""
    values = {"kommun": kommun, "roles": sorted(roles), "mails": sorted({m.lower() for m in mails})}
    return {r.mail: r.person_id for r in await connection.execute(_BY_MAILS, values)}


async def known(connection: AsyncConnection, kommun: str, people: Collection[UUID]) -> list[UUID]:
    """Those of these who have not been erased, active or not."""
    return [r.person_id for r in await connection.execute(_KNOWN, {"kommun": kommun, "people": sorted(people)})]


async def addresses(
    connection: AsyncConnection, kommun: str, people: Collection[UUID], roles: Collection[str]
) -> dict[UUID, str]:
    """Person → address, of those of these who are active and have any of these roles."""
    values = {"kommun": kommun, "roles": sorted(roles), "people": sorted(people)}
    return {r.person_id: r.email for r in await connection.execute(_ADDRESSES, values)}


async def person_by_email(connection: AsyncConnection, kommun: str, email: str) -> Row[Any] | None:
    """The person with this address in the municipality."""
    return await _first(connection, _PERSON_BY_EMAIL, kommun=kommun, email=email)


async def logins(connection: AsyncConnection, email_hash: bytes) -> list[tuple[str, UUID]]:
    """(municipality, person) of everybody with this address."""
    return [(r.kommun, r.person_id) for r in await connection.execute(_FIND_LOGIN, {"hash": email_hash})]


async def add_code(
    connection: AsyncConnection, nonce: bytes, email_hash: bytes, code: bytes, expires: datetime
) -> bool:
    """Remember a login code; False when the address has had too many lately."""
    await connection.execute(_OLD_CODES)
    await connection.execute(_ONE_AT_A_TIME, {"email": email_hash})  # or many asked at once would all be the first
    lately = (await connection.execute(_LATELY, {"email": email_hash})).one()
    if lately.codes >= MOST_CODES or lately.tries >= MOST_TRIES_OF_DAY:
        return False
    await connection.execute(_ADD_CODE, {"nonce": nonce, "email": email_hash, "code": code, "expires": expires})
    return True


async def try_code(connection: AsyncConnection, nonce: bytes) -> Row[Any] | None:
    """Count a try and return what the code must match; None when there is no live attempt."""
    return await _first(connection, _TRY_CODE, nonce=nonce, most=MOST_TRIES)


async def use_code(connection: AsyncConnection, nonce: bytes) -> None:
    """A code works once."""
    await connection.execute(_USE_CODE, {"nonce": nonce})


async def add_session(
    connection: AsyncConnection,
    digest: bytes,
    kommun: str,
    ident: UUID,
    expires: datetime,
    *,
    provider: UUID | None = None,
    sid: bytes | None = None,
) -> None:
    """Start a device session; ``provider`` and its own id of the session when it was begun there."""
    values = {"hash": digest, "kommun": kommun, "person": ident, "expires": expires, "provider": provider, "sid": sid}
    await connection.execute(_ADD_SESSION, values)


async def session(connection: AsyncConnection, digest: bytes) -> tuple[str, UUID] | None:
    """(municipality, person) of a live device session."""
    row = await _first(connection, _FIND_SESSION, hash=digest)
    return None if row is None else (row.kommun, row.person_id)


async def revoke_session(connection: AsyncConnection, digest: bytes) -> None:
    """End a device session."""
    await connection.execute(_REVOKE_SESSION, {"hash": digest})
