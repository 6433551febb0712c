"""SQL of sums over the views: each row is read once, out of the index alone, and areas are looked up last.

The keys of the views that have kinds begin with the kind of event, and all hold what is counted beside it, so a card of
one kind reads its own rows and nothing visits the table. A sum over areas first adds up what lies in the same area set:
thousands of rows meet a few sets, instead of each row its areas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALWAYS = "regso"
"""The layer that every area set has: what is summed over all its areas is the sum of what the sets stand beside."""
OWN = "(area = 'unplaced' or left(area, 4) = :kommun)"
"""Areas of the municipality itself: what its reporters saw in another one is not in its picture."""
OF_WHOLE, OF_PARTS = "sum({0} / 1000000 * share)", "(sum({0} * share) / 1000000)"
"""Millionths of an area: where each row is of whole reports, and where a row may be a part of one (an hour's)."""
WEEK = "day - (day - date '1970-01-05') % 7"
"""The Monday of a day's ISO week."""
_CHOSEN = "area = any(cast(:areas as text[]))"
SETS = f"""area_set = any(array(
    select area_set from area_sets where kommun = :kommun and layer = :layer and {_CHOSEN}))"""  # noqa: S608 - a constant
"""What lies in the chosen areas, found by the sets' numbers."""


def of_kinds(kinds: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """A condition on ``event_type`` that an index can use, and its parameters; a kind of one letter is its group.

    What is no kind at all is found nowhere.
    """
    groups = [k for k in kinds if len(k) == 1 and "A" <= k <= "Z"]
    types = [k for k in kinds if k not in groups]
    values: dict[str, Any] = {}
    found = []
    for at, group in enumerate(groups):  # codes begin with a capital letter
        found.append(f"event_type >= :from_{at} and event_type < :until_{at}")
        values |= {f"from_{at}": group, f"until_{at}": chr(ord(group) + 1)}
    if types:
        found.append("event_type = any(cast(:kinds as text[]))")
        values["kinds"] = types
    return (f"and ({' or '.join(found)})" if found else ""), values


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of a view's rows.

    ``by``: name → expression over the view's columns, None for what an area set's rows say (``area``, ``layer``).
    ``measures``: name → sum over the view's columns.
    """

    view: str
    by: Mapping[str, str | None]
    measures: Mapping[str, str]
    where: str
    of: str = OF_WHOLE

    def statement(
        self, *, areas: bool, where: str = "", chosen: bool = False, sets: Sequence[Sequence[str]] = ()
    ) -> str:
        """The sums in millionths, grouped and sorted by ``by``; without groups one row, zeros if there is nothing.

        ``areas``: by the layer's areas, only the parameter's where some are ``chosen``; otherwise of all there is,
        without looking up a single area. ``where``: further conditions on the view's rows. ``sets``: grouped by each of
        these instead of all together, out of one reading; what is not in a row's set is null in it.
        """
        inner = {name: expression for name, expression in self.by.items() if expression is not None}
        columns = ["kommun", "area_set"] if areas else []
        columns += [f'{expression} as "{name}"' for name, expression in inner.items()]
        sums = [f"coalesce({one}, 0)::bigint as {name}" for name, one in self.measures.items()]
        rows = f"""
            select {", ".join([*columns, *sums])} from {self.view}
            where kommun = :kommun and generation = (select generation from view_state where name = '{self.view}')
              and {self.where} {where} {f"and {SETS}" if chosen else ""}"""  # noqa: S608 - names are the code's own
        if not areas:
            return rows + (_in_sets(list(inner), sets) or _grouped(len(columns))) + _sorted(len(columns))
        rows += _grouped(len(columns))
        names = [f'"{name}"' for name in self.by]
        shares = [f"coalesce({self.of.format(name)}, 0)::bigint as {name}" for name in self.measures]
        return f"""
            select {", ".join([*names, *shares])} from ({rows}) of_sets join area_sets using (kommun, area_set)
            where layer = :layer {f"and {_CHOSEN}" if chosen else ""}
            {_in_sets(list(self.by), sets) or _grouped(len(names))} {_sorted(len(names))}"""  # noqa: S608 - as above


def _grouped(count: int) -> str:
    return f" group by {', '.join(str(i + 1) for i in range(count))}" if count else ""


def _in_sets(names: Sequence[str], sets: Sequence[Sequence[str]]) -> str:
    one = [f"({', '.join(str(names.index(name) + 1) for name in found)})" for found in sets]
    return f" group by grouping sets ({', '.join(one)})" if one else ""


def _sorted(count: int) -> str:
    return f" order by {', '.join(str(i + 1) for i in range(count))}" if count else ""
