"""SQL of who may be told: a copy of roles and addresses from the door, who is on duty, and forgetting people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.preferences import Preferences
from services.notify.domain.routing import Member, Roster
from services.notify.store import rotas

NOBODY = UUID(int=0)
"""Stands in the ledger for a person who was erased, and among silences for everybody."""
_FRESH, _KEPT = "interval '5 minutes'", "interval '1 day'"
"""For how long a copy of an address is used unasked, and for how long at all, while the door is away."""
_ONE = text(f"""
    select (select document || jsonb_build_object('phone', phone) from preferences p
            where p.kommun = :kommun and p.person_id = :person) as wanted,
        c.email, c.fetched_at > now() - {_FRESH} as fresh,
        (select json_agg(json_build_array(device_id, sealed) order by added_at) from devices d
            where d.kommun = :kommun and d.person_id = :person) as devices,
        (select json_build_array(phone, until) from numbers n
            where n.kommun = :kommun and n.person_id = :person and n.phone <> '') as unproved
    from (select 1) one left join contacts c on c.kommun = :kommun and c.person_id = :person
        and c.fetched_at > now() - {_KEPT}""")  # noqa: S608 - constants
_CONTACT = text(f"""
    select email, fetched_at > now() - {_FRESH} as fresh from contacts
    where kommun = :kommun and person_id = :person and fetched_at > now() - {_KEPT}""")  # noqa: S608 - constants
_TO_BE_REACHED = text(f"""
    select d.receiver from (
        (select id, kommun, receiver from due where what = 'send' and urgent = true and at <= now()
            order by at limit :seen)
        union all
        (select id, kommun, receiver from due where what = 'send' and urgent = false and at <= now()
            order by at limit :seen)) d
    where d.kommun = :kommun and not exists (select 1 from contacts c where c.kommun = d.kommun
            and c.person_id = d.receiver and c.fetched_at > now() - {_FRESH})
        and exists (select 1 from deliveries e where e.kommun = d.kommun and e.delivery_id = d.id
            and e.receiver = 'person' and (e.kind = 'feedback') = :feedback)
    limit :most""")  # noqa: S608 - constants
LOOKED_AT = 2000
"""Entries of the queue among which those are sought, whatever municipality they are of."""
_KEEP_CONTACTS = text("""
    insert into contacts (kommun, person_id, email)
    select :kommun, p, e from unnest(cast(:people as uuid[]), cast(:emails as text[])) as t(p, e)
    on conflict (kommun, person_id) do update set email = excluded.email, fetched_at = now()""")
_IS_MEMBER = text("""
    select 1 from people where kommun = :kommun and person_id = :person
    union all select 1 from deliveries where kommun = :kommun and person_id = :person limit 1""")
_MEMBERS = text("select person_id, roles, organisation_id from people where kommun = :kommun order by person_id")
_MEMBER = text("""
    select roles, organisation_id, organisation from people where kommun = :kommun and person_id = :person""")
_SEEN = text("select max(seen_at) from people where kommun = :kommun")
_DESTINATIONS = text("select destination_id from destinations where kommun = :kommun and active")
_PUT = text("""
    insert into people (kommun, person_id, roles, organisation_id, organisation, seen_at)
    select :kommun, p, string_to_array(r, ' '), o, n, :now from unnest(cast(:people as uuid[]), cast(:roles as text[]),
        cast(:organisations as uuid[]), cast(:names as text[])) as t(p, r, o, n)
    on conflict (kommun, person_id) do update set roles = excluded.roles,
        organisation_id = excluded.organisation_id, organisation = excluded.organisation, seen_at = excluded.seen_at""")
_GONE = (
    text("delete from people where kommun = :kommun and seen_at < :now"),
    text(f"delete from contacts where kommun = :kommun and fetched_at < now() - {_KEPT}"),  # noqa: S608 - a constant
)
_ORGANISATIONS = text("""
    select distinct organisation_id, organisation from people
    where kommun = :kommun and organisation_id is not null order by organisation""")
_THEIRS = (
    "contacts", "people", "subscriptions", "preferences", "shifts", "answers", "silences", "devices", "numbers",
)  # fmt: skip
_HELD = text(
    " union ".join(f"select person_id from {table} where kommun = :kommun" for table in _THEIRS)  # noqa: S608 - constants
    + """
    union select owner from alerts where kommun = :kommun and owner is not null
    union select person_id from deliveries where kommun = :kommun and receiver = 'person'
    union select cast(named #>> '{}' as uuid) from (
        select jsonb_path_query(document, '$.**.person') as named from plans where kommun = :kommun
        union select jsonb_path_query(document, '$.groups.*[*]') from plans where kommun = :kommun
        union select jsonb_path_query(then_to, '$.**.person') from alerts where kommun = :kommun) rules
    where named #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"""
)
_ERASE = (
    *(
        text(f"delete from {table} where kommun = :kommun and person_id = :person")  # noqa: S608 - constants
        for table in _THEIRS
    ),
    text("""
        update deliveries set person_id = :nobody,
            state = case when state in ('due', 'sending') then 'failed' else state end,
            error = case when state in ('due', 'sending') then 'no_such_person' else error end
        where kommun = :kommun and person_id = :person"""),
    text("update alerts set owner = null, taken_at = null, state = 'open' where kommun = :kommun and owner = :person"),
    *(  # rules and groups name nobody instead, which is nobody that is told
        text(f"""
            update {table} set {column} =
                replace({column}::text, cast(:person as uuid)::text, cast(:nobody as uuid)::text)::jsonb
            where kommun = :kommun and {column}::text like '%' || cast(:person as uuid)::text || '%'
        """)  # noqa: S608 - constants
        for table, column in (("plans", "document"), ("alerts", "then_to"))
    ),
    # Last: everybody else locks the ledger first and what waits afterwards.
    text("delete from due where kommun = :kommun and receiver = :person"),
)


@dataclass(frozen=True, slots=True)
class Ends:
    """How somebody wants to be told and where they are reached.

    ``contact``: the copy of their address, and whether it is fresh, five minutes; ``devices``: (id, sealed);
    ``unproved``: a number that waits for its code, until then.
    """

    wanted: Preferences = field(default_factory=Preferences)
    contact: tuple[str, bool] | None = None
    devices: tuple[tuple[UUID, str], ...] = ()
    unproved: tuple[str, datetime] | None = None


async def reached(connection: AsyncConnection, kommun: str, person: UUID) -> Ends:
    """A person's ends; of their address a copy that is less than a day old."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "person": person})).one()
    return Ends(
        Preferences() if row.wanted is None else Preferences.model_validate(row.wanted, extra="ignore"),
        None if row.email is None else (row.email, row.fresh),
        tuple((UUID(ident), sealed) for ident, sealed in row.devices or ()),
        None if row.unproved is None else (row.unproved[0], datetime.fromisoformat(row.unproved[1])),
    )


async def contact(connection: AsyncConnection, kommun: str, person: UUID) -> tuple[str, bool] | None:
    """The copy of an address that is less than a day old, and whether it is fresh."""
    row = (await connection.execute(_CONTACT, {"kommun": kommun, "person": person})).first()
    return None if row is None else (row.email, row.fresh)


async def to_be_reached(connection: AsyncConnection, kommun: str, most: int, *, feedback: bool) -> list[UUID]:
    """People to whom what is due here next goes and of whose address there is no fresh copy.

    ``feedback``: those who get word of their reports, which need no role; otherwise those who get anything else.
    """
    rows = await connection.execute(
        _TO_BE_REACHED, {"kommun": kommun, "most": most, "feedback": feedback, "seen": LOOKED_AT}
    )
    return list({r.receiver: None for r in rows})


async def keep_contacts(connection: AsyncConnection, kommun: str, emails: Mapping[UUID, str]) -> None:
    """Keep copies of addresses from the door's directory."""
    people = sorted(emails)  # in one order, so that two senders do not wait for each other
    values = {"kommun": kommun, "people": people, "emails": [emails[p] for p in people]}
    await connection.execute(_KEEP_CONTACTS, values)


async def is_member(connection: AsyncConnection, kommun: str, person: UUID) -> bool:
    """Whether somebody may be told, or was told lately."""
    return (await connection.execute(_IS_MEMBER, {"kommun": kommun, "person": person})).first() is not None


async def member(connection: AsyncConnection, kommun: str, person: UUID) -> Row[Any] | None:
    """One of those who may be told: roles, organisation_id, organisation."""
    return (await connection.execute(_MEMBER, {"kommun": kommun, "person": person})).first()


async def roster(connection: AsyncConnection, kommun: str, now: datetime) -> Roster:
    """Who may be told, who is on duty, which places outside there are."""
    members = {
        r.person_id: Member(r.person_id, frozenset(r.roles), r.organisation_id)
        for r in await connection.execute(_MEMBERS, {"kommun": kommun})
    }
    places = frozenset(r.destination_id for r in await connection.execute(_DESTINATIONS, {"kommun": kommun}))
    return Roster(members, await rotas.on_duty(connection, kommun, now), places)


async def seen_at(connection: AsyncConnection, kommun: str) -> datetime | None:
    """When the door last said who may be told here; None when it never has."""
    at: datetime | None = await connection.scalar(_SEEN, {"kommun": kommun})
    return at


async def keep(
    connection: AsyncConnection, kommun: str, members: Mapping[UUID, tuple[Member, str]], now: datetime
) -> None:
    """Replace who may be told: id → (member, the organisation's name)."""
    await connection.execute(
        _PUT,
        {
            "kommun": kommun,
            "now": now,
            "people": list(members),
            "roles": [" ".join(sorted(m.roles)) for m, _ in members.values()],
            "organisations": [m.organisation_id for m, _ in members.values()],
            "names": [name for _, name in members.values()],
        },
    )
    for statement in _GONE:
        await connection.execute(statement, {"kommun": kommun, "now": now})


async def organisations(connection: AsyncConnection, kommun: str) -> list[tuple[UUID, str]]:
    """The organisations of those who may be told: (id, name)."""
    rows = await connection.execute(_ORGANISATIONS, {"kommun": kommun})
    return [(r.organisation_id, r.organisation) for r in rows]


async def held(connection: AsyncConnection, kommun: str) -> set[UUID]:
    """Everybody of whom the room holds something of their own."""
    return {r.person_id for r in await connection.execute(_HELD, {"kommun": kommun})} - {NOBODY}


async def erase(connection: AsyncConnection, kommun: str, person: UUID) -> None:
    """Forget a person: nothing in the room's tables leads to them any more. Safe to repeat."""
    for statement in _ERASE:
        await connection.execute(statement, {"kommun": kommun, "person": person, "nobody": NOBODY})
