"""Many reports at once: answered line by line, or uploaded and fetched; limits, CloudEvents, a worker killed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.ingest.domain import Sender
from services.ingest.handlers import batches
from services.runtime.database import Database
from services.runtime.migrations import serve_role
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def http(instance: Instance) -> Any:
    url = instance.ground.layout.public_url
    async with asking(url) as client:
        yield client


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def body(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


async def test_every_line_is_answered_in_its_place(http: httpx.AsyncClient, tenant: Tenant) -> None:
    good = reports(4)
    raw = [
        json.dumps(good[0]).encode(),
        b"",
        b"{broken",
        json.dumps(good[3] | {"event_type": "A99"}).encode(),
        json.dumps(good[1] | {"surprise": 1}).encode(),
        json.dumps({k: v for k, v in good[1].items() if k != "id"}).encode(),
        json.dumps(good[1] | {"text": "Klotter p\xe5 muren"}, ensure_ascii=False).encode("latin-1"),
        json.dumps(good[3] | {"text": "Ring 070-123 45 67"}).encode(),
        json.dumps(good[1]).encode() + b"\r",
        json.dumps(good[0]).encode(),
        json.dumps(good[0] | {"source_version": 2, "count": 3}).encode(),
        json.dumps(good[0] | {"source_version": 2, "count": 4}).encode(),
        json.dumps(good[2] | {"text": "x" * 70_000}).encode(),
    ]
    answer = await http.post("/v1/reports:batch", content=b"\n".join(raw), headers=tenant.headers | NDJSON)
    assert answer.status_code == 200
    found = lines(answer)
    assert [(a["line"], a["status"]) for a in found] == [
        (1, 201), (3, 400), (4, 422), (5, 422), (6, 400), (7, 400), (8, 422), (9, 201), (10, 201), (11, 200), (12, 422),
        (13, 413),
    ]  # fmt: skip
    assert found[0]["number"]
    assert (found[9]["outcome"], found[10]["type"].rsplit("/")[-1]) == ("corrected", "version-conflict")
    assert "070-123" not in answer.text
    again = await http.post("/v1/reports:batch", content=b"\n".join(raw), headers=tenant.headers | NDJSON)
    assert again.text == answer.text, "the same lines get the same answers"


async def test_ten_thousand_lines_are_counted_once(http: httpx.AsyncClient, tenant: Tenant) -> None:
    rows = reports(10_000)
    answer = await http.post("/v1/reports:batch", content=body(rows), headers=tenant.headers | NDJSON)
    assert {a["status"] for a in lines(answer)} == {201}
    tenant.ledger |= {a["id"]: a for a in lines(answer)}
    more = await http.post("/v1/reports:batch", content=body(reports(10_001)), headers=tenant.headers | NDJSON)
    assert (more.status_code, more.json()["type"].rsplit("/")[-1]) == (413, "too-large")
    tally = await tenant.tally(10_000)
    assert (tally["sent"], tally["counted"], tally["lost"], tally["doubled"]) == (10_000, 10_000, 0, 0)


async def test_an_upload_is_handled_also_when_its_worker_is_killed(
    instance: Instance, http: httpx.AsyncClient, tenant: Tenant, tmp_path: Path
) -> None:
    marker = tmp_path / "reached"
    fault = {"LAGESBILD_FAULTPOINT": "batches.after_submit", "LAGESBILD_FAULTFILE": str(marker)}
    await instance.restart_with("ingest", "work", fault)
    rows = [*reports(600, "u"), {"id": "bad"}]
    sent = await http.post("/v1/batches", content=body(rows), headers=tenant.headers | NDJSON)
    assert (sent.status_code, sent.json()["lines"]) == (202, 601)
    address = sent.headers["location"]

    async def reached() -> bool:
        return marker.exists()

    await eventually(reached, "the worker stands between the reports and its answers")
    early = await http.get(f"{address}/result", headers=tenant.headers)
    assert (early.status_code, early.headers["retry-after"]) == (409, "5")
    instance.kill("ingest work")

    async def finished() -> bool:
        state: str = (await http.get(address, headers=tenant.headers)).json()["state"]
        return state == "finished"

    async def lease_over() -> bool:
        await instance.sql("update batch_queue set at = now() where at < now() + interval '1 day'", room="ingest")
        return await finished()

    await eventually(lease_over, "the upload is finished")
    result = lines(await http.get(f"{address}/result", headers=tenant.headers))
    assert [a["line"] for a in result] == list(range(1, 602))
    assert {a["status"] for a in result[:600]} == {201}
    assert result[600]["status"] == 422
    tenant.ledger |= {a["id"]: a for a in result[:600]}
    tally = await tenant.tally(600)
    assert (tally["counted"], tally["lost"], tally["doubled"]) == (600, 0, 0)
    kept = await instance.sql(
        "select count(*) as n from batch_pieces where lines is not null", kommun=tenant.kommun, room="ingest"
    )
    assert kept[0]["n"] == 0, "lines are not kept longer than they are needed"
    other = await instance.tenant(f"8{int(tenant.kommun) % 1000:03d}")
    assert (await http.get(address, headers=other.headers)).status_code == 404


async def test_an_upload_that_breaks_off_leaves_nothing_behind(
    instance: Instance, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield body(reports(300, "half"))
        raise ConnectionError("the line was cut")

    with pytest.raises(ConnectionError):
        await http.post("/v1/batches", content=half(), headers=tenant.headers | NDJSON)

    async def rows(table: str) -> int:
        found = await instance.sql(f"select count(*) as n from {table}", kommun=tenant.kommun, room="ingest")
        return int(found[0]["n"])

    async def begun() -> bool:
        return await rows("batches") == 1

    await eventually(begun, "the upload was begun")
    await instance.sql("update batch_queue set at = now() where kommun = $1", tenant.kommun, room="ingest")

    async def forgotten() -> bool:
        return await rows("batches") == await rows("batch_pieces") == 0

    await eventually(forgotten, "what was left of it is forgotten")
    assert await rows("reports") == 0


async def test_what_is_not_lines_is_refused(http: httpx.AsyncClient, tenant: Tenant) -> None:
    for path in ("/v1/reports:batch", "/v1/batches"):
        assert (await http.post(path, json=[], headers=tenant.headers)).status_code == 415
    empty = await http.post("/v1/reports:batch", content=b"\n\n", headers=tenant.headers | NDJSON)
    assert empty.status_code == 400
    for _ in range(5):  # an answer while the sender still sends is easily lost
        huge = await http.post("/v1/reports:batch", content=b"x" * (17 * 2**20), headers=tenant.headers | NDJSON)
        assert (huge.status_code, huge.headers["content-type"]) == (413, "application/problem+json")


async def test_a_structured_event_is_the_report_inside_it(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1, "ce")[0]
    inner = {k: v for k, v in report.items() if k != "id"}
    event = {
        "specversion": "1.0", "type": "se.lagesbild.report.v1", "source": "/fastighetssystem/1", "id": "e-1",
        "subject": report["id"], "datacontenttype": "application/json", "data": inner,
    }  # fmt: skip
    headers = tenant.headers | {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    first = await http.post("/v1/reports", content=json.dumps(event), headers=headers)
    assert (first.status_code, first.json()["id"]) == (201, report["id"])
    plain = await http.post("/v1/reports", json=report, headers=tenant.headers)
    assert plain.content == first.content
    for broken in ({"type": "other"}, {"specversion": "0.3"}, {"data": "text"}, {"id": ""}):
        refused = await http.post("/v1/reports", content=json.dumps(event | broken), headers=headers)
        assert (refused.status_code, refused.json()["type"].rsplit("/")[-1]) == (400, "bad-event")
    wrong = await http.post("/v1/reports", content=json.dumps(event | {"data": {"x": 1}}), headers=headers)
    assert wrong.status_code == 422


async def test_a_line_that_nobody_foresaw_stops_no_other(
    instance: Instance, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a moment that no calendar has did once: the working process halted on it again and again."""
    honest = batches._parse

    def surprised(raw: bytes) -> Any:
        if b'-1"' in raw:
            raise OverflowError("date value out of range")
        return honest(raw)

    monkeypatch.setattr(batches, "_parse", surprised)
    database = Database(instance.ground.database_url(serve_role("ingest")), pool_size=1)
    sender = Sender(kommun=tenant.kommun, client_id=UUID(tenant.client_id), source="fastighetsbolag", invented=True)
    raw = [json.dumps(row).encode() for row in reports(3, "unforeseen")]
    try:
        for again in ("created", "created"):
            answers = await batches.answer_lines(database, sender, raw, "c", 7)
            assert [(a["line"], a.get("outcome") or a["status"]) for a in answers] == [(7, again), (8, 500), (9, again)]
    finally:
        await database.close()


async def test_too_many_calls_are_told_when_to_come_back(instance: Instance, tenant: Tenant) -> None:
    extra = {"LAGESBILD_REQUESTS_PER_MINUTE": "5", "LAGESBILD_LINES_PER_MINUTE": "20"}
    await instance.restart_with("ingest", "serve", extra)
    try:
        async with asking(instance.url) as http:
            answers = [await http.post("/v1/reports", json=r, headers=tenant.headers) for r in reports(7, "rate")]
            assert [a.status_code for a in answers] == [201] * 5 + [429] * 2
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
            assert answers[-1].headers["content-type"] == "application/problem+json"
            for count, status in ((15, 200), (15, 429)):
                sent = await http.post(
                    "/v1/reports:batch", content=body(reports(count, f"b{status}")), headers=tenant.headers | NDJSON
                )
                assert sent.status_code == status
    finally:
        await instance.restart_with("ingest", "serve", {})
        await asyncio.sleep(0.5)
