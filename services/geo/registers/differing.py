"""What changes when one register replaces another, told before it does."""

from dataclasses import dataclass, field
from math import hypot

from services.geo.domain.geocoding.register import AddressRows, display
from services.geo.domain.geocoding.words import spelling_of

MOVED_METRES = 5.0
"""An address that moves less is the same point, measured again."""
_EXAMPLES = 5


@dataclass
class Difference:
    """Addresses and streets that come, go and move; up to five examples of each."""

    added: int = 0
    removed: int = 0
    moved: int = 0
    unchanged: int = 0
    new_streets: int = 0
    gone_streets: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, label: str) -> None:
        """Count one, and keep the first few as examples."""
        setattr(self, what, getattr(self, what) + 1)
        kept = self.examples.setdefault(what, [])
        if len(kept) < _EXAMPLES:
            kept.append(label)


def difference(old: AddressRows | None, new: AddressRows) -> Difference:
    """The differences; everything is new where there was no register."""
    found = Difference()
    before = {} if old is None else _by_address(old)
    after = _by_address(new)
    for address, (label, e, n) in after.items():
        known = before.get(address)
        if known is None:
            found.note("added", label)
        elif hypot(known[1] - e, known[2] - n) > MOVED_METRES:
            found.note("moved", label)
        else:
            found.unchanged += 1
    for address, (label, _, _) in before.items():
        if address not in after:
            found.note("removed", label)
    streets_before = {a[:2]: label for a, (label, _, _) in before.items()}
    streets_after = {a[:2]: label for a, (label, _, _) in after.items()}
    for street in sorted(streets_after.keys() - streets_before.keys()):
        found.note("new_streets", streets_after[street].rsplit(" ", 1)[0])
    for street in sorted(streets_before.keys() - streets_after.keys()):
        found.note("gone_streets", streets_before[street].rsplit(" ", 1)[0])
    return found


Address = tuple[str, str, int, str, str]


def _by_address(rows: AddressRows) -> dict[Address, tuple[str, float, float]]:
    """(street, kommundel, number, letter, supplement) → label and point."""
    found: dict[Address, tuple[str, float, float]] = {}
    columns = zip(rows.street, rows.kommundel, rows.number, rows.letter, rows.supplement, rows.e, rows.n, strict=True)
    for street, part, number, letter, supplement, e, n in columns:
        label = f"{display(street)} {number if number >= 0 else ''}{letter}".strip()
        found[spelling_of(street), spelling_of(part), number, letter, supplement] = (label, float(e), float(n))
    return found
