"""People and systems at the door: appointed, changed, locked out and erased, and every room knows in time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.ingest.handlers.appointing import Appointing, LastAdministrator, NotAppointed, Overlapping, Taken
from services.ingest.handlers.inviting import Inviting
from services.ingest.handlers.keys import Keys, OtherSystem, TooManyKeys
from services.ingest.handlers.people import People
from services.ingest.store import passkeys
from services.runtime.database import Database
from services.runtime.migrations import OWNER_ROLE, serve_role
from services.runtime.tokens import Verifier
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports
from tests.support.outside import Phone
from tests.support.voice import numbered, reaching

WITHIN = Verifier.FRESH_SECONDS + 5
"""Seconds in which every room must know. The promise is a minute."""


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def database(instance: Instance) -> AsyncIterator[Database]:
    made = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    yield made
    await made.close()


async def registered(appointing: Appointing, kommun: str, *roles: str) -> tuple[UUID, str]:
    email = f"{uuid4().hex}@exempel.invalid"
    person, new = await appointing.register(
        kommun, name=f"Vera Prov{uuid4().hex[:6]}", email=email, roles=list(roles), organisation="Provbolaget"
    )
    assert new
    return person, email


async def signed_in(people: People, kommun: str, person: UUID) -> tuple[str, dict[str, str]]:
    session = await people.begin_session(kommun, person, 1)
    principal = await people.by_session(session)
    assert principal is not None
    return session, {"Authorization": f"Bearer {await people.token(principal)}"}


async def test_an_appointment_reaches_analysis_by_a_token_and_ends_there(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    appointing, kommun = Appointing(database), tenant.kommun
    person, _ = await registered(appointing, kommun, "rapportor")
    first = (await appointing.person(kommun, person)).appointment
    assert first is not None
    assert first.organisation_id is not None
    until = datetime.now(UTC) + timedelta(days=30)
    await appointing.appoint(
        kommun, person, organisation=first.organisation_id, areas=["0686R001"], since=first.since, until=until,
        trained=True, appointment=first.appointment_id,
    )  # fmt: skip

    async def known() -> bool:
        query = "select * from appointments where reporter_token = $1"
        rows = await instance.sql(query, first.token, kommun=kommun)
        return bool(rows) and rows[0]["trained"] and rows[0]["areas"] == ["0686R001"] and rows[0]["until"] == until

    await eventually(known, "analysis has the newest revision")
    assert str(person) not in str(await instance.sql("select * from appointments", kommun=kommun))
    people = People(database)
    session, _ = await signed_in(people, kommun, person)
    principal = await people.by_session(session)
    assert principal is not None
    assert (await people.sender(principal)).reporter_token == first.token
    await appointing.change(
        kommun, person, name="Vera", roles=["est_medlem"], organisation=first.organisation_id, active=True
    )
    assert (await people.sender(principal)).reporter_token is None

    async def over() -> bool:
        query = "select until from appointments where reporter_token = $1"
        return bool((await instance.sql(query, first.token, kommun=kommun))[0]["until"] <= datetime.now(UTC))

    await eventually(over, "who reports no more is appointed no more")


async def test_exposure_follows_what_people_are(tenant: Tenant, database: Database) -> None:
    appointing, kommun = Appointing(database), tenant.kommun
    person, email = await registered(appointing, kommun, "rapportor")
    assert await appointing.register(
        kommun, name="X", email=email.upper(), roles=["rapportor"], organisation="Prov"
    ) == (person, False)
    known = await appointing.person(kommun, person)
    (first,) = known.appointments
    other = (await appointing.person(kommun, (await registered(appointing, kommun, "analytiker"))[0])).row

    async def changed(*roles: str, active: bool = True, organisation: UUID | None = None) -> list[tuple[bool, bool]]:
        owner = organisation or known.row.organisation_id
        await appointing.change(kommun, person, name="Vera", roles=roles, organisation=owner, active=active)
        found = (await appointing.person(kommun, person)).appointments
        return [(a.until is None, a.trained) for a in found]

    about: dict[str, Any] = {"organisation": known.row.organisation_id, "areas": ["0686R001"], "since": first.since}
    await appointing.appoint(kommun, person, **about, until=None, trained=True, appointment=first.appointment_id)
    with pytest.raises(Overlapping):
        await appointing.appoint(kommun, person, **about, until=None, trained=False)
    assert await changed("rapportor", "analytiker") == [(True, True)], "another role changes no appointment"
    later = {"organisation": known.row.organisation_id, "areas": [], "since": datetime.now(UTC) + timedelta(days=9)}
    await appointing.appoint(
        kommun, person, **about, until=datetime.now(UTC) + timedelta(days=5), trained=True,
        appointment=first.appointment_id,
    )  # fmt: skip
    await appointing.appoint(kommun, person, **later, until=None, trained=False)
    assert await changed("rapportor", active=False) == [(False, False), (False, True)], "what had not begun is nothing"
    assert await changed("rapportor") == [(False, False), (True, False), (False, True)], "appointed from now on again"
    found = await appointing.person(kommun, person)
    assert found.appointment is not None
    await appointing.appoint(
        kommun, person, **about | {"since": found.appointment.since}, until=None, trained=True,
        appointment=found.appointment.appointment_id,
    )  # fmt: skip
    assert await changed("rapportor", active=False) == [(False, False), (False, True), (False, True)]
    assert (True, False) in await changed("rapportor"), "back again, as the newest was"
    ended = datetime.now(UTC)
    second = (await appointing.person(kommun, person)).appointment
    assert second is not None
    await appointing.appoint(
        kommun, person, **about | {"since": second.since}, until=ended, trained=True, appointment=second.appointment_id
    )
    assert not any(going_on for going_on, _ in await changed("rapportor")), "a name saved appoints nobody"
    with pytest.raises(NotAppointed):
        await appointing.appoint(kommun, other.person_id, **about, until=None, trained=False)
    with pytest.raises(Taken):
        await appointing.change(
            kommun, other.person_id, name="X", roles=["analytiker"], organisation=other.organisation_id, active=True,
            email=email,
        )  # fmt: skip
    people = People(database)

    async def source() -> str:
        principal = await people.by_session(await people.begin_session(kommun, person, 1))
        assert principal is not None
        return (await people.sender(principal)).source

    await appointing.appoint(kommun, person, **about | {"since": ended}, until=None, trained=True)
    assert await source() == "rapportor"
    await changed("kontaktcenter")
    assert await source() == "tips"


async def test_a_token_buys_no_other_and_is_as_old_as_what_it_says(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    appointing, people, kommun = Appointing(database), People(database), tenant.kommun
    person, _ = await registered(appointing, kommun, "administrator")
    await registered(appointing, kommun, "administrator")
    session = await people.begin_session(kommun, person, 1)
    slow = await people.by_session(session)  # a page that was begun before the change and signs its token after
    assert slow is not None
    owner = (await appointing.person(kommun, person)).row.organisation_id
    header = {"Authorization": f"Bearer {await people.token(slow)}"}
    async with asking(instance.url) as http:
        assert (await http.post("/v1/token", headers=header)).status_code == 401
        await appointing.change(kommun, person, name="Vera", roles=["est_medlem"], organisation=owner, active=True)
        late = {"Authorization": f"Bearer {await people.token(slow)}"}

        async def refused() -> bool:
            return (await http.get("/v1/event-types", headers=late)).status_code == 401

        await eventually(refused, "the door itself knows within seconds")
    await appointing.change(kommun, person, name="Vera", roles=["est_medlem"], organisation=owner, active=False)
    await appointing.change(kommun, person, name="Vera", roles=["est_medlem"], organisation=owner, active=True)
    assert await people.by_session(session) is None, "a device that was locked out stays out"


async def test_roles_lock_outs_and_sign_outs_hold_in_every_room_in_time(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    appointing, people, kommun = Appointing(database), People(database), tenant.kommun
    layout = instance.ground.layout
    asks = {"geo_serve": "/v1/layers", "analysis_serve": "/v1/counts", "notify_serve": "/v1/subscriptions",
            "ingest_serve": "/v1/event-types"}  # fmt: skip
    changed, _ = await registered(appointing, kommun, "analytiker")
    locked, _ = await registered(appointing, kommun, "analytiker")
    left, _ = await registered(appointing, kommun, "analytiker")
    held = {who: await signed_in(people, kommun, who) for who in (changed, locked, left)}

    async def answers(header: dict[str, str]) -> set[int]:
        async with asking() as http:
            found = [
                (await http.get(layout.url(room) + path, headers=header)).status_code for room, path in asks.items()
            ]
        return set(found)

    for _, header in held.values():
        assert await answers(header) == {200}
    owner = (await appointing.person(kommun, changed)).row.organisation_id
    await appointing.change(kommun, changed, name="Vera", roles=["est_medlem"], organisation=owner, active=True)
    await appointing.change(kommun, locked, name="Vera", roles=["analytiker"], organisation=owner, active=False)
    await people.end_session(held[left][0])

    async def refused() -> bool:
        return all([await answers(header) == {401} for _, header in held.values()])

    await eventually(refused, "every room refuses the old tokens", within=WITHIN)
    assert await people.by_session(held[locked][0]) is None
    assert await people.by_session(held[left][0]) is None
    renewed = await people.by_session(held[changed][0])
    assert renewed is not None
    assert renewed.roles == {"est_medlem"}
    assert await answers({"Authorization": f"Bearer {await people.token(renewed)}"}) == {200}


async def test_an_erased_person_leaves_no_trace_and_the_counts_stay(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    appointing, people, kommun = Appointing(database), People(database), tenant.kommun
    person, email = await registered(appointing, kommun, "rapportor", "est_medlem")
    name = (await appointing.person(kommun, person)).row.name
    session, header = await signed_in(people, kommun, person)
    url = instance.ground.layout.url("notify_serve")
    async with asking(headers=header) as http:
        followed = await http.post(f"{url}/v1/subscriptions", json={"min_severity": 1})
        assert followed.status_code == 201, followed.text
        await numbered(instance, kommun, person, phone="+46701234599")
        answer = await http.post(f"{instance.url}/v1/reports", json=reports(1, uuid4().hex[:6], severity=4)[0])
        assert answer.status_code == 201, answer.text

    async def told() -> bool:
        query = "select 1 from contacts where person_id = $1"
        return bool(await instance.sql(query, person, kommun=kommun, room="notify"))

    await eventually(told, "a mail made notify keep the address")
    async with reaching(instance, "127.0.0.1:9") as ends:
        await ends.add_device(kommun, person, Phone().device("http://127.0.0.1:9/x"), "Mobil")
        assert await ends.ask_number(kommun, person, "+46701234598")
    async with asking(url, headers=header) as http:
        (alert,) = (await http.get("/v1/alerts")).json()
        for deed, body in (("take", None), ("silence", {}), ("answer", {"useful": True})):
            answered = await http.post(f"/v1/alerts/{alert['alert_id']}/{deed}", json=body)
            assert answered.is_success, answered.text
        _, admin = await signed_in(people, kommun, (await registered(appointing, kommun, "administrator"))[0])
        plan = (await http.get("/v1/routing", headers=admin)).json()
        plan["plan"]["groups"], named = {"vakt": [str(person)]}, {"to": [{"person": str(person)}]}
        plan["plan"]["root"]["routes"] += [{"name": "egen", "label": "Egen", "match": {"areas": ["regso/x"]}} | named]
        assert (await http.put("/v1/routing", json=plan, headers=admin)).status_code == 200
    async with database.transaction() as connection:
        assert await passkeys.add(connection, kommun, person, passkeys.Passkey(person.bytes, b"key", 0), name)
    await appointing.erase(kommun, person)
    assert await people.by_session(session) is None

    async def forgotten() -> bool:
        return not await traces(instance, kommun, str(person), name, email, "+46701234599", "+46701234598")

    await eventually(forgotten, "no table of any room holds id, name or address")
    ident = UUID(answer.json()["report_id"])
    facts = await instance.sql("select 1 from facts where report_id = $1", ident, kommun=kommun)
    assert len(facts) == 1
    again, new = await appointing.register(
        kommun, name=name, email=email, roles=["rapportor"], organisation="Provbolaget"
    )
    assert new
    assert again != person


async def traces(instance: Instance, kommun: str, *wanted: str) -> list[str]:
    """Tables of all rooms with a row that holds one of these; the outbox and dead letters too, but for the erasure."""
    found = []
    connection = await asyncpg.connect(instance.ground.dsn(OWNER_ROLE))
    try:
        tables = await connection.fetch(
            """select n.nspname, c.relname, c.relforcerowsecurity from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and n.nspname in ('ingest', 'geo', 'analysis', 'notify')"""
        )
        for schema, table, forced in tables:
            name = f'"{schema}"."{table}"'
            condition = "and not (t.topic = 'person-erased')" if table == "outbox" else ""
            query = f"select 1 from {name} t where t::text like '%' || $1 || '%' {condition} limit 1"
            if forced:  # the owner may look only while the policies do not hold for it too
                await connection.execute(f"alter table {name} no force row level security")
            try:
                found += [f"{name}: {value}" for value in wanted if await connection.fetch(query, value)]
            finally:
                if forced:
                    await connection.execute(f"alter table {name} force row level security")
    finally:
        await connection.close()
    return found


async def test_a_municipality_always_has_an_administrator_and_the_first_comes_by_a_link(
    instance: Instance, database: Database
) -> None:
    kommun = f"{6000 + uuid4().int % 900}"
    await People(database).create_municipality(kommun, "Provkommun")
    inviting, appointing = Inviting(database), Appointing(database)
    key = await inviting.invite(kommun)
    async with asking(instance.url) as http:
        for _ in range(3):  # a mail scanner opens it as often as it likes
            assert (await http.get("/bli-administrator", params={"nyckel": key})).status_code == 200
        form = {
            "nyckel": key,
            "name": "Alex Prov",
            "email": f"{uuid4().hex}@exempel.invalid",
            "organisation": "Kommunen",
        }
        assert (await http.post("/bli-administrator", data=form | {"email": "fel"})).status_code == 422
        taken = await asyncio.gather(*(http.post("/bli-administrator", data=form) for _ in range(4)))
        assert sorted(a.status_code for a in taken) == [303, 404, 404, 404]
        assert (await http.get("/administration")).status_code == 200
    assert await inviting.invite(kommun) is None
    spare = await inviting.invite(kommun, replacing=True)
    unused = await inviting.invite(kommun, replacing=True)
    assert spare is not None
    (known,) = await appointing.people(kommun)
    again = await inviting.accept(spare, name="X", email=known.row.email, organisation="Kommunen")
    assert again is not None
    assert not again.new, "a link proves nobody: who is known logs in as always"
    assert await inviting.accept(unused or "", name="X", email="x@exempel.invalid", organisation="K") is None
    (only,) = await appointing.people(kommun)
    with pytest.raises(LastAdministrator):
        await appointing.erase(kommun, only.row.person_id)
    row = only.row
    with pytest.raises(LastAdministrator):
        await appointing.change(
            kommun, row.person_id, name="X", roles=["analytiker"], organisation=row.organisation_id, active=True
        )


async def test_two_keys_a_sandbox_and_client_credentials(
    instance: Instance, tenant: Tenant, database: Database
) -> None:
    keys, kommun = Keys(database), tenant.kommun
    about: dict[str, Any] = {"system": f"s-{uuid4()}", "organisation": "Provbolaget", "source": "fastighetsbolag"}
    client, old = await keys.create(kommun, **about, scopes=["reports:write", "counts:read"])
    same, new = await keys.create(kommun, **about, scopes=["reports:write"])
    assert same == client
    with pytest.raises(TooManyKeys):
        await keys.create(kommun, **about, scopes=["reports:write"])
    with pytest.raises(OtherSystem):
        await keys.create(kommun, **about | {"source": "felanmalan"}, scopes=["reports:write"])
    _, sandbox = await keys.create(kommun, **about, scopes=[], sandbox=True)
    async with asking(instance.url) as http:

        async def send(secret: str, number: int, **changes: object) -> httpx.Response:
            report = reports(1, f"{about['system']}-{number}", **changes)[0]
            return await http.post("/v1/reports", json=report, headers={"Authorization": f"Bearer {secret}"})

        assert [(await send(k, i)).status_code for i, k in enumerate((old, new))] == [201, 201]
        tried = await send(sandbox, 2)
        assert (tried.status_code, tried.json()["sandbox"]) == (201, True)
        assert (await send(sandbox, 3, event_type="Z9")).status_code == 422
        assert (await send(sandbox, 4, text="Ring 070-123 45 67")).status_code == 422
        kept = await http.get(f"/v1/reports/{tried.json()['report_id']}", headers={"Authorization": f"Bearer {old}"})
        assert kept.status_code == 404, "a sandbox key stores nothing"

        async def token(**form: str) -> httpx.Response:
            return await http.post("/v1/oauth/token", data={"grant_type": "client_credentials"} | form)

        given = await token(client_id=str(client), client_secret=old, scope="reports:write")
        assert (given.status_code, given.json()["scope"]) == (200, "reports:write")
        bearer = given.json()["access_token"]
        assert (await send(bearer, 5)).status_code == 201
        basic = await http.post(
            "/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=(str(client), sandbox)
        )
        assert (await send(basic.json()["access_token"], 6)).json()["sandbox"] is True
        narrowed = await token(client_id=str(client), client_secret=sandbox, scope="reports:write")
        assert (await send(narrowed.json()["access_token"], 7)).json()["sandbox"] is True
        for form, status, error in (
            ({"client_id": str(uuid4()), "client_secret": old}, 401, "invalid_client"),
            ({"client_id": "x", "client_secret": old}, 401, "invalid_client"),
            ({"client_id": str(client), "client_secret": "lb_fel"}, 401, "invalid_client"),
            ({"client_id": str(client), "client_secret": old, "scope": "people:write"}, 400, "invalid_scope"),
            ({"client_id": str(client), "client_secret": old, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ):
            answer = await token(**form)
            assert (answer.status_code, answer.json()["error"]) == (status, error)
            assert old not in answer.text
        (first,) = [k for k in await keys.live(kommun) if k.system == about["system"] and "counts:read" in k.scopes]
        assert await keys.revoke(kommun, first.credential_id)
        assert not await keys.revoke("0001", first.credential_id), "another municipality's key is not there"
        assert (await send(old, 8)).status_code == 401

        async def dead() -> bool:
            return (await send(bearer, 9)).status_code == 401

        await eventually(dead, "the token of the key no longer holds", within=WITHIN)
        assert (await send(new, 10)).status_code == 201
