"""What maps and addresses of the picture's pages need to name."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from services.analysis.domain.cells import ring
from services.pages.maps import Ring

KIND = re.compile(r"^[A-E](?:\d{1,2}|-X\d{1,3})?$")
"""A group of what is counted, or a type in it, the municipality's own among them."""


def rings(steps: Iterable[Sequence[Any]]) -> list[Ring]:
    """(cell, colour class) as rings to draw on a map."""
    return [(ring(cell), step) for cell, step in steps]
