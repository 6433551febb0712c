"""Importing a version of a layer: read, repaired, checked, compared with the one before, kept; reports follow."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER
from services.geo.importing import asking, names, polygons
from services.geo.importing.polygons import Report
from services.geo.importing.reading import read_table
from services.geo.layers.own import NAMES, SWEDEN
from services.geo.layers.packing import Feature, pack, unpack
from services.geo.layers.shipped import Layers
from services.geo.store import layers as store
from services.runtime.database import Database

CHANGED_M2 = 1.0
"""An area that changes by less is the same, rounded anew."""
_EXAMPLES = 5


@dataclass(frozen=True)
class Described:
    """What a person says about a layer: nothing of it can be read from the file. ``0000`` owns a national layer."""

    kommun: str
    layer: str
    kind: str
    title: str
    valid_from: date
    valid_to: date | None
    source: str
    licence: str
    credit: str
    version: str = "{number}"


@dataclass
class Difference:
    """What changes against the version before, with the first few names of each."""

    added: int = 0
    removed: int = 0
    redrawn: int = 0
    renamed: int = 0
    unchanged: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, name: str) -> None:
        """Count one."""
        setattr(self, what, getattr(self, what) + 1)
        kept = self.examples.setdefault(what, [])
        if len(kept) < _EXAMPLES:
            kept.append(name)


@dataclass(frozen=True)
class Prepared:
    """A version that is ready to be kept."""

    described: Described
    file_name: str
    mapping: dict[str, str]
    features: list[Feature]
    report: Report


def prepare(
    origin: Path | str,
    described: Described,
    layers: Layers,
    *,
    given: Sequence[str] = (),
    crs: str | None = None,
    layer: str | None = None,
) -> Prepared:
    """Read and check a file, or what a service has at an address.

    BadFile when it cannot become a layer, ValueError for a mapping of unknown names.
    """
    if asking.is_service(str(origin)):
        name, table = asking.shown(str(origin)), asking.read_service(str(origin), layer)
    else:
        name, table = Path(origin).name, read_table(Path(origin), layer)
    points = described.kind == NAMES
    mapping = (names if points else polygons).propose(list(table.columns))
    for pair in given:
        meaning, _, column = pair.partition("=")
        if column not in table.columns:
            raise ValueError(f"{column}: {', '.join(table.columns)}")
        mapping[meaning] = column
    own = None if described.kommun == CONTEXT_OWNER else layers.kommun_polygon(described.kommun)
    if points:
        features, report = names.to_names(table, mapping, own, declared=crs, name=name)
    else:
        features, report = polygons.to_features(table, mapping, described.kind, own, declared=crs, name=name)
    return Prepared(described, name, mapping, features, report)


def difference(before: Sequence[Feature], after: Sequence[Feature]) -> Difference:
    """The differences by code."""
    found = Difference()
    old = {f.code: f for f in before}
    new = {f.code: f for f in after}
    for code, feature in new.items():
        known = old.get(code)
        if known is None:
            found.note("added", feature.name)
        elif _moved(known.geometry, feature.geometry):
            found.note("redrawn", feature.name)
        elif known.name != feature.name:
            found.note("renamed", f"{known.name} → {feature.name}")
        else:
            found.unchanged += 1
    for code, feature in old.items():
        if code not in new:
            found.note("removed", feature.name)
    return found


def _moved(before: Any, after: Any) -> bool:
    """Whether two areas differ by more than rounding, or two points by more than a metre."""
    if shapely.get_dimensions(before) < 2 or shapely.get_dimensions(after) < 2:
        return float(shapely.distance(before, after)) > 1.0
    return float(shapely.area(shapely.symmetric_difference(before, after))) > CHANGED_M2


async def newest(database: Database, kommun: str, layer: str) -> list[Feature]:
    """The features of the newest version, held or not; empty for a new layer."""
    async with database.transaction((kommun,)) as connection:
        numbers = [e.number for e in await store.versions(connection, kommun) if (e.kommun, e.layer) == (kommun, layer)]
        if not numbers:
            return []
        content = await store.content(connection, store.Key(kommun, layer, max(numbers)))
    return unpack(content.parquet)[0]


async def keep(database: Database, prepared: Prepared) -> int:
    """Keep it as the layer's newest version; its number. It holds from its first day."""
    async with database.transaction((prepared.described.kommun,)) as connection:
        return await add(connection, prepared)


async def add(connection: AsyncConnection, prepared: Prepared) -> int:
    """The same in the caller's transaction."""
    content = pack(prepared.features)
    facts = {
        **asdict(prepared.described),
        "file_name": prepared.file_name[:200],
        "sha256": hashlib.sha256(content).hexdigest(),
        "areas": len(prepared.features),
        "report": prepared.report.as_dict(),
        "content": content,
    }
    return await store.add(connection, prepared.described.kommun, prepared.described.layer, facts)


def changes_at(described: Described) -> list[datetime]:
    """When reports come to lie elsewhere by it: as it begins to hold, at once if it does, and after its last day."""
    days = [described.valid_from] + ([described.valid_to + timedelta(days=1)] if described.valid_to else [])
    return [max(datetime.now(UTC), datetime.combine(day, time.min, SWEDEN)) for day in days]
