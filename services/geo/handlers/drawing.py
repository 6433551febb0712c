"""Drawing a municipality's own layers: a draft is changed area by area, looked over, and becomes a version.

Until then nothing is placed by it. Two people at once: the later one is told, and overwrites nothing.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from services.geo.domain.geocoding.words import plain
from services.geo.handlers import replacing
from services.geo.importing.polygons import Report, code_of, look_over
from services.geo.layers import keeping
from services.geo.layers.keeping import Described, Difference, Prepared
from services.geo.layers.own import NAMES, today_in_sweden
from services.geo.layers.packing import Feature, pack, unpack
from services.geo.layers.shipped import Layers
from services.geo.store import drafts, layers
from services.geo.store.drafts import Draft
from services.geo.store.layers import Entry
from services.runtime.database import Database

RESERVED = frozenset({"regso", "kommun", "lan", "reports", "ground"})
"""Names that no layer of a municipality's own can have."""
SAME_METRES = 0.2
"""Corners that are written and read again move by less; such a surface is kept as it was."""
_NAME = re.compile(r"[^a-z0-9]+")


class Conflict(Exception):
    """Somebody else changed the draft meanwhile."""


class Listed(NamedTuple):
    """A layer in the list: its newest version if it has one, and whether somebody is drawing on it."""

    layer: str
    title: str
    kind: str
    entry: Entry | None
    drafted: bool


@dataclass(frozen=True)
class Sheet:
    """A layer on the drawing table: what it holds, and the draft if one is begun."""

    layer: str
    title: str
    kind: str
    features: tuple[Feature, ...]
    draft: Draft | None
    entry: Entry | None
    """The newest version, None for a layer that has none yet."""

    @property
    def edition(self) -> int:
        """Which edition of the draft this is; before the first change the version that it would begin as, negative."""
        if self.draft is not None:
            return self.draft.edition
        return -self.entry.number if self.entry is not None else 0

    @property
    def listed(self) -> Listed:
        """What the list says of it."""
        return Listed(self.layer, self.title, self.kind, self.entry, self.draft is not None)

    def feature(self, code: str) -> Feature | None:
        """The area of a code."""
        return next((f for f in self.features if f.code == code), None)


async def listed(database: Database, kommun: str) -> list[Listed]:
    """The municipality's own layers, by title; nothing of what they hold is read."""
    async with database.transaction((kommun,)) as connection:
        newest = _newest(await layers.versions(connection, kommun), kommun)
        begun = {d.layer: d for d in await drafts.of(connection, kommun)}
    found = [Listed(e.layer, e.title, e.kind, e, e.layer in begun) for e in newest.values() if e.kind != NAMES]
    found += [Listed(d.layer, d.title, d.kind, None, drafted=True) for d in begun.values() if d.layer not in newest]
    return sorted(found, key=lambda one: one.title.lower())


async def sheet(database: Database, kommun: str, layer: str) -> Sheet | None:
    """One of the municipality's own layers, as drafted if it is; None for none."""
    async with database.transaction((kommun,)) as connection:
        entry = _newest(await layers.versions(connection, kommun), kommun).get(layer)
        draft = await drafts.one(connection, kommun, layer)
        if draft is not None:
            return Sheet(layer, draft.title, draft.kind, tuple(unpack(draft.parquet)[0]), draft, entry)
        if entry is None or entry.kind == NAMES:  # names are points out of a file: there is nothing to draw
            return None
        content = await layers.content(connection, layers.Key(kommun, layer, entry.number))
    return Sheet(layer, entry.title, entry.kind, tuple(unpack(content.parquet)[0]), None, entry)


def _newest(entries: list[Entry], kommun: str) -> dict[str, Entry]:
    """Layer → its newest version, of the municipality's own; ``entries`` are newest first within a layer."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.kommun == kommun:
            found.setdefault(entry.layer, entry)
    return found


def name_of(title: str) -> str:
    """A short name made of a title: lower-case letters, digits and _; empty when the title gives none."""
    made = _NAME.sub("_", plain(title)).strip("_")[:32]
    return "" if made in RESERVED or not made[:1].isalpha() else made


async def begin(database: Database, kommun: str, *, title: str, kind: str) -> str | None:
    """Begin a new layer; its short name, None when there is one of that name already."""
    layer = name_of(title)
    async with database.transaction((kommun,)) as connection:
        # National layers' names too: a report has one area in every layer, told apart by name.
        if any(e.layer == layer for e in await layers.versions(connection, kommun)):
            return None
        made = await drafts.begin(connection, kommun, layer, kind=kind, title=title, based_on=0, content=pack(()))
    return layer if made else None


def with_surface(before: Feature | None, feature: Feature) -> Feature:
    """The feature with its old surface where the new one is the same, written with fewer digits."""
    if before is not None and _same(before.geometry, feature.geometry):
        return replace(feature, geometry=before.geometry)
    return feature


def _same(old: Any, new: Any) -> bool:
    return bool(shapely.hausdorff_distance(old, new) < SAME_METRES)


def free_code(name: str, found: Sheet) -> str:
    """A code for a new area, made of its name."""
    made = code_of(name) or "yta"
    taken = {f.code for f in found.features}
    return next(c for i in range(len(taken) + 1) if (c := made if i == 0 else f"{made[:28]}_{i + 1}") not in taken)


async def put(database: Database, kommun: str, found: Sheet, feature: Feature, *, edition: int) -> None:
    """Add an area to the draft, or replace the one of its code; Conflict."""
    rest = [f for f in found.features if f.code != feature.code]
    await _keep(database, kommun, found, [*rest, feature], edition)


async def remove(database: Database, kommun: str, found: Sheet, code: str, *, edition: int) -> None:
    """Take an area out of the draft; Conflict."""
    await _keep(database, kommun, found, [f for f in found.features if f.code != code], edition)


async def _keep(database: Database, kommun: str, found: Sheet, features: list[Feature], edition: int) -> None:
    if edition != found.edition:
        raise Conflict
    content = pack(features)
    async with database.transaction((kommun,)) as connection:
        if found.draft is None:
            kept = await drafts.begin(
                connection,
                kommun,
                found.layer,
                kind=found.kind,
                title=found.title,
                based_on=found.entry.number if found.entry else 0,
                content=content,
            )
        else:
            kept = await drafts.change(connection, kommun, found.layer, edition=edition, content=content)
    if not kept:
        raise Conflict


async def looked_over(database: Database, kommun: str, found: Sheet, known: Layers) -> tuple[Report, Difference]:
    """What is odd about the draft, and what it changes; BadFile when most of it lies in another municipality."""
    report = Report(read=len(found.features))
    own = known.kommun_polygon(kommun) if kommun in known.kommuner else None
    if found.features:
        look_over(found.features, found.kind, own, report, found.title)
    return report, keeping.difference(await keeping.newest(database, kommun, found.layer), found.features)


async def publish(
    database: Database, kommun: str, found: Sheet, report: Report, *, edition: int, valid_from: date, credit: str
) -> int:
    """Make the draft the layer's next version and ask for reports to follow; its number. Conflict."""
    entry = found.entry
    if found.draft is None or edition != found.edition or (entry.number if entry else 0) != found.draft.based_on:
        raise Conflict
    described = Described(
        kommun,
        found.layer,
        found.kind,
        found.title,
        valid_from,
        None,
        entry.source if entry else "kommun",
        entry.licence if entry else "–",
        entry.credit if entry else credit,
    )
    async with database.transaction((kommun,)) as connection:
        if not await drafts.drop(connection, kommun, found.layer, edition=edition):
            raise Conflict
        return await _added(connection, Prepared(described, "ritad", {}, list(found.features), report))


async def end(database: Database, kommun: str, found: Sheet, last_day: date) -> int:
    """Let the layer hold until a day, by a version of the same areas that ends; its number. Reports follow then.

    Conflict while there is a draft. A later version makes it hold again.
    """
    entry = found.entry
    if entry is None or found.draft is not None:
        raise Conflict
    first = min(max(entry.valid_from, today_in_sweden()), last_day)
    described = Described(
        kommun, found.layer, found.kind, found.title, first, last_day, entry.source, entry.licence, entry.credit
    )
    async with database.transaction((kommun,)) as connection:
        report = Report(read=len(found.features), taken=len(found.features))
        return await _added(connection, Prepared(described, "avslutad", {}, list(found.features), report))


async def _added(connection: AsyncConnection, prepared: Prepared) -> int:
    """Keep a version and ask for reports to follow, in one transaction; its number."""
    described = prepared.described
    number = await keeping.add(connection, prepared)
    for at in keeping.changes_at(described):
        await replacing.ask_within(
            connection, described.kommun, "all", f"layer {described.layer}, version {number}", at
        )
    return number


async def discard(database: Database, kommun: str, layer: str, *, edition: int) -> None:
    """Throw the draft away; Conflict."""
    async with database.transaction((kommun,)) as connection:
        if not await drafts.drop(connection, kommun, layer, edition=edition):
            raise Conflict
