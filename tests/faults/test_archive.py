"""The archive of polisen.se as it happened, in any order and twice: the view is the fold of the newest versions."""

import gzip
import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from schemas.context import ContextLocated
from services.analysis.views import fold
from services.analysis.views.context_days import CONTEXT_DAYS, ContextKey, published
from services.geo.domain.names import Names
from services.ingest.polisen import read_item, to_event
from tests.integration.test_police_import import ARCHIVE, run_import
from tests.support.data import shared
from tests.support.instance import Instance
from tests.support.tally import Table
from tests.unit.geo.test_areas import layers

TABLES = ("ingest.context_items", "ingest.context_revisions", "geo.context_placements", "analysis.context_facts",
          "analysis.context_history", "analysis.context_days")  # fmt: skip


def _expected(lines: list[bytes]) -> dict[Any, Any]:
    """A fold of our own: the version last seen of each event, by the pure functions alone."""
    now, names = datetime.now(UTC), Names(layers())
    newest: dict[str, Any] = {}
    for line in lines:
        item = read_item(json.loads(line), now)
        known = newest.get(item.publisher_id)
        if known is None or item.seen > known.seen:
            newest[item.publisher_id] = item
    facts = []
    for item in newest.values():
        event = to_event(item, 1, now)
        placement = names.place(event, number=1, now=now)
        fact = published(ContextLocated(kommun="0000", context=event, placement=placement))
        if fact is not None:
            facts.append(fact)
    return fold(CONTEXT_DAYS.contributions, facts)


async def _rows(instance: Instance) -> dict[Any, Any]:
    rows = await instance.sql(
        "select v.* from context_days v join view_state s using (generation) where s.name = 'context_days'",
        kommun="0000",
    )
    return {ContextKey(*(r[n] for n in ContextKey._fields)): (r["reports"], r["seen"]) for r in rows}


@pytest.mark.parametrize("order", ["published", "shuffled"])
async def test_the_archive_in_any_order_and_twice(
    instance: Instance, kommun: str, table: Table, tmp_path: Path, order: str
) -> None:
    tenant = await instance.tenant(kommun)
    lines = gzip.decompress(Path(shared(ARCHIVE)).read_bytes()).splitlines()  # noqa: ASYNC240 - a test may wait
    if order == "shuffled":
        random.Random(4).shuffle(lines)
    source = tmp_path / "archive.jsonl"
    source.write_bytes(b"\n".join(lines))
    expected = _expected(lines)
    owner = await asyncpg.connect(instance.ground.dsn("postgres"))
    await owner.execute(f"truncate {', '.join(TABLES)}")
    await owner.close()
    for turn in ("once", "twice"):
        began = time.monotonic()
        found = await run_import(instance, tenant.key, str(source), "--versions", "all")
        assert found["adds_up"] is True
        if turn == "once":
            assert found["new"] == 85_011
            assert found["read"] == 87_370
        else:
            assert (found["new"], found["newer"], found["same"]) == (0, 0, 87_370)
        rows = await _rows(instance)
        counted = sum(reports for reports, _ in rows.values()) // 1_000_000
        table.add(
            f"archive of 87 370 versions, {order}, {turn}",
            sent=85_011,
            counted=counted,
            lost=max(0, 85_011 - counted),
            doubled=max(0, counted - 85_011),
            began=began,
        )
        assert rows == {key: tuple(weight) for key, weight in expected.items()}
