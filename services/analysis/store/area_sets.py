"""SQL for area sets: what the number in a view's row stands for, in every layer. Rows are added, never changed."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.views.fact import Counted

_FIND = text("""
    select distinct kommun, area_set from area_sets
    where kommun = any(cast(:kommuner as text[])) and area_set = any(cast(:sets as bigint[]))""")
_ADD = text("""
    insert into area_sets (kommun, area_set, layer, area, share)
    select * from unnest(cast(:kommuner as text[]), cast(:sets as bigint[]), cast(:layers as text[]),
                         cast(:areas as text[]), cast(:shares as int[])) on conflict do nothing""")
_known: set[tuple[str, int]] = set()
"""Sets that this process has seen committed: found by a later transaction than the one that added them."""
_MOST_KNOWN = 200_000


async def ensure(connection: AsyncConnection, facts: Sequence[Counted]) -> None:
    """Add the area sets of these facts that the database does not have, in the facts' own transaction."""
    sets = {(fact.kommun, fact.areas.number): fact.areas for fact in facts}
    unsure = sets.keys() - _known
    if not unsure:
        return
    asked = {"kommuner": sorted({k for k, _ in unsure}), "sets": sorted({n for _, n in unsure})}
    found_before = {(r.kommun, r.area_set) for r in await connection.execute(_FIND, asked)}
    if len(_known) > _MOST_KNOWN:
        _known.clear()
    _known.update(found_before & unsure)
    rows = [
        (kommun, number, *share)
        for kommun, number in sorted(unsure - found_before)
        for share in sets[kommun, number].shares
    ]
    if rows:
        names = ("kommuner", "sets", "layers", "areas", "shares")
        await connection.execute(_ADD, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
