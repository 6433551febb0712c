"""The table of faults: what was sent, what was counted, what was lost or doubled, and how long it took."""

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.support.instance import Tenant

BUILD = Path(__file__).parents[2] / "build"
TABLE_VARIABLE = "LAGESBILD_FAULT_TABLE"
"""Where a session writes its table when it is one of several."""


@dataclass(frozen=True)
class Row:
    name: str
    sent: int
    counted: int
    lost: int
    doubled: int
    seconds: float


@dataclass
class Table:
    rows: list[Row] = field(default_factory=list)

    def add(self, name: str, *, sent: int, counted: int, lost: int, doubled: int, began: float) -> Row:
        """One fault's tally; ``began`` is when it started, monotonic seconds. Asserts that nothing went wrong."""
        row = Row(name, sent, counted, lost, doubled, round(time.monotonic() - began, 1))
        self.rows.append(row)
        assert (row.lost, row.doubled) == (0, 0), row
        assert row.sent == row.counted > 0, row
        return row

    async def tally(self, name: str, tenant: Tenant, expected: int, began: float, patience: float = 120) -> Row:
        """Wait until everything that was answered is counted, then compare the ledger with SQL."""
        found = await tenant.tally(expected, patience=patience)
        assert found["unknown"] == 0, found
        return self.add(
            name,
            sent=found["sent"],
            counted=found["counted"],
            lost=found["lost"],
            doubled=found["doubled"],
            began=began,
        )

    def write(self) -> str:
        """Write ``build/faults.json``, or the file of this session; returns the same for people."""
        target = Path(os.environ.get(TABLE_VARIABLE, BUILD / "faults.json"))
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps([asdict(r) for r in self.rows], indent=1, ensure_ascii=False), "utf-8")
        return self.text()

    def text(self) -> str:
        """The table for people."""
        wide = max((len(r.name) for r in self.rows), default=4)
        lines = [f"{'fault':{wide}}  {'sent':>7} {'counted':>7} {'lost':>5} {'doubled':>7} {'seconds':>8}"]
        lines += [
            f"{r.name:{wide}}  {r.sent:7} {r.counted:7} {r.lost:5} {r.doubled:7} {r.seconds:8.1f}" for r in self.rows
        ]
        return "\n".join(lines)
