"""SQL of the municipality's people and their appointments: who belongs where, with which roles, from when to when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ORGANISATIONS = text("""
    select o.organisation_id, o.name, o.kind, count(p.person_id) filter (where p.active) as people
    from organisations o left join people p on p.kommun = o.kommun and p.organisation_id = o.organisation_id
    where o.kommun = :kommun group by o.organisation_id, o.name, o.kind order by o.name""")
_PUT_ORGANISATION = text("""
    insert into organisations (kommun, organisation_id, name, kind) values (:kommun, :id, :name, :kind)
    on conflict (kommun, organisation_id) do update set name = excluded.name, kind = excluded.kind""")
_PEOPLE = """
    select p.person_id, p.client_id, p.name, p.email, p.roles, p.active, p.organisation_id, o.name as organisation,
        r.last_report, coalesce(r.reports, 0) as reports
    from people p
    left join organisations o on o.kommun = p.kommun and o.organisation_id = p.organisation_id
    left join lateral (
        select max(received_at) as last_report, count(*) as reports from reports
        where kommun = p.kommun and client_id = p.client_id) r on true
    where p.kommun = :kommun"""
_ALL = text(f"{_PEOPLE} order by p.active desc, lower(p.name)")
_ONE = text(f"{_PEOPLE} and p.person_id = :id")
_CHANGE_PERSON = text("""
    update people set name = :name, roles = :roles, organisation_id = :organisation, active = :active
    where kommun = :kommun and person_id = :id""")
_MOVE_CLIENT = text("""
    update clients set organisation_id = :organisation where kommun = :kommun
    and client_id = (select client_id from people where kommun = :kommun and person_id = :id)""")
_OTHER_ADMINISTRATORS = text("""
    select count(*) from people
    where kommun = :kommun and active and 'administrator' = any(roles) and person_id <> :id""")
_MAKE_ADMINISTRATOR = text("""
    update people set active = true,
        roles = case when 'administrator' = any(roles) then roles else roles || array['administrator'] end
    where kommun = :kommun and person_id = :id""")
_LOCK = text("select pg_advisory_xact_lock(hashtext('people'), hashtext(:kommun))")
_MOVE_ADDRESS = text("update people set email = :email where kommun = :kommun and person_id = :id")
_INDEX_ADDRESS = text("insert into login_index (email_hash, kommun, person_id) values (:digest, :kommun, :id)")
_ADDRESS = text("select email from people where kommun = :kommun and person_id = :id")
_END_SESSIONS = text("select end_sessions(:kommun, :id)")
_FORGET_LOGINS = text("select forget_logins(:kommun, :id, :digest)")
_DELETE = (
    _FORGET_LOGINS,
    text("delete from external_logins where kommun = :kommun and person_id = :id"),
    text("delete from people where kommun = :kommun and person_id = :id"),
    text("update appointments set person_id = null where kommun = :kommun and person_id = :id"),
)
_OF = """
    select appointment_id, person_id, token, organisation_id, areas, since, until, trained, revision
    from appointments where kommun = :kommun"""
_APPOINTMENTS = text(f"{_OF} and person_id = :person order by since desc, appointment_id")
_BY_TOKEN = text(f"{_OF} and token = :token")
_ALL_OF = text(f"{_OF} order by appointment_id")
_CURRENT = text(f"""{_OF} and person_id is not null and since <= :now and (until is null or until > :now)
    order by person_id, since desc""")
_PUT = text("""
    insert into appointments (kommun, appointment_id, person_id, token, organisation_id, areas, since, until, trained,
        revision)
    values (:kommun, :appointment_id, :person_id, :token, :organisation_id, :areas, :since, :until, :trained, :revision)
    on conflict (kommun, appointment_id) do update set organisation_id = excluded.organisation_id,
        areas = excluded.areas, since = excluded.since, until = excluded.until, trained = excluded.trained,
        revision = excluded.revision""")
_REVOKE = text("""
    insert into revoked_tokens (subject, at) values (:subject, :at)
    on conflict (subject) do update set at = greatest(revoked_tokens.at, excluded.at)""")
_REVOKED = text("select subject, at from revoked_tokens where at > :since")
_FORGET = text("delete from revoked_tokens where at <= :since")
_INVITE = text("""
    insert into invitations (token_hash, kommun, expires_at, replacing)
    values (:hash, :kommun, :expires, :replacing)""")
_INVITATION = text("""
    select kommun, replacing from invitations where token_hash = :hash and used_at is null and expires_at > now()""")
_USE_INVITATIONS = text("update invitations set used_at = now() where kommun = :kommun and used_at is null")
_ADMINISTRATORS = text("""
    select count(*) from people where kommun = :kommun and active and 'administrator' = any(roles)""")


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment of one reporter, by its opaque token; times are half-open, ``until`` None = still."""

    appointment_id: UUID
    person_id: UUID | None
    token: str
    organisation_id: UUID | None
    areas: tuple[str, ...]
    since: datetime
    until: datetime | None
    trained: bool
    revision: int


def _appointment(row: Row[Any]) -> Appointment:
    return Appointment(
        row.appointment_id, row.person_id, row.token, row.organisation_id, tuple(row.areas), row.since, row.until,
        row.trained, row.revision,
    )  # fmt: skip


async def lock(connection: AsyncConnection, kommun: str) -> None:
    """One change at a time to a municipality's people: it must never be left without an administrator."""
    await connection.execute(_LOCK, {"kommun": kommun})


async def organisations(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """The municipality's organisations by name, each with how many active people it has."""
    return list(await connection.execute(_ORGANISATIONS, {"kommun": kommun}))


async def put_organisation(connection: AsyncConnection, kommun: str, ident: UUID, name: str, kind: str) -> None:
    """Add one, or rename it and say another kind."""
    await connection.execute(_PUT_ORGANISATION, {"kommun": kommun, "id": ident, "name": name, "kind": kind})


async def people(connection: AsyncConnection, kommun: str) -> list[Row[Any]]:
    """Everybody, the active first, with organisation, last report and number of reports."""
    return list(await connection.execute(_ALL, {"kommun": kommun}))


async def one(connection: AsyncConnection, kommun: str, ident: UUID) -> Row[Any] | None:
    """One of them."""
    return (await connection.execute(_ONE, {"kommun": kommun, "id": ident})).first()


async def change_person(
    connection: AsyncConnection,
    kommun: str,
    ident: UUID,
    *,
    name: str,
    roles: Sequence[str],
    organisation: UUID,
    active: bool,
) -> None:
    """Change what is known of a person; as a sender they follow to the organisation."""
    values = {"kommun": kommun, "id": ident, "organisation": organisation}
    await connection.execute(_CHANGE_PERSON, values | {"name": name, "roles": list(roles), "active": active})
    await connection.execute(_MOVE_CLIENT, values)


async def change_address(connection: AsyncConnection, kommun: str, ident: UUID, email: str, digest: bytes) -> None:
    """Another address: the earlier one no longer logs in, and what it logged in ends."""
    await connection.execute(_MOVE_ADDRESS, {"kommun": kommun, "id": ident, "email": email})
    await connection.execute(_FORGET_LOGINS, {"kommun": kommun, "id": ident, "digest": b""})
    await connection.execute(_INDEX_ADDRESS, {"kommun": kommun, "id": ident, "digest": digest})


async def end_sessions(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """Sign a person out everywhere."""
    await connection.execute(_END_SESSIONS, {"kommun": kommun, "id": ident})


async def other_administrators(connection: AsyncConnection, kommun: str, ident: UUID) -> int:
    """How many active administrators there are besides this person."""
    return int(await connection.scalar(_OTHER_ADMINISTRATORS, {"kommun": kommun, "id": ident}) or 0)


async def administrators(connection: AsyncConnection, kommun: str) -> int:
    """How many active administrators there are."""
    return int(await connection.scalar(_ADMINISTRATORS, {"kommun": kommun}) or 0)


async def make_administrator(connection: AsyncConnection, kommun: str, ident: UUID) -> None:
    """Give a person the role, and let them in."""
    await connection.execute(_MAKE_ADMINISTRATOR, {"kommun": kommun, "id": ident})


async def delete_person(connection: AsyncConnection, kommun: str, ident: UUID, address: bytes) -> None:
    """Name, contact, logins, sessions and the way from tokens to the person go; what they reported stays.

    ``address``: the digest of the address, by which attempts to log in are found.
    """
    values = {"kommun": kommun, "id": ident}
    for statement in _DELETE:
        await connection.execute(statement, values | ({"digest": address} if statement is _FORGET_LOGINS else {}))


async def address(connection: AsyncConnection, kommun: str, ident: UUID) -> str | None:
    """A person's address."""
    found: str | None = await connection.scalar(_ADDRESS, {"kommun": kommun, "id": ident})
    return found


async def of(connection: AsyncConnection, kommun: str, person: UUID) -> list[Appointment]:
    """A person's appointments, the newest first."""
    return [_appointment(r) for r in await connection.execute(_APPOINTMENTS, {"kommun": kommun, "person": person})]


async def by_token(connection: AsyncConnection, kommun: str, token: str) -> Appointment | None:
    """The appointment of a token."""
    row = (await connection.execute(_BY_TOKEN, {"kommun": kommun, "token": token})).first()
    return None if row is None else _appointment(row)


async def every(connection: AsyncConnection, kommun: str) -> list[Appointment]:
    """All appointments of a municipality, also of people who were erased."""
    return [_appointment(r) for r in await connection.execute(_ALL_OF, {"kommun": kommun})]


async def current(connection: AsyncConnection, kommun: str, now: datetime) -> dict[UUID, Appointment]:
    """Person → the appointment that holds now, the newest if there are several."""
    found: dict[UUID, Appointment] = {}
    for row in await connection.execute(_CURRENT, {"kommun": kommun, "now": now}):
        found.setdefault(row.person_id, _appointment(row))
    return found


async def put(connection: AsyncConnection, kommun: str, appointment: Appointment) -> None:
    """Keep an appointment, new or changed."""
    values = {name: getattr(appointment, name) for name in Appointment.__slots__}
    await connection.execute(_PUT, values | {"kommun": kommun, "areas": list(appointment.areas)})


async def revoke(connection: AsyncConnection, subject: str, at: datetime) -> None:
    """Tokens of this subject that were issued until now no longer hold; ``subject`` is a digest."""
    await connection.execute(_REVOKE, {"subject": subject, "at": at})


async def revoked(connection: AsyncConnection, since: datetime) -> dict[str, float]:
    """Digest of subject → Unix time, for what was revoked later than ``since``; what is older is forgotten."""
    await connection.execute(_FORGET, {"since": since})
    return {row.subject: row.at.timestamp() for row in await connection.execute(_REVOKED, {"since": since})}


async def invite(
    connection: AsyncConnection, digest: bytes, kommun: str, expires: datetime, *, replacing: bool
) -> None:
    """Remember an invitation by its digest; ``replacing``: it holds although there is an administrator."""
    values = {"hash": digest, "kommun": kommun, "expires": expires, "replacing": replacing}
    await connection.execute(_INVITE, values)


async def invitation(connection: AsyncConnection, digest: bytes) -> Row[Any] | None:
    """The municipality of a live invitation, and whether it replaces; None for any other."""
    return (await connection.execute(_INVITATION, {"hash": digest})).first()


async def use_invitations(connection: AsyncConnection, kommun: str) -> None:
    """All of a municipality's invitations are used up by the first that is."""
    await connection.execute(_USE_INVITATIONS, {"kommun": kommun})
