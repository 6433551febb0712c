"""Published events of polisen.se through the real pipes: sums that add up, a second run that changes nothing."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from services.ingest.cli.importing import read_lines
from tests.integration.test_operation import cli
from tests.support.data import shared
from tests.support.instance import Instance

ARCHIVE = "events/polisen_se_revisions.jsonl.gz"


async def run_import(instance: Instance, key: str, source: str, *more: str, expect: int = 0) -> dict[str, Any]:
    url = instance.ground.layout.public_url
    out = await cli(
        "import", "polisen", source, "--api", url, "--key", key, "--json", *more, expect=expect, patience=240
    )
    return dict(json.loads(out))


async def test_the_newest_versions_go_through_and_add_up(instance: Instance, kommun: str, tmp_path: Path) -> None:
    archive = shared(ARCHIVE)
    tenant = await instance.tenant(kommun)
    found = await run_import(instance, tenant.key, archive)
    print(f"\n{found}")
    assert found["adds_up"] is True
    assert (found["read"], found["new"], found["older"]) == (87_370, 85_011, 2_359)
    assert (found["newer"], found["same"], found["refused"]) == (0, 0, 0)
    placed = found["placed"]
    assert placed["kommun"] + placed["lan"] + placed["none"] == placed["total"] == 85_011
    # The same split, made independently by the archive's own derivation.
    table = pq.read_table(shared("events/polisen_se_events_2022_2026.parquet"), columns=["kommun_code"])
    without = sum(1 for code in table["kommun_code"].to_pylist() if not code)
    assert placed["kommun"] == 85_011 - without == 62_049
    again = await run_import(instance, tenant.key, archive)
    assert (again["new"], again["newer"], again["same"], again["placed"]) == (0, 0, 85_011, placed)
    rows = await instance.sql("select count(*) as n from context_facts_versions", kommun="0000")
    assert rows[0]["n"] == 85_011
    cube = await instance.sql("select count(*) as n from cube where kommun = '0000'", kommun="0000")
    assert cube[0]["n"] == 0, "published items are never summed with reports"
    await _bad_lines_are_refused_and_the_others_go_on(instance, tenant.key, tmp_path)


async def _bad_lines_are_refused_and_the_others_go_on(instance: Instance, key: str, folder: Path) -> None:
    good = {"id": 1, "datetime": "2026-11-19 9:13:04 +01:00", "name": "19 november 08.50, Rån, Nässjö", "type": "Rån",
            "summary": "", "url": "/x/", "location": {"name": "Jönköpings län", "gps": "57,14"}}  # fmt: skip
    lines = [
        json.dumps(good).encode(),
        b"{",
        b'{"id": 2}',
        b"\xff\xfe",
        json.dumps(good | {"id": 3, "datetime": "x"}).encode(),
    ]
    source, rejects = folder / "mixed.jsonl", folder / "rejects.jsonl"
    source.write_bytes(b"\n".join(lines))
    found = await run_import(instance, key, str(source), "--rejects", str(rejects), expect=3)
    assert (found["read"], found["new"], found["refused"], found["adds_up"]) == (5, 1, 4, True)
    reasons = {r["line"]: r["reason"] for r in map(json.loads, rejects.read_text().splitlines())}
    assert reasons == {2: "not_json", 3: "missing_type", 4: "not_json", 5: "bad_datetime"}


def test_all_forms_of_the_file_are_read(tmp_path: Path) -> None:
    items = [{"id": 1}, {"id": 2}]
    array, lines, packed = tmp_path / "a.json", tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"
    array.write_text(json.dumps(items))
    lines.write_text("\n".join(map(json.dumps, items)) + "\n\n")
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    for path in (array, lines, packed):
        assert [json.loads(line) for line in read_lines(str(path))] == items
