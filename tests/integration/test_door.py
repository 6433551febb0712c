"""The door's contract over HTTP: replay for ever, versions, refusals, limits, keys."""

import asyncio
import io
import re
import zipfile
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.runtime.migrations import serve_role
from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports


@pytest.fixture
async def tenant(instance: Instance, kommun: str) -> Tenant:
    return await instance.tenant(kommun)


@pytest.fixture
async def http(instance: Instance) -> Any:
    async with asking(instance.ground.layout.public_url) as client:
        yield client


async def test_sent_twice_is_answered_with_the_first_answer(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1)[0]
    first = await http.post("/v1/reports", json=report, headers=tenant.headers)
    again = await http.post("/v1/reports", json=report, headers=tenant.headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_many_at_once_with_the_same_id_make_one_report(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1)[0]
    answers = await asyncio.gather(*(http.post("/v1/reports", json=report, headers=tenant.headers) for _ in range(12)))
    codes = {a.status_code for a in answers}
    assert codes <= {201, 409}
    created = [a for a in answers if a.status_code == 201 and "idempotent-replayed" not in a.headers]
    assert len(created) == 1
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 409)


async def test_versions(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1)[0]

    async def send(**changes: Any) -> httpx.Response:
        return await http.post("/v1/reports", json=report | changes, headers=tenant.headers)

    assert (await send(source_version=5)).json()["outcome"] == "created"
    conflict = await send(source_version=5, count=2)
    assert conflict.status_code == 422
    assert conflict.json()["type"].endswith("version-conflict")
    assert (await send(source_version=6, count=2)).json()["revision"] == 2
    late = await send(source_version=3, count=9)
    assert (late.status_code, late.json()["outcome"], late.json()["revision"]) == (200, "superseded", None)
    assert (await send(source_version="2026-11-19T12:00:00Z")).status_code == 422
    assert (await send(source_version=7, withdrawn=True)).json()["outcome"] == "withdrawn"


async def test_the_header_is_optional_and_must_agree(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1)[0]
    bare = {k: v for k, v in report.items() if k != "id"}
    missing = await http.post("/v1/reports", json=bare, headers=tenant.headers)
    assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[1]) == (400, "missing-id")
    by_header = await http.post("/v1/reports", json=bare, headers=tenant.headers | {"Idempotency-Key": '"k-1"'})
    assert by_header.json()["id"] == "k-1"
    wrong = await http.post("/v1/reports", json=report, headers=tenant.headers | {"Idempotency-Key": "other"})
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 422, "invalid"),
        (b"{", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"\xff\xfe", 422, "invalid"),
        (b'{"id": "x", "event_type": "A1", "time_from": "x"}', 422, "invalid"),
        (
            b'{"id": "x", "event_type": "A99", "time_from": "2026-11-19T12:00:00Z", "place": {"text": "x"}}',
            422,
            "unknown-type",
        ),
        (b'{"id": "x", "event_type": "A1", "time_from": "2026-11-19T12:00:00Z"}', 422, "missing-place"),
        (b'{"id": "x", "name": "Anna", "event_type": "A1", "time_from": "2026-11-19T12:00:00Z"}', 422, "invalid"),
        (b'{"id": "' + b"x" * 300_000 + b'"}', 413, "too-large"),
    ],
    ids=["empty", "broken", "list", "encoding", "time", "type", "place", "unknown field", "huge"],
)
async def test_bad_input_gets_a_clear_problem(
    http: httpx.AsyncClient, tenant: Tenant, body: bytes, status: int, kind: str
) -> None:
    answer = await http.post("/v1/reports", content=body, headers=tenant.headers | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["type"].endswith("/" + kind)
    assert answer.json()["title"]


async def test_a_refusal_never_repeats_what_was_sent(http: httpx.AsyncClient, tenant: Tenant) -> None:
    report = reports(1)[0] | {"text": "Ring Anna, 19811228-9874"}
    answer = await http.post("/v1/reports", json=report, headers=tenant.headers)
    assert answer.status_code == 422
    assert "19811228" not in answer.text
    assert answer.json()["errors"][0]["type"] == "personal_identifier"
    unknown = await http.post("/v1/reports", json=report | {"text": None, "x": "19811228-9874"}, headers=tenant.headers)
    assert "19811228" not in unknown.text


async def test_local_types(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = "/v1/event-types/A-X1"
    assert (await http.put(path, json={"label": "Sönder lekplats"}, headers=tenant.headers)).status_code == 204
    assert (await http.put("/v1/event-types/A1", json={"label": "x"}, headers=tenant.headers)).status_code == 422
    types = (await http.get("/v1/event-types", headers=tenant.headers)).json()["types"]
    assert {"code": "A-X1", "label": "Sönder lekplats", "severity": 1, "local": True} in types
    answer = await http.post("/v1/reports", json=reports(1)[0] | {"event_type": "A-X1"}, headers=tenant.headers)
    assert answer.status_code == 201


async def test_numbers_as_csv_xlsx_and_geojson(http: httpx.AsyncClient, instance: Instance) -> None:
    tenant = await instance.tenant("0682", "Nässjö")
    await tenant.load(reports(4, "csv"))
    await tenant.tally(4)
    csv = await http.get("/v1/counts.csv", params={"group_by": ["type", "source"]}, headers=tenant.bearer)
    lines = csv.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "type;source;reports;seen;invented"
    assert len(lines) >= 5
    asked = {"group_by": ["type", "source"]}
    sheet = await http.get("/v1/counts.xlsx", params=asked, headers=tenant.bearer)
    assert sheet.status_code == 200, sheet.text
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as book:
        written = book.read("xl/worksheets/sheet1.xml").decode()
    assert written.count("<row ") == len(lines)
    total = sum(float(line.split(";")[2].replace(",", ".")) for line in lines[1:])
    assert sum(float(n) for n in re.findall(r'<c r="C\d+"><v>([\d.]+)</v>', written)) == total
    geojson = (await http.get("/v1/counts.geojson", headers=tenant.bearer)).json()
    assert len(geojson["features"]) == 13
    total = sum(f["properties"]["reports"] for f in geojson["features"]) + geojson["unplaced"]
    assert total == (await http.get("/v1/counts", headers=tenant.bearer)).json()["total"]
    backwards = await http.get("/v1/counts", params={"from": "2026-11-19", "to": "2026-01-01"}, headers=tenant.bearer)
    assert backwards.json()["errors"][0]["loc"] == ["query", "to"]


async def test_a_stranger_learns_nothing_from_the_login(http: httpx.AsyncClient, instance: Instance) -> None:
    before = len(instance.mails())
    answer = await http.post("/logga-in", data={"email": "finns.inte@exempel.invalid"})
    assert answer.status_code == 200
    assert "Skriv koden" in answer.text
    for code in ("000000", "123456", "12345", "x"):
        wrong = await http.post("/logga-in/kod", data={"code": code})
        assert wrong.status_code == 422
    await asyncio.sleep(0.3)
    assert len(instance.mails()) == before


async def test_openapi_is_there(http: httpx.AsyncClient) -> None:
    for room in ("ingest", "geo", "analysis", "notify"):
        document = (await http.get(f"/openapi/{room}.json")).json()
        assert document["openapi"].startswith("3.1")


async def _log_in(http: httpx.AsyncClient, address: str) -> httpx.Response:
    await http.post("/logga-in", data={"email": address})
    code = ""

    async def arrived() -> bool:
        nonlocal code
        texts = [m["text"] for m in (await http.get("/utkorg/mejl.json", params={"to": address})).json()]
        code = "".join(re.findall(r"\d{3} \d{3}", texts[0])) if texts else ""
        return bool(code)

    await eventually(arrived, "a code")
    return await http.post("/logga-in/kod", data={"code": code})


async def _appoint(http: httpx.AsyncClient, tenant: Tenant, address: str) -> None:
    body = {"name": "Kim Exempel", "email": address, "roles": ["rapportor"], "organisation": "Exempel"}
    assert (await http.post("/v1/people", json=body, headers=tenant.headers)).status_code == 201


async def test_a_form_sent_again_after_a_lost_answer_is_one_report(http: httpx.AsyncClient, tenant: Tenant) -> None:
    address = f"form-{uuid4().hex[:8]}@exempel.invalid"
    await _appoint(http, tenant, address)
    assert (await _log_in(http, address)).status_code == 303
    form = {"id": "form-1", "l1": "A", "l2_A": "A1", "when": "now", "area": "0682R012"}
    answers = []
    for fields in (form, form, {"id": "zero-1", "zero": "1"}, {"id": "zero-1", "zero": "1"}):
        answers.append(await http.post("/rapportera", data=fields))
        await asyncio.sleep(0.05)
    assert [a.status_code for a in answers] == [303] * 4
    assert answers[0].headers["location"] == answers[1].headers["location"]
    rows = await tenant.instance.sql("select count(*) as n from reports", kommun=tenant.kommun, room="ingest")
    assert rows[0]["n"] == 2


async def test_somebody_in_two_municipalities_chooses_where_to_work(
    http: httpx.AsyncClient, instance: Instance, tenant: Tenant
) -> None:
    address = f"two-{uuid4().hex[:8]}@exempel.invalid"
    other = await instance.tenant(f"0{int(tenant.kommun) % 1000:03d}", "Lägre")
    await _appoint(http, tenant, address)
    await _appoint(http, other, address)
    choice = await _log_in(http, address)
    assert "Välj kommun" in choice.text
    assert "lb_device" not in http.cookies
    code = re.findall(r'name="code" value="(\d{6})"', choice.text)[0]
    stranger = await http.post("/logga-in/kod", data={"code": code, "kommun": "9999"})
    assert stranger.status_code == 422
    entered = await http.post("/logga-in/kod", data={"code": code, "kommun": tenant.kommun})
    assert entered.status_code == 303
    again = await http.post("/logga-in/kod", data={"code": code, "kommun": other.kommun})
    assert again.status_code == 422, "a code works once"


async def test_a_withdrawal_holds_also_when_the_sender_s_clock_is_ahead(
    http: httpx.AsyncClient, tenant: Tenant
) -> None:
    report = reports(1)[0] | {"source_version": "2030-01-01T00:00:00Z"}
    created = (await http.post("/v1/reports", json=report, headers=tenant.headers)).json()
    answer = await http.delete(f"/v1/reports/{created['report_id']}", headers=tenant.headers)
    assert answer.json()["outcome"] == "withdrawn"
    assert answer.json()["revision"] == 2


async def test_a_correlation_id_is_an_id_and_nothing_else(http: httpx.AsyncClient) -> None:
    for given, kept in (("abc-1.2_3", True), ("anna@exempel.se", False), ("x" * 65, False)):
        answer = await http.get("/logga-in", headers={"X-Correlation-Id": given})
        assert (answer.headers["x-correlation-id"] == given) is kept


async def test_what_the_guard_would_refuse_today_can_still_be_withdrawn(instance: Instance, tenant: Tenant) -> None:
    (report,) = reports(1, f"old-{uuid4().hex[:6]}", text="Bakom hallen")
    async with asking(instance.url) as http:
        made = await http.post("/v1/reports", json=report, headers=tenant.headers)
        ident = made.json()["report_id"]
        # Stored before there was such a rule.
        connection = await asyncpg.connect(instance.ground.dsn(serve_role("ingest")))
        async with connection.transaction():
            await connection.execute("select set_config('app.kommuner', $1, true)", tenant.kommun)
            await connection.execute(
                "update reports set content = jsonb_set(content, '{text}', '\"lgh 1203\"') where report_id = $1", ident
            )
        await connection.close()
        gone = await http.delete(f"/v1/reports/{ident}", headers=tenant.headers)
    assert (gone.status_code, gone.json()["outcome"]) == (200, "withdrawn")
