"""SQL for area sets: what the number in a view's row stands for, in every layer. Rows are added, never changed."""

from collections.abc import Iterable, Sequence, Set
from weakref import WeakKeyDictionary

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.analysis.views.fact import Counted, Present

_FIND = text("""
    select distinct kommun, area_set from area_sets
    where kommun = any(cast(:kommuner as text[])) and area_set = any(cast(:sets as bigint[]))""")
_ADD = text("""
    insert into area_sets (kommun, area_set, layer, area, share)
    select * from unnest(cast(:kommuner as text[]), cast(:sets as bigint[]), cast(:layers as text[]),
                         cast(:areas as text[]), cast(:shares as int[])) on conflict do nothing""")
_seen: WeakKeyDictionary[AsyncEngine, set[tuple[str, int]]] = WeakKeyDictionary()
"""Per database, the sets that are known to be committed: found by a later transaction than the one that added them."""
_MOST_KNOWN = 200_000


async def _find(connection: AsyncConnection, wanted: Set[tuple[str, int]]) -> set[tuple[str, int]]:
    asked = {"kommuner": sorted({k for k, _ in wanted}), "sets": sorted({n for _, n in wanted})}
    return {(r.kommun, r.area_set) for r in await connection.execute(_FIND, asked)} & wanted


async def missing(connection: AsyncConnection, facts: Iterable[Counted | Present]) -> int:
    """How many area sets of these facts the database does not know: their reports would count in no area."""
    wanted = {(fact.kommun, fact.areas.number) for fact in facts}
    return len(wanted - await _find(connection, wanted))


async def ensure(connection: AsyncConnection, facts: Sequence[Counted | Present]) -> None:
    """Add the area sets of these facts that the database does not have, in the facts' own transaction."""
    sets = {(fact.kommun, fact.areas.number): fact.areas for fact in facts}
    known = _seen.setdefault(connection.engine, set())
    unsure = sets.keys() - known
    if not unsure:
        return
    found_before = await _find(connection, unsure)
    if len(known) > _MOST_KNOWN:
        known.clear()
    known |= found_before
    rows = [
        (kommun, number, *share)
        for kommun, number in sorted(unsure - found_before)
        for share in sets[kommun, number].shares
    ]
    if rows:
        names = ("kommuner", "sets", "layers", "areas", "shares")
        await connection.execute(_ADD, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
