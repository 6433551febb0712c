"""SQL of layers that are being drawn."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = "kommun, layer, kind, title, based_on, edition, content, changed_at"
_ONE = text(f"select {_COLUMNS} from layer_drafts where kommun = :kommun and layer = :layer")  # noqa: S608 - constants
_ALL = text("select layer, kind, title, changed_at from layer_drafts where kommun = :kommun order by layer")
_BEGIN = text("""
    insert into layer_drafts (kommun, layer, kind, title, based_on, edition, content)
    values (:kommun, :layer, :kind, :title, :based_on, nextval('layer_draft_editions'), :content)
    on conflict do nothing""")
_CHANGE = text("""
    update layer_drafts set content = :content, edition = nextval('layer_draft_editions'), changed_at = now()
    where kommun = :kommun and layer = :layer and edition = :edition""")
_DROP = text("delete from layer_drafts where kommun = :kommun and layer = :layer and edition = :edition")


class Draft(NamedTuple):
    """One layer as it is being drawn. ``based_on`` is the version that it began as, 0 for none."""

    kommun: str
    layer: str
    kind: str
    title: str
    based_on: int
    edition: int
    parquet: bytes
    changed_at: datetime


class Begun(NamedTuple):
    """A draft in the list."""

    layer: str
    kind: str
    title: str
    changed_at: datetime


async def one(connection: AsyncConnection, kommun: str, layer: str) -> Draft | None:
    """The draft of a layer."""
    row = (await connection.execute(_ONE, {"kommun": kommun, "layer": layer})).one_or_none()
    return None if row is None else Draft(*row)


async def of(connection: AsyncConnection, kommun: str) -> list[Begun]:
    """A municipality's drafts."""
    return [Begun(*row) for row in await connection.execute(_ALL, {"kommun": kommun})]


async def begin(
    connection: AsyncConnection, kommun: str, layer: str, *, kind: str, title: str, based_on: int, content: bytes
) -> bool:
    """Keep a new draft; False when there was one already."""
    values = {"kommun": kommun, "layer": layer, "kind": kind, "title": title, "based_on": based_on, "content": content}
    return bool((await connection.execute(_BEGIN, values)).rowcount)


async def change(connection: AsyncConnection, kommun: str, layer: str, *, edition: int, content: bytes) -> bool:
    """Replace what the draft holds; False when it is no longer that edition: somebody else changed it."""
    values = {"kommun": kommun, "layer": layer, "edition": edition, "content": content}
    return bool((await connection.execute(_CHANGE, values)).rowcount)


async def drop(connection: AsyncConnection, kommun: str, layer: str, *, edition: int) -> bool:
    """Forget the draft; False when it is no longer that edition."""
    values = {"kommun": kommun, "layer": layer, "edition": edition}
    return bool((await connection.execute(_DROP, values)).rowcount)
