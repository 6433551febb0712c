"""Invented registers for the measured municipalities, and addresses of them with slips."""

import random
from collections.abc import Sequence

import numpy as np

from benchmarks.servers import Ground
from services.geo.accuracy.invented import distractors
from services.geo.domain.geocoding.register import AddressRows
from services.geo.importing.addresses import Tally
from services.geo.registers import keeping
from services.geo.registers.keeping import Described, Prepared
from services.runtime.database import Database
from services.runtime.migrations import work_role

STREETS = 200
TYPOS = 1_000


async def fill(ground: Ground, kommuner: Sequence[str]) -> AddressRows:
    """The same invented register for each municipality; its rows."""
    around = np.array([480_000.0, 490_000.0])
    rows = distractors(AddressRows([], [], [], [], [], [], [], [], around, around + 5_900_000), STREETS)
    database = Database(ground.layout.database_url(work_role("geo")), pool_size=1)
    try:
        for kommun in kommuner:
            described = Described(kommun, "kommun", "2026-11-01", "CC0", "test")
            await keeping.keep(database, Prepared(described, "bench", {}, [], Tally(), rows, STREETS))
    finally:
        await database.close()
    return rows


def misspelt(rows: AddressRows, count: int = TYPOS, slips: int = 1, seed: int = 4) -> list[tuple[str, str]]:
    """(query, street): addresses with letters left out, doubled, exchanged or changed in the street's name."""
    chance = random.Random(seed)  # noqa: S311 - made-up slips
    found = []
    for _ in range(count):
        i = chance.randrange(len(rows))
        name = list(rows.street[i].lower())
        for _ in range(slips):
            at = chance.randrange(1, len(name) - 1)
            match chance.randrange(4):
                case 0:
                    del name[at]
                case 1:
                    name.insert(at, name[at])
                case 2:
                    name[at], name[at - 1] = name[at - 1], name[at]
                case _:
                    name[at] = chance.choice("abdegiklnorstvåäö")
        found.append((f"{''.join(name)} {rows.number[i]}", rows.street[i]))
    return found
