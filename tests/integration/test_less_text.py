"""What was written stays no longer than it must: it goes with what replaces it, and when an analyst takes it away."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.pages.texts import text
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.integration.test_photos import person
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, reports

FROM_OUR_PAGE = {"sec-fetch-site": "same-origin"}


async def kept(instance: Instance, kommun: str, report: str) -> list[str]:
    query = "select text from texts where report_id = $1 order by revision"
    return [r["text"] for r in await instance.sql(query, report, kommun=kommun, room="ingest")]


async def send(tenant: Tenant, ident: str, version: int, **changes: Any) -> str:
    body = reports(1, ident)[0] | {"source_version": version, **changes}
    async with asking(tenant.instance.url) as http:
        answer = await http.post("/v1/reports", json=body, headers=tenant.headers)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["report_id"])


@pytest.mark.parametrize("change", [{"text": "Tre rutor."}, {"text": None}, {"withdrawn": True}])
async def test_a_text_goes_with_what_replaces_it(instance: Instance, kommun: str, change: dict[str, Any]) -> None:
    tenant = await instance.tenant(kommun)
    report = await send(tenant, "first", 1, text="En krossad ruta.")
    other = await send(tenant, "other", 1, text="Något helt annat.")
    assert await kept(instance, kommun, report) == ["En krossad ruta."]
    assert await send(tenant, "first", 2, **change) == report
    assert await kept(instance, kommun, report) == ([change["text"]] if change.get("text") else [])
    assert await kept(instance, kommun, other) == ["Något helt annat."]
    lines = [reports(1, "twice")[0] | {"source_version": v, "text": f"Version {v}."} for v in (1, 2)]
    async with asking(instance.url) as http:
        answer = await http.post("/v1/reports:batch", content="\n".join(map(json.dumps, lines)),
                                 headers=tenant.headers | {"Content-Type": "application/x-ndjson"})  # fmt: skip
    twice = answer.text.splitlines()
    assert len(twice) == 2
    rows = await instance.sql("select text from texts where text like 'Version%'", kommun=kommun, room="ingest")
    assert [r["text"] for r in rows] == ["Version 2."], "also when both come in one piece"


async def test_an_analyst_takes_a_text_away_and_the_report_counts_as_before(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    written = "Något som vakten släppte igenom."
    report = await send(tenant, f"r-{uuid4().hex[:6]}", 1, text=written)
    await tenant.tally(1)
    serving = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    try:
        analyst, member, reporter = [
            await person(serving, kommun, r) for r in ("analytiker", "est_medlem", "rapportor")
        ]
        elsewhere = await instance.tenant(f"9{kommun[1:]}")
        stranger = await person(serving, elsewhere.kommun, "analytiker")
    finally:
        await serving.close()

    async def tried(cookies: dict[str, str]) -> int:
        async with asking(instance.url, cookies=cookies) as http:
            form = {"report_id": report}
            return (await http.post("/rapporttext/ta-bort", data=form, headers=FROM_OUR_PAGE)).status_code

    assert [await tried(c) for c in (member, reporter, stranger)] == [403, 403, 404]
    assert await kept(instance, kommun, report) == [written]
    async with asking(instance.ground.layout.public_url, cookies=analyst) as http:
        shown = (await http.get(f"/rapporter/{report}")).text
        assert written in shown
        assert text("card.text_remove") in shown
        answer = await http.post("/rapporttext/ta-bort", data={"report_id": report}, headers=FROM_OUR_PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/rapporter/{report}?borttagen=ja")
        shown = (await http.get(answer.headers["location"])).text
    assert await kept(instance, kommun, report) == []
    assert written not in shown
    assert text("card.text_removed") in shown
    assert text("card.text_gone") in shown
    query = "select what, object, purpose from read_log where purpose = 'removal'"
    assert [tuple(r) for r in await instance.sql(query, kommun=kommun, room="ingest")] == [("text", report, "removal")]
    assert (await tenant.tally(1))["facts"] == 1
