"""Importing a register: read, mapped, checked, compared with the one before, and kept – or only the first four."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.geo.domain.geocoding.register import AddressRows, Register
from services.geo.importing.addresses import Tally, to_register
from services.geo.importing.columns import override, propose
from services.geo.importing.reading import Table, read_table
from services.geo.layers.shipped import Layers
from services.geo.registers.differing import Difference, difference
from services.geo.registers.packing import pack, unpack
from services.geo.store import registers as store
from services.runtime.database import Database

SOURCES = ("lantmateriet", "kommun", "osm")
PREVIEW_ROWS = 3


@dataclass(frozen=True)
class Described:
    """What a person says about a file: nothing of it can be read from the file."""

    kommun: str
    source: str
    vintage: str
    licence: str
    credit: str


@dataclass(frozen=True)
class Prepared:
    """A register that is ready to be kept, with everything that its importer should see before."""

    described: Described
    file_name: str
    mapping: dict[str, str]
    preview: list[dict[str, str]]
    tally: Tally
    rows: AddressRows
    streets: int

    def as_dict(self, change: Difference) -> dict[str, Any]:
        """For ``--json``."""
        return {
            **asdict(self.described),
            "file": self.file_name,
            "columns": self.mapping,
            "preview": self.preview,
            "read": self.tally.read,
            "taken": self.tally.taken,
            "left_out": dict(self.tally.left_out),
            "examples_left_out": self.tally.examples,
            "streets": self.streets,
            "difference": asdict(change),
        }


def prepare(
    path: Path,
    described: Described,
    layers: Layers,
    *,
    given: Sequence[str] = (),
    crs: str | None = None,
    layer: str | None = None,
) -> Prepared:
    """Read and check a file; BadFile when it cannot become a register, ValueError for a mapping of unknown names."""
    table = read_table(path, layer)
    mapping = override(propose(list(table.columns)), given, list(table.columns))
    rows, tally = to_register(table, mapping, described.kommun, layers, declared=crs, name=path.name)
    streets = len(Register(rows, source=described.source, vintage=described.vintage).streets)
    return Prepared(described, path.name, mapping, _preview(table, mapping), tally, rows, streets)


def _preview(table: Table, mapping: dict[str, str]) -> list[dict[str, str]]:
    """The first rows as they are understood."""
    return [{m: table.columns[c][i] for m, c in mapping.items()} for i in range(min(PREVIEW_ROWS, len(table)))]


async def compare(database: Database, prepared: Prepared) -> Difference:
    """What would change if this register replaced the active one."""
    kommun = prepared.described.kommun
    async with database.transaction((kommun,)) as connection:
        number = (await store.active(connection, (kommun,))).get(kommun)
        kept = None if number is None else await store.content(connection, kommun, number)
    return difference(None if kept is None else unpack(kept.parquet), prepared.rows)


async def keep(database: Database, prepared: Prepared) -> int:
    """Make it the municipality's active register; its number. The one before stays and can be made active again."""
    content = pack(prepared.rows)
    facts = {
        **asdict(prepared.described),
        "file_name": prepared.file_name[:200],
        "sha256": hashlib.sha256(content).hexdigest(),
        "addresses": len(prepared.rows),
        "streets": prepared.streets,
        "left_out": dict(prepared.tally.left_out),
        "content": content,
    }
    async with database.transaction((prepared.described.kommun,)) as connection:
        return await store.add(connection, prepared.described.kommun, facts)
