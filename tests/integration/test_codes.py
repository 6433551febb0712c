"""Login codes: so many to an address and no more, so many tries, also when many ask at once; passkeys that must go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from schemas.appointments import PersonErased
from services.ingest import secrets
from services.ingest.handlers.appointing import Appointing
from services.ingest.handlers.people import People
from services.ingest.handlers.taking_back import _erase
from services.ingest.store import passkeys, people
from services.ingest.store.passkeys import Passkey
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import client, fields, person
from tests.support.instance import Instance


@pytest.fixture
async def door(instance: Instance) -> AsyncIterator[Database]:
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=20)
    yield database
    await database.close()


async def somebody(instance: Instance, door: Database, kommun: str) -> str:
    await instance.tenant(kommun)
    email = f"{uuid4().hex}@exempel.invalid"
    await Appointing(door).register(
        kommun, name="Kim Exempel", email=email, roles=["rapportor"], organisation="Exempelbolaget"
    )
    return email


async def test_five_codes_a_quarter_of_an_hour_also_when_many_ask_at_once(
    instance: Instance, door: Database, kommun: str
) -> None:
    email = await somebody(instance, door, kommun)
    codes = await asyncio.gather(*(People(door).start_login(email, 10) for _ in range(20)))
    assert sum(code.send_to is not None for code in codes) == people.MOST_CODES
    stranger = await asyncio.gather(*(People(door).start_login("ingen@exempel.invalid", 10) for _ in range(2)))
    assert [code.send_to for code in stranger] == [None, None], "and it looks the same"


async def test_the_sixth_try_is_none_though_it_is_right(instance: Instance, door: Database, kommun: str) -> None:
    email = await somebody(instance, door, kommun)
    asked = await People(door).start_login(email, 10)
    wrong = "000000" if asked.code != "000000" else "000001"
    for _ in range(people.MOST_TRIES):
        assert await People(door).finish_login(asked.nonce, wrong, 1) is None
    assert await People(door).finish_login(asked.nonce, asked.code, 1) is None


async def test_who_has_guessed_all_day_gets_no_more_codes(instance: Instance, door: Database, kommun: str) -> None:
    email = await somebody(instance, door, kommun)
    digest = secrets.email_digest(email)
    async with door.transaction() as connection:
        await connection.exec_driver_sql(
            "insert into login_attempts (nonce_hash, email_hash, code_hash, expires_at, created_at, tries) "
            f"select decode(md5(random()::text), 'hex'), decode('{digest.hex()}', 'hex'), decode('00', 'hex'), "
            "now() - interval '2 hours', now() - interval '2 hours', 5 from generate_series(1, 10)"
        )
    assert (await People(door).start_login(email, 10)).send_to is None


async def test_a_passkey_goes_with_its_person_and_with_the_address(
    instance: Instance, door: Database, kommun: str
) -> None:
    await instance.tenant(kommun)
    appointing, left = Appointing(door), []
    for which in ("erased", "moved"):
        ident, _ = await appointing.register(
            kommun, name="Kim Exempel", email=f"{uuid4().hex}@exempel.invalid", roles=["analytiker"],
            organisation="Exempelbolaget",
        )  # fmt: skip
        async with door.transaction((kommun,)) as connection:
            await passkeys.add(connection, kommun, ident, Passkey(uuid4().bytes, b"key", 0), "min telefon")
        if which == "erased":  # and a backup from before brought both back
            erased = PersonErased(kommun=kommun, person_id=ident, revision=1, minted_at=datetime.now(UTC))
            await _erase(door, [erased])
        else:
            async with door.transaction((kommun,)) as connection:
                await appointing._move_address(connection, kommun, ident, f"{uuid4().hex}@exempel.invalid")
        async with door.transaction((kommun,)) as connection:
            left += await passkeys.own(connection, kommun, ident)
    assert left == []


async def test_who_does_not_report_by_role_hands_in_nothing(instance: Instance, door: Database, kommun: str) -> None:
    await instance.tenant(kommun)
    answers = {}
    for role in ("rapportor", "kontaktcenter", "analytiker", "est_medlem", "registrator"):
        async with client(instance, await person(door, kommun, role)) as http:
            answers[role] = (await http.post("/rapportera", data=fields(uuid4().hex))).status_code
    assert answers == {"rapportor": 303, "kontaktcenter": 303, "analytiker": 303, "est_medlem": 403, "registrator": 403}
