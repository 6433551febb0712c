"""One report through four rooms on real Kafka and PostgreSQL, and its corrections and withdrawal."""

from typing import Any

from tests.support.http import asking
from tests.support.instance import Instance, Tenant, eventually, reports


async def _counts(instance: Instance, tenant: Tenant, **params: Any) -> dict[str, Any]:
    async with asking(instance.ground.layout.public_url) as http:
        answer = await http.get("/v1/counts", params=params, headers=tenant.bearer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_report_is_received_placed_and_counted(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    report = reports(1)[0] | {"place": {"coordinates": {"x": 14.69, "y": 57.65, "accuracy_m": 8}}}
    await tenant.load([report])
    assert await tenant.tally(1) == {"sent": 1, "facts": 1, "counted": 1, "lost": 0, "unknown": 0, "doubled": 0}
    found = await _counts(instance, tenant, group_by=["area", "type", "source"])
    assert found["rows"] == [{"area": "0682R012", "type": "A1", "source": "fastighetsbolag", "reports": 1, "seen": 1}]
    async with asking(instance.url) as http:
        state = (await http.get(f"/v1/reports/{tenant.ledger['r-0']['report_id']}", headers=tenant.headers)).json()
    assert state["placed"]["area_name"] == "Åker-Målen"
    assert state["counted"]["counted"] is True
    assert state["refused"] is None


async def test_a_correction_moves_the_count_and_a_withdrawal_removes_it(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    first = reports(1)[0]
    await tenant.load([first])
    await tenant.load([first | {"source_version": 2, "event_type": "C1", "count": 3}])

    async def corrected() -> bool:
        rows = (await _counts(instance, tenant, group_by=["type"]))["rows"]
        return bool(rows == [{"type": "C1", "reports": 1, "seen": 3}])

    await eventually(corrected, "the correction in the counts")
    async with asking(instance.url) as http:
        late = await http.post("/v1/reports", json=first | {"source_version": 1}, headers=tenant.headers)
        assert late.status_code == 201
        assert late.headers["idempotent-replayed"] == "true"
        answer = await http.delete(f"/v1/reports/{tenant.ledger['r-0']['report_id']}", headers=tenant.headers)
    assert answer.json()["outcome"] == "withdrawn"

    async def gone() -> bool:
        return bool((await _counts(instance, tenant))["total"] == 0)

    await eventually(gone, "the withdrawal in the counts")


async def test_what_cannot_be_placed_is_kept_and_countable(instance: Instance, kommun: str) -> None:
    tenant = await instance.tenant(kommun)
    places = [
        {"coordinates": {"x": 0, "y": 0}},
        {"coordinates": {"x": 10.75, "y": 59.91}},
        {"coordinates": {"x": 501_000, "y": 6_380_000, "crs": "EPSG:2400"}},
        {"text": "Storgatan 4"},
        {"area_code": "9999R999"},
        {"area_code": "0682R012"},
        {"coordinates": {"x": 481_000, "y": 6_390_000, "crs": "EPSG:3006"}},
    ]
    await tenant.load([r | {"place": p} for r, p in zip(reports(len(places)), places, strict=True)])
    tally = await tenant.tally(len(places))
    assert tally["lost"] == 0
    assert tally["counted"] == len(places)
    found = await _counts(instance, tenant, group_by=["area"])
    by_area = {r["area"]: r["reports"] for r in found["rows"]}
    assert by_area["unplaced"] == 5
    async with asking(instance.ground.layout.public_url) as http:
        reasons = (await http.get("/v1/placements/unplaced", headers=tenant.bearer)).json()
    assert reasons == {
        "impossible_coordinates": 1,
        "no_register": 1,
        "outside_sweden": 1,
        "unknown_area": 1,
        "unknown_crs": 1,
    }
