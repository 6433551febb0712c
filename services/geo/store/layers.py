"""SQL of layers: every version of a municipality's own and of the national ones, and which of them holds today."""

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.values import CONTEXT_OWNER

_CURRENT = text("""
    select kommun, layer, number from (
        select distinct on (kommun, layer) kommun, layer, number, valid_to from layer_versions
        where (kommun = any(cast(:kommuner as text[])) or kommun = :national) and valid_from <= :today
        order by kommun, layer, number desc) as newest
    where valid_to is null or valid_to >= :today order by kommun, layer""")
_CONTENT = text("""
    select kind, title, version, credit, valid_to, content from layer_versions
    where kommun = :kommun and layer = :layer and number = :number""")
_LIST = text("""
    select kommun, layer, number, kind, title, version, valid_from, valid_to, source, licence, credit, file_name, areas,
        report, imported_at
    from layer_versions where kommun = :kommun or kommun = :national order by layer, number desc""")
_LOCK = text("select pg_advisory_xact_lock(hashtext('layers'), hashtext(:kommun))")
_NEXT = text("select coalesce(max(number), 0) + 1 from layer_versions where kommun = :kommun and layer = :layer")
_ADD = text("""
    insert into layer_versions (kommun, layer, number, kind, title, version, valid_from, valid_to, source, licence,
        credit, file_name, sha256, areas, report, content)
    values (:kommun, :layer, :number, :kind, :title, :version, :valid_from, :valid_to, :source, :licence, :credit,
        :file_name, :sha256, :areas, cast(:report as jsonb), :content)""")


class Key(NamedTuple):
    """One version of one layer. The owner of a national layer is ``0000``."""

    kommun: str
    layer: str
    number: int


class Content(NamedTuple):
    """A version as it is kept."""

    kind: str
    title: str
    version: str
    credit: str
    valid_to: date | None
    parquet: bytes


class Entry(NamedTuple):
    """A version in the list."""

    kommun: str
    layer: str
    number: int
    kind: str
    title: str
    version: str
    valid_from: date
    valid_to: date | None
    source: str
    licence: str
    credit: str
    file_name: str
    areas: int
    report: dict[str, Any]
    imported_at: datetime


async def current(connection: AsyncConnection, kommuner: Collection[str], today: date) -> list[Key]:
    """The newest version of each layer that has begun to hold: the municipalities' own and the national ones."""
    values = {"kommuner": sorted(kommuner), "national": CONTEXT_OWNER, "today": today}
    return [Key(*row) for row in await connection.execute(_CURRENT, values)]


async def content(connection: AsyncConnection, key: Key) -> Content:
    """One version's file."""
    row = (await connection.execute(_CONTENT, key._asdict())).one()
    return Content(row.kind, row.title, row.version, row.credit, row.valid_to, bytes(row.content))


async def versions(connection: AsyncConnection, kommun: str) -> list[Entry]:
    """Every version of every layer that the municipality sees, newest first within a layer."""
    return [Entry(*row) for row in await connection.execute(_LIST, {"kommun": kommun, "national": CONTEXT_OWNER})]


async def add(connection: AsyncConnection, kommun: str, layer: str, facts: Mapping[str, Any]) -> int:
    """Keep a version, in the caller's transaction; its number. ``facts["version"]`` may hold ``{number}``."""
    await connection.execute(_LOCK, {"kommun": kommun})
    number = int(await connection.scalar(_NEXT, {"kommun": kommun, "layer": layer}) or 1)
    values = {**facts, "kommun": kommun, "layer": layer, "number": number, "report": json.dumps(facts["report"])}
    values["version"] = facts["version"].format(number=number)
    await connection.execute(_ADD, values)
    return number
