"""States that go on until somebody says that they have ended: by who reported, or by who writes the lägesbild."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from deploy.database.roles import DATABASE
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import person
from tests.support.http import asking
from tests.support.instance import Instance, eventually, reports

FROM_OUR_PAGE = {"sec-fetch-site": "same-origin"}


async def _report(instance: Instance, cookies: dict[str, str], ident: str) -> UUID:
    """A broken lamp, with a few words."""
    body = reports(1, ident, event_type="E1", ongoing=True, text="Lampan vid gångvägen lyser inte.")[0]
    headers = {"Authorization": f"Bearer {cookies['lb_token']}"}
    async with asking(instance.url) as http:
        answer = await http.post("/v1/reports", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["report_id"])


async def _end(instance: Instance, cookies: dict[str, str], report: UUID) -> str:
    async with asking(instance.url, cookies=cookies) as http:
        answer = await http.post("/mina-rapporter/avsluta", data={"report_id": str(report)}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def _event(instance: Instance, kommun: str, report: UUID) -> dict[str, Any]:
    query = "select event->>'ongoing' as ongoing, event->>'has_text' as has_text, event->>'reporter_token' as token, \
        event->>'organisation' as organisation, event->>'time_from' as since, event->>'time_to' as until, client_id \
        from reports where report_id = $1"
    (row,) = await instance.sql(query, report, kommun=kommun, room="ingest")
    return dict(row)


async def test_who_reported_a_state_ends_it_once_and_nothing_else_of_it_changes(
    instance: Instance, kommun: str
) -> None:
    await instance.tenant(kommun)
    serving = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        reporter, other = [await person(serving, kommun, "rapportor") for _ in range(2)]
        analyst = await person(serving, kommun, "analytiker")
        member = await person(serving, kommun, "est_medlem")
    finally:
        await serving.close()
    mine, theirs, old = [await _report(instance, reporter, name) for name in ("a", "b", "c")]
    before = await _event(instance, kommun, mine)
    assert (before["ongoing"], before["has_text"]) == ("true", "true")
    for stranger in (other, member):
        assert await _end(instance, stranger, mine) == "/mina-rapporter"
    assert await _event(instance, kommun, mine) == before
    assert await _end(instance, reporter, mine) == "/mina-rapporter?avslutad=ja"
    after = await _event(instance, kommun, mine)
    assert after["ongoing"] == "false"
    assert datetime.fromisoformat(after["until"]) > datetime.fromisoformat(before["since"])
    kept = ("has_text", "token", "organisation", "since", "client_id")
    assert {k: after[k] for k in kept} == {k: before[k] for k in kept}
    assert await _end(instance, reporter, mine) == "/mina-rapporter", "once"
    assert await _end(instance, analyst, theirs) == f"/rapporter/{theirs}?avslutad=ja"
    assert (await _event(instance, kommun, theirs))["token"] == before["token"]

    admin = make_url(instance.ground.admin_dsn).set(database=DATABASE)
    connection = await asyncpg.connect(admin.render_as_string(hide_password=False))  # before there was such a rule
    await connection.execute("update ingest.texts set text = 'lgh 1203' where report_id = $1", old)
    await connection.close()
    assert await _end(instance, reporter, old) == "/mina-rapporter?avslutad=ja", "what may not stand is left out"
    assert (await _event(instance, kommun, old))["has_text"] == "false"

    async def closed() -> bool:
        query = "select sum(reports) as open from states where kommun = $1"
        (row,) = await instance.sql(query, kommun, kommun=kommun)
        facts = await instance.sql("select 1 from facts where kommun = $1", kommun, kommun=kommun)
        return len(facts) == 3 and not row["open"]

    await eventually(closed, "no state is open any more in the numbers")


async def test_a_system_ends_its_states_itself(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    serving = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        analyst = await person(serving, kommun, "analytiker")
    finally:
        await serving.close()
    body = reports(1, "system", event_type="E1", ongoing=True)[0]
    async with asking(instance.url) as http:
        answer = await http.post("/v1/reports", json=body, headers=tenant.headers)
        report = UUID(answer.json()["report_id"])
        assert await _end(instance, analyst, report) == f"/rapporter/{report}?avslutad=nej", (
            "its next version is its own to number"
        )
        ended = await http.post(
            "/v1/reports", json=body | {"source_version": 2, "ongoing": False}, headers=tenant.headers
        )
        assert ended.status_code == 200, ended.text
